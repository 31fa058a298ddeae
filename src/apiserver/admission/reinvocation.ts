/**
 * What the plugins that call others remember of one write, so that those which asked for it (`IfNeeded`) see what
 * others changed after them. The chain runs a second time when one of them changed something, and never a third.
 */
export class Reinvocation {
  /** True in the second round. */
  isAgain = false;
  /** Something changed the object: the plugins before it have to look again. */
  isNeeded = false;
  readonly #rounds = new Map<string, Rounds>();

  /** What one plugin remembers; webhooks and policies do not know of each other. */
  of(plugin: string): Rounds {
    return this.#rounds.getOrInsertComputed(plugin, () => new Rounds());
  }
}

/** Who was called in which state of the object. */
export class Rounds {
  /** The object as it left the plugin in the round before. */
  lastOutput: unknown;
  /** Called, and nothing has changed since. */
  readonly #upToDate = new Set<string>();
  readonly #outdated = new Set<string>();

  /** Notes that one with `IfNeeded` has seen the object as it is. */
  invoked(id: string): void {
    this.#upToDate.add(id);
  }

  /** Whoever was called before has not seen this change. */
  changed(): void {
    for (const id of this.#upToDate) {
      this.#outdated.add(id);
    }
    this.#upToDate.clear();
  }

  wantsAgain(id: string): boolean {
    return this.#outdated.has(id);
  }
}
