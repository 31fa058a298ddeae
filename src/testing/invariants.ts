import type { ApiObject } from '#api/object.ts';
import type { Change } from './recorder.ts';

/** Something that was never to be, was. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  readonly code = 'testing/invariant';
  readonly change: Change;

  constructor(message: string, change: Change) {
    super(message);
    this.change = change;
  }
}

interface Invariant {
  readonly prefix: string;
  readonly isBroken: (object: ApiObject) => boolean;
  readonly message: string;
}

/** Checks every state of every watched object as it is written, so that nothing in between goes unseen. */
export class Invariants {
  readonly #invariants = new Set<Invariant>();
  #broken: { readonly change: Change; readonly what: string } | undefined;

  add(invariant: Invariant): Disposable {
    this.#invariants.add(invariant);
    return { [Symbol.dispose]: () => void this.#invariants.delete(invariant) };
  }

  /** Forgets all of them, and what they found. */
  clear(): void {
    this.#invariants.clear();
    this.#broken = undefined;
  }

  isWanted(key: string): boolean {
    return this.#invariants.values().some(({ prefix }) => key.startsWith(prefix));
  }

  check(change: Change, key: string): void {
    if (change.type === 'DELETED') {
      return;
    }
    for (const { prefix, isBroken, message } of this.#invariants) {
      if (this.#broken === undefined && key.startsWith(prefix) && isBroken(change.object)) {
        this.#broken = { change, what: `${message}: ${key.replace('/registry/', '')}` };
      }
    }
  }

  /**
   * @param writerOf who made a revision; known only once the writer has its answer
   * @throws {InvariantError} once, when one was broken since the last call
   */
  throwIfBroken(writerOf: (change: Change) => string): void {
    const broken = this.#broken;
    this.#broken = undefined;
    if (broken !== undefined) {
      const { change, what } = broken;
      throw new InvariantError(
        `${what} at revision ${change.revision}, written by ${writerOf(change)}\n${JSON.stringify(change.object, null, 2)}`,
        change,
      );
    }
  }
}
