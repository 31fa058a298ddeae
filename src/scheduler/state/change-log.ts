/** Changes remembered; a reader further behind reads everything anew. A power of two. */
const CHANGES_KEPT = 4096;

/** Which rows changed lately, so that what was computed from them is refreshed row by row. */
export class ChangeLog {
  readonly #rows = new Int32Array(CHANGES_KEPT);
  #count = 0;

  /** Grows with every change. */
  get version(): number {
    return this.#count;
  }

  add(row: number): void {
    this.#rows[this.#count % CHANGES_KEPT] = row;
    this.#count += 1;
  }

  /**
   * Calls `visit` for each row changed after `version` (maybe more than once).
   *
   * @returns false when that is too long ago to say, and nothing was visited
   */
  visitSince(version: number, visit: (row: number) => void): boolean {
    if (this.#count - version > CHANGES_KEPT) {
      return false;
    }
    for (let change = version; change < this.#count; change++) {
      visit(this.#rows[change % CHANGES_KEPT] ?? 0);
    }
    return true;
  }
}
