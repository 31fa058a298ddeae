import { NO_DOMAIN, type Topology } from './topology.ts';

/** Something counted per node: pods that a selector chooses, or the weight of a term that pods carry. */
export interface NodeCounts {
  /** By row; may be shorter than the number of rows. */
  readonly perNode: Float64Array;
}

/**
 * Per-node counts added up over the domains of a topology. Kept in step by {@link add} with every pod that
 * comes and goes; only a change of the nodes themselves makes it add up anew.
 */
export class DomainSums {
  readonly topology: Topology;
  /** By domain. */
  sums: Float64Array = new Float64Array(0);
  readonly #source: NodeCounts;
  #topologyVersion = -1;

  constructor(topology: Topology, source: NodeCounts) {
    this.topology = topology;
    this.#source = source;
  }

  /** The sum over the node's domain; 0 when the node lacks the label. Call {@link refresh} first. */
  at(row: number): number {
    const domain = this.topology.domainOf[row] ?? NO_DOMAIN;
    return domain === NO_DOMAIN ? 0 : (this.sums[domain] ?? 0);
  }

  /** Takes note of a change of the source, made already. */
  add(row: number, delta: number): void {
    if (this.#topologyVersion !== this.topology.version) {
      return;
    }
    const domain = this.topology.domainOf[row] ?? NO_DOMAIN;
    if (domain !== NO_DOMAIN) {
      this.sums[domain] = (this.sums[domain] ?? 0) + delta;
    }
  }

  /** Adds up anew when nodes changed; cheap otherwise. */
  refresh(): void {
    if (this.#topologyVersion === this.topology.version) {
      return;
    }
    this.#topologyVersion = this.topology.version;
    this.sums = new Float64Array(this.topology.domainsEnd);
    const { perNode } = this.#source;
    const { domainOf } = this.topology;
    for (let row = 0; row < perNode.length; row++) {
      const domain = domainOf[row] ?? NO_DOMAIN;
      if (domain !== NO_DOMAIN) {
        this.sums[domain] = (this.sums[domain] ?? 0) + (perNode[row] ?? 0);
      }
    }
  }
}
