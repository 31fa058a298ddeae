import type { Labels } from '#api/label-requirement.ts';
import { grownInt32 } from './growable.ts';

/** A node without the label belongs to no domain. */
export const NO_DOMAIN = -1;

/**
 * One node label seen as a partition of the nodes: each of its values is a domain with a small number. Numbers
 * are used again after the last node of a domain has gone.
 */
export class Topology {
  readonly key: string;
  /** Changes with every change of {@link domainOf}; whoever sums by domain compares it. */
  version = 0;
  /** By node; {@link NO_DOMAIN} where the node lacks the label. */
  domainOf: Int32Array = new Int32Array(0);
  readonly #ids = new Map<string, number>();
  /** By domain. */
  readonly #values: string[] = [];
  readonly #nodeCounts: number[] = [];
  readonly #free: number[] = [];

  constructor(key: string) {
    this.key = key;
  }

  /** One more than the largest domain number in use. */
  get domainsEnd(): number {
    return this.#values.length;
  }

  /** Takes note of the node's labels; undefined when the node went away. */
  place(node: number, labels: Labels | undefined): void {
    if (node >= this.domainOf.length) {
      this.domainOf = grownInt32(this.domainOf, node + 1, NO_DOMAIN);
    }
    const previous = this.domainOf[node] ?? NO_DOMAIN;
    const value = labels?.[this.key];
    if (value === (previous === NO_DOMAIN ? undefined : this.#values[previous])) {
      return;
    }
    this.version += 1;
    if (previous !== NO_DOMAIN) {
      this.#leave(previous);
    }
    this.domainOf[node] = value === undefined ? NO_DOMAIN : this.#enter(value);
  }

  #enter(value: string): number {
    const domain = this.#ids.get(value) ?? this.#free.pop() ?? this.#values.length;
    this.#ids.set(value, domain);
    this.#values[domain] = value;
    this.#nodeCounts[domain] = (this.#nodeCounts[domain] ?? 0) + 1;
    return domain;
  }

  #leave(domain: number): void {
    const left = (this.#nodeCounts[domain] ?? 1) - 1;
    this.#nodeCounts[domain] = left;
    if (left === 0) {
      this.#ids.delete(this.#values[domain] ?? '');
      this.#free.push(domain);
    }
  }
}
