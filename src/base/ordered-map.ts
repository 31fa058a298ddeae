import { assert } from './assert.ts';

/**
 * Most entries of a leaf and children of a branch. Wide nodes keep the tree three levels deep at a
 * million keys; much wider ones spend more in shifting arrays than they save in descending.
 */
const NODE_MAX = 64;
const NODE_MIN = NODE_MAX / 4;

/** Code units from here on order differently in UTF-16 than in UTF-8. */
const WIDE = /[\ud800-\uffff]/;

interface Leaf<V> {
  readonly isLeaf: true;
  /** The map that may change this node in place; every other map copies it first. */
  readonly owner: object;
  readonly keys: string[];
  readonly values: V[];
}

interface Branch<V> {
  readonly isLeaf: false;
  readonly owner: object;
  /** `keys[i]` is at most the smallest key below `children[i]` and above all keys before it; `keys[0]` is unused. */
  readonly keys: string[];
  readonly children: Node<V>[];
  /** `sizes[i]` is the number of entries below `children[i]`. */
  readonly sizes: number[];
}

type Node<V> = Leaf<V> | Branch<V>;

/**
 * A map with string keys in the byte order of their UTF-8 form, which is code point order.
 *
 * A B+ tree that knows the size of every subtree, so counting a range costs as much as two look-ups.
 * `fork` shares all nodes and copies them on the first change, so it costs nothing at any size.
 * Changing the map while iterating it is a bug; iterate a fork instead.
 */
export class OrderedMap<V> {
  #owner: object = {};
  #root: Node<V> = { isLeaf: true, owner: this.#owner, keys: [], values: [] };
  #size = 0;
  /** False as long as UTF-16 order, which the engine compares much faster, is the same for all keys. */
  #hasWideKeys = false;

  get size(): number {
    return this.#size;
  }

  /** An independent map with the same entries. Values are shared. */
  fork(): OrderedMap<V> {
    const copy = new OrderedMap<V>();
    copy.#root = this.#root;
    copy.#size = this.#size;
    copy.#hasWideKeys = this.#hasWideKeys;
    // Neither may change the shared nodes in place from here on.
    this.#owner = {};
    return copy;
  }

  get(key: string): V | undefined {
    let node = this.#root;
    while (!node.isLeaf) {
      node = childAt(node, this.#childIndex(node, key));
    }
    const index = this.#lowerBound(node.keys, key, 0);
    return node.keys[index] === key ? node.values[index] : undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** Adds or replaces an entry and returns the value that was there. */
  set(key: string, value: V): V | undefined {
    this.#hasWideKeys ||= WIDE.test(key);
    const root = this.#own(this.#root);
    const sizeBefore = this.#size;
    const previous = this.#insert(root, key, value);
    const sibling = this.#split(root);
    this.#root = sibling === undefined ? root : this.#join(root, sibling);
    assert(this.#size === sizeBefore || this.#size === sizeBefore + 1, 'one entry was added at most');
    return previous;
  }

  /** Removes an entry and returns the value that was there. */
  delete(key: string): V | undefined {
    if (this.get(key) === undefined) {
      return undefined;
    }
    const root = this.#own(this.#root);
    const previous = this.#remove(root, key);
    this.#root = !root.isLeaf && root.children.length === 1 ? childAt(root, 0) : root;
    return previous;
  }

  /** How many keys order before `key`. */
  rank(key: string): number {
    let node = this.#root;
    let before = 0;
    while (!node.isLeaf) {
      const index = this.#childIndex(node, key);
      for (let i = 0; i < index; i++) {
        before += node.sizes[i] ?? 0;
      }
      node = childAt(node, index);
    }
    return before + this.#lowerBound(node.keys, key, 0);
  }

  /** How many keys are in [`from`, `until`); no `until` means up to the end. */
  count(from: string, until?: string): number {
    const end = until === undefined ? this.#size : this.rank(until);
    return Math.max(end - this.rank(from), 0);
  }

  /** The entries in [`from`, `until`) in key order; no `until` means up to the end. */
  *entries(from = '', until?: string): Generator<readonly [key: string, value: V], undefined> {
    const path: { readonly node: Branch<V>; index: number }[] = [];
    let node = this.#root;
    while (!node.isLeaf) {
      const index = this.#childIndex(node, from);
      path.push({ node, index });
      node = childAt(node, index);
    }
    let leaf: Leaf<V> | undefined = node;
    let index = this.#lowerBound(leaf.keys, from, 0);
    while (leaf !== undefined) {
      const end: number = until === undefined ? leaf.keys.length : this.#endWithin(leaf, until);
      for (; index < end; index++) {
        yield [leaf.keys[index] as string, leaf.values[index] as V];
      }
      leaf = end < leaf.keys.length ? undefined : nextLeaf(path);
      index = 0;
    }
  }

  [Symbol.iterator](): Generator<readonly [key: string, value: V], undefined> {
    return this.entries();
  }

  /** Most leaves lie wholly inside a range; one comparison finds out. */
  #endWithin(leaf: Leaf<V>, until: string): number {
    const last = leaf.keys.at(-1);
    return last !== undefined && this.#isBefore(last, until)
      ? leaf.keys.length
      : this.#lowerBound(leaf.keys, until, 0);
  }

  #isBefore(left: string, right: string): boolean {
    return this.#hasWideKeys ? compareCodePoints(left, right) < 0 : left < right;
  }

  /** The first index from `from` whose key is not before `key`. */
  #lowerBound(keys: readonly string[], key: string, from: number): number {
    let low = from;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#isBefore(keys[middle] as string, key)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  #childIndex(node: Branch<V>, key: string): number {
    const index = this.#lowerBound(node.keys, key, 1);
    return node.keys[index] === key ? index : index - 1;
  }

  #own(node: Node<V>): Node<V> {
    if (node.owner === this.#owner) {
      return node;
    }
    const copy = node.isLeaf
      ? { ...node, owner: this.#owner, keys: node.keys.slice(), values: node.values.slice() }
      : {
          ...node,
          owner: this.#owner,
          keys: node.keys.slice(),
          children: node.children.slice(),
          sizes: node.sizes.slice(),
        };
    return copy;
  }

  #insert(node: Node<V>, key: string, value: V): V | undefined {
    if (node.isLeaf) {
      const index = this.#lowerBound(node.keys, key, 0);
      if (node.keys[index] === key) {
        const previous = node.values[index];
        node.values[index] = value;
        return previous;
      }
      insertAt(node.keys, index, key);
      insertAt(node.values, index, value);
      this.#size += 1;
      return undefined;
    }
    const index = this.#childIndex(node, key);
    const child = this.#own(childAt(node, index));
    node.children[index] = child;
    const sizeBefore = this.#size;
    const previous = this.#insert(child, key, value);
    const sibling = this.#split(child);
    const moved = sibling === undefined ? 0 : sizeOf(sibling);
    node.sizes[index] = (node.sizes[index] ?? 0) + this.#size - sizeBefore - moved;
    if (sibling !== undefined) {
      insertAt(node.keys, index + 1, firstKey(sibling));
      insertAt(node.children, index + 1, sibling);
      insertAt(node.sizes, index + 1, moved);
    }
    return previous;
  }

  /** Moves the upper part of an overfull node to a new one. */
  #split(node: Node<V>): Node<V> | undefined {
    const length = node.keys.length;
    if (length <= NODE_MAX) {
      return undefined;
    }
    const middle = length >> 1;
    return node.isLeaf
      ? {
          isLeaf: true,
          owner: this.#owner,
          keys: node.keys.splice(middle),
          values: node.values.splice(middle),
        }
      : {
          isLeaf: false,
          owner: this.#owner,
          keys: node.keys.splice(middle),
          children: node.children.splice(middle),
          sizes: node.sizes.splice(middle),
        };
  }

  #join(left: Node<V>, right: Node<V>): Branch<V> {
    return {
      isLeaf: false,
      owner: this.#owner,
      keys: [firstKey(left), firstKey(right)],
      children: [left, right],
      sizes: [sizeOf(left), sizeOf(right)],
    };
  }

  #remove(node: Node<V>, key: string): V | undefined {
    if (node.isLeaf) {
      const index = this.#lowerBound(node.keys, key, 0);
      node.keys.splice(index, 1);
      this.#size -= 1;
      return node.values.splice(index, 1)[0];
    }
    const index = this.#childIndex(node, key);
    const child = this.#own(childAt(node, index));
    node.children[index] = child;
    const previous = this.#remove(child, key);
    node.sizes[index] = (node.sizes[index] ?? 0) - 1;
    if (child.keys.length < NODE_MIN) {
      this.#mergeAround(node, index);
    }
    return previous;
  }

  /** Joins a sparse child with a neighbour when both fit into one; an empty child always finds room. */
  #mergeAround(node: Branch<V>, index: number): void {
    const leftIndex = index > 0 ? index - 1 : index;
    const right = node.children[leftIndex + 1];
    const left = childAt(node, leftIndex);
    if (right === undefined || left.keys.length + right.keys.length > NODE_MAX) {
      return;
    }
    const merged = this.#own(left);
    if (merged.isLeaf) {
      assert(right.isLeaf, 'siblings are of one kind');
      merged.keys.push(...right.keys);
      merged.values.push(...right.values);
    } else {
      assert(!right.isLeaf, 'siblings are of one kind');
      // The unused first separator of the right node becomes a used one: its parent knows a valid bound.
      merged.keys.push(node.keys[leftIndex + 1] as string, ...right.keys.slice(1));
      merged.children.push(...right.children);
      merged.sizes.push(...right.sizes);
    }
    node.children[leftIndex] = merged;
    node.sizes[leftIndex] = (node.sizes[leftIndex] ?? 0) + (node.sizes[leftIndex + 1] ?? 0);
    node.keys.splice(leftIndex + 1, 1);
    node.children.splice(leftIndex + 1, 1);
    node.sizes.splice(leftIndex + 1, 1);
  }
}

/** Orders two strings by code point, as their UTF-8 bytes would. */
export function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) {
      // Surrogates stand for code points above every other unit although their own numbers are lower.
      return isSurrogate(a) === isSurrogate(b) ? a - b : isSurrogate(a) ? 1 : -1;
    }
  }
  return left.length - right.length;
}

/**
 * The smallest string above every string that starts with `prefix`; undefined when there is none,
 * as for the empty prefix.
 */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last < 0x10ffff) {
      // Surrogates are not code points of their own.
      const next = last === 0xd7ff ? 0xe000 : last + 1;
      return String.fromCodePoint(...points, next);
    }
  }
  return undefined;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

function childAt<V>(node: Branch<V>, index: number): Node<V> {
  const child = node.children[index];
  assert(child !== undefined, 'a branch has a child for every key');
  return child;
}

function firstKey<V>(node: Node<V>): string {
  return node.keys[0] as string;
}

function sizeOf<V>(node: Node<V>): number {
  return node.isLeaf ? node.keys.length : node.sizes.reduce((sum, size) => sum + size, 0);
}

/** Several times faster than `splice` for the one-element case, which is the hot one. */
function insertAt<T>(array: T[], index: number, item: T): void {
  if (index === array.length) {
    array.push(item);
    return;
  }
  array.push(item);
  array.copyWithin(index + 1, index, array.length - 1);
  array[index] = item;
}

function nextLeaf<V>(path: { readonly node: Branch<V>; index: number }[]): Leaf<V> | undefined {
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    top.index += 1;
    let node = top.node.children[top.index];
    if (node === undefined) {
      path.pop();
      continue;
    }
    while (!node.isLeaf) {
      path.push({ node, index: 0 });
      node = childAt(node, 0);
    }
    return node;
  }
  return undefined;
}
