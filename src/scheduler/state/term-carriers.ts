import { DomainSums, type NodeCounts } from './domain-sums.ts';
import { grownFloat64 } from './growable.ts';
import type { LabelSet, NamespaceLabels } from './label-set.ts';
import type { PlacedPod } from './placed-pod.ts';
import type { AffinityTerm } from './pod-shape.ts';
import type { Topology } from './topology.ts';

/** One affinity term and where the pods that carry it are. */
export class TermCarriers implements NodeCounts {
  readonly term: AffinityTerm;
  readonly sums: DomainSums;
  /** By row: the number of carriers, or the sum of the weights they give the term. */
  perNode: Float64Array = new Float64Array(0);
  carrierCount = 0;

  constructor(term: AffinityTerm, topology: Topology) {
    this.term = term;
    this.sums = new DomainSums(topology, this);
  }

  add(row: number, delta: number): void {
    if (row >= this.perNode.length) {
      this.perNode = grownFloat64(this.perNode, row + 1);
    }
    this.perNode[row] = (this.perNode[row] ?? 0) + delta;
    this.sums.add(row, delta);
  }
}

/** The terms of one kind that pods in the cluster carry, each once however many pods carry it. */
class TermGroup {
  readonly #terms = new Map<string, TermCarriers>();
  readonly #topologyOf: (key: string) => Topology;
  /** Which terms choose pods of a label set; forgotten whenever the set of terms changes. */
  #choosing = new WeakMap<LabelSet, readonly TermCarriers[]>();

  constructor(topologyOf: (key: string) => Topology) {
    this.#topologyOf = topologyOf;
  }

  change(row: number, term: AffinityTerm, carriers: 1 | -1, weight: number): void {
    let known = this.#terms.get(term.key);
    if (known === undefined) {
      known = new TermCarriers(term, this.#topologyOf(term.topologyKey));
      this.#terms.set(term.key, known);
      this.forget();
    }
    known.add(row, weight);
    known.carrierCount += carriers;
    if (known.carrierCount === 0) {
      this.#terms.delete(term.key);
      this.forget();
    }
  }

  choosing(labelSet: LabelSet, namespaceLabels: NamespaceLabels): readonly TermCarriers[] {
    let choosing = this.#choosing.get(labelSet);
    if (choosing === undefined) {
      choosing = [...this.#terms.values()].filter(({ term }) =>
        term.selector.matches(labelSet, namespaceLabels),
      );
      this.#choosing.set(labelSet, choosing);
    }
    for (const { sums } of choosing) {
      sums.refresh();
    }
    return choosing;
  }

  forget(): void {
    this.#choosing = new WeakMap();
  }
}

/**
 * The affinity terms of the pods in the cluster, the other half of inter-pod affinity: not whom a new pod
 * wants to be with, but who wants to be with it. Kept in step with every pod that comes and goes.
 */
export class TermIndex {
  readonly #namespaceLabels: NamespaceLabels;
  readonly #required: TermGroup;
  readonly #requiredAnti: TermGroup;
  readonly #preferred: TermGroup;

  constructor(topologyOf: (key: string) => Topology, namespaceLabels: NamespaceLabels) {
    this.#namespaceLabels = namespaceLabels;
    this.#required = new TermGroup(topologyOf);
    this.#requiredAnti = new TermGroup(topologyOf);
    this.#preferred = new TermGroup(topologyOf);
  }

  podAdded(pod: PlacedPod): void {
    this.#change(pod, 1);
  }

  podRemoved(pod: PlacedPod): void {
    this.#change(pod, -1);
  }

  namespacesChanged(): void {
    this.#required.forget();
    this.#requiredAnti.forget();
    this.#preferred.forget();
  }

  /** Required affinity terms of placed pods that choose pods of this label set. */
  required(labelSet: LabelSet): readonly TermCarriers[] {
    return this.#required.choosing(labelSet, this.#namespaceLabels);
  }

  /** Required anti-affinity terms, likewise. */
  requiredAnti(labelSet: LabelSet): readonly TermCarriers[] {
    return this.#requiredAnti.choosing(labelSet, this.#namespaceLabels);
  }

  /** Preferred terms, likewise; their numbers are weights, negative for anti-affinity. */
  preferred(labelSet: LabelSet): readonly TermCarriers[] {
    return this.#preferred.choosing(labelSet, this.#namespaceLabels);
  }

  #change({ shape, row }: PlacedPod, sign: 1 | -1): void {
    for (const term of shape.requiredAffinity) {
      this.#required.change(row, term, sign, sign);
    }
    for (const term of shape.requiredAntiAffinity) {
      this.#requiredAnti.change(row, term, sign, sign);
    }
    for (const { term, weight } of shape.preferredAffinity) {
      this.#preferred.change(row, term, sign, sign * weight);
    }
  }
}
