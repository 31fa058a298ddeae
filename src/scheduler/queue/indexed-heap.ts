/** A binary heap whose items can also be found and removed by id. */
export class IndexedHeap<T> {
  readonly #items: T[] = [];
  readonly #positions = new Map<string, number>();
  readonly #idOf: (item: T) => string;
  readonly #isBefore: (left: T, right: T) => boolean;

  constructor(idOf: (item: T) => string, isBefore: (left: T, right: T) => boolean) {
    this.#idOf = idOf;
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The first item, left where it is. */
  peek(): T | undefined {
    return this.#items[0];
  }

  get(id: string): T | undefined {
    const position = this.#positions.get(id);
    return position === undefined ? undefined : this.#items[position];
  }

  /** In no particular order. */
  values(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1, item);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    return first === undefined ? undefined : this.delete(this.#idOf(first));
  }

  delete(id: string): T | undefined {
    const position = this.#positions.get(id);
    if (position === undefined) {
      return undefined;
    }
    const removed = this.#items[position];
    const last = this.#items.pop();
    this.#positions.delete(id);
    if (last !== undefined && position < this.#items.length) {
      this.#rise(this.#sink(position, last), last);
    }
    return removed;
  }

  /** Moves `item` up from a hole at `position`. */
  #rise(position: number, item: T): void {
    let hole = position;
    while (hole > 0) {
      const parentPosition = (hole - 1) >> 1;
      const parent = this.#items[parentPosition];
      if (parent === undefined || !this.#isBefore(item, parent)) {
        break;
      }
      this.#put(hole, parent);
      hole = parentPosition;
    }
    this.#put(hole, item);
  }

  /** Moves the hole at `position` down to where `item` may stand; returns where that is. */
  #sink(position: number, item: T): number {
    let hole = position;
    for (;;) {
      const leftPosition = hole * 2 + 1;
      const left = this.#items[leftPosition];
      const right = this.#items[leftPosition + 1];
      if (left === undefined) {
        return hole;
      }
      const isRightFirst = right !== undefined && this.#isBefore(right, left);
      const child = isRightFirst ? right : left;
      if (!this.#isBefore(child, item)) {
        return hole;
      }
      this.#put(hole, child);
      hole = isRightFirst ? leftPosition + 1 : leftPosition;
    }
  }

  #put(position: number, item: T): void {
    this.#items[position] = item;
    this.#positions.set(this.#idOf(item), position);
  }
}
