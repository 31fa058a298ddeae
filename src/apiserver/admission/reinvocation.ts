/**
 * What webhooks that change objects remember of one write, so that those which asked for it (`IfNeeded`) see what
 * others changed after them. The chain runs a second time when a webhook changed something, and never a third.
 */
export class Reinvocation {
  /** True in the second round. */
  isAgain = false;
  /** Some webhook changed the object: the plugins before it have to look again. */
  isNeeded = false;
  /** The object as it left the webhooks in the first round. */
  lastOutput: unknown;
  /** Called, and nothing has changed since. */
  readonly #upToDate = new Set<string>();
  readonly #outdated = new Set<string>();

  /** Notes that a webhook with `IfNeeded` has seen the object as it is. */
  invoked(webhook: string): void {
    this.#upToDate.add(webhook);
  }

  /** Whoever was called before has not seen this change. */
  changed(): void {
    for (const webhook of this.#upToDate) {
      this.#outdated.add(webhook);
    }
    this.#upToDate.clear();
  }

  wantsAgain(webhook: string): boolean {
    return this.#outdated.has(webhook);
  }
}
