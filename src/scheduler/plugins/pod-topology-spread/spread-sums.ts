import { grownUint8 } from '../../state/growable.ts';
import type { NodeTable } from '../../state/node-table.ts';
import type { CountListener, PodCounter } from '../../state/pod-counters.ts';
import { NO_DOMAIN, type Topology } from '../../state/topology.ts';

/** Which nodes take part in a spread. Asked again only after nodes changed. */
export type NodeEligibility = (row: number) => boolean;

/**
 * The pods of a counter summed over a topology, on eligible nodes alone. Lives with its counter, so every pod
 * that comes or goes costs one addition.
 */
export class SpreadSums implements CountListener {
  readonly topology: Topology;
  /** By domain. */
  sums: Float64Array = new Float64Array(0);
  readonly #counter: PodCounter;
  readonly #nodes: NodeTable;
  readonly #isEligible: NodeEligibility;
  #eligible: Uint8Array = new Uint8Array(0);
  /** By domain: eligible nodes. */
  #members: Float64Array = new Float64Array(0);
  #domainCount = 0;
  #staticVersion = -1;

  constructor(counter: PodCounter, topology: Topology, nodes: NodeTable, isEligible: NodeEligibility) {
    this.#counter = counter;
    this.topology = topology;
    this.#nodes = nodes;
    this.#isEligible = isEligible;
  }

  add(row: number, delta: number): void {
    if (this.#staticVersion === this.#nodes.staticVersion && this.#eligible[row] === 1) {
      const domain = this.topology.domainOf[row] ?? NO_DOMAIN;
      if (domain !== NO_DOMAIN) {
        this.sums[domain] = (this.sums[domain] ?? 0) + delta;
      }
    }
  }

  /** Adds up anew when nodes changed; cheap otherwise. */
  refresh(): this {
    if (this.#staticVersion === this.#nodes.staticVersion) {
      return this;
    }
    this.#staticVersion = this.#nodes.staticVersion;
    const { domainsEnd, domainOf } = this.topology;
    this.sums = new Float64Array(domainsEnd);
    this.#members = new Float64Array(domainsEnd);
    this.#eligible = grownUint8(new Uint8Array(0), Math.max(1, this.#nodes.rowsEnd));
    this.#domainCount = 0;
    for (let row = 0; row < this.#nodes.rowsEnd; row++) {
      if (this.#nodes.nodes[row] === undefined || !this.#isEligible(row)) {
        continue;
      }
      this.#eligible[row] = 1;
      const domain = domainOf[row] ?? NO_DOMAIN;
      if (domain !== NO_DOMAIN) {
        this.#domainCount += this.#members[domain] === 0 ? 1 : 0;
        this.#members[domain] = (this.#members[domain] ?? 0) + 1;
        this.sums[domain] = (this.sums[domain] ?? 0) + this.#counter.at(row);
      }
    }
    return this;
  }

  /** The smallest sum of any domain with an eligible node; 0 while there are fewer domains than wanted. */
  minimum(domainsMin: number): number {
    if (this.#domainCount < domainsMin) {
      return 0;
    }
    let minimum = Infinity;
    for (let domain = 0; domain < this.sums.length; domain++) {
      const sum = this.sums[domain] ?? 0;
      if (sum < minimum && (this.#members[domain] ?? 0) > 0) {
        minimum = sum;
      }
    }
    return minimum;
  }
}
