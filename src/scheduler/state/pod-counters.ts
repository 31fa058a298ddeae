import { DomainSums, type NodeCounts } from './domain-sums.ts';
import { grownFloat64 } from './growable.ts';
import type { LabelSet, NamespaceLabels, PodSelector } from './label-set.ts';
import type { PlacedPod } from './placed-pod.ts';
import type { Topology } from './topology.ts';

/** Told of every change of a counter, after the counter has it. */
export interface CountListener {
  add(row: number, delta: number): void;
}

/** How many pods a selector chooses, per node and, on demand, per domain of a topology. */
export class PodCounter implements NodeCounts {
  readonly selector: PodSelector;
  readonly countsTerminating: boolean;
  perNode: Float64Array = new Float64Array(0);
  readonly #derived = new Map<string, CountListener>();

  constructor(selector: PodSelector, countsTerminating: boolean) {
    this.selector = selector;
    this.countsTerminating = countsTerminating;
  }

  add(row: number, delta: number): void {
    if (row >= this.perNode.length) {
      this.perNode = grownFloat64(this.perNode, row + 1);
    }
    this.perNode[row] = (this.perNode[row] ?? 0) + delta;
    for (const listener of this.#derived.values()) {
      listener.add(row, delta);
    }
  }

  at(row: number): number {
    return this.perNode[row] ?? 0;
  }

  /** The counts summed over a topology, up to date. */
  sumsOver(topology: Topology): DomainSums {
    const sums = this.derive(`sums ${topology.key}`, () => new DomainSums(topology, this));
    sums.refresh();
    return sums;
  }

  /** Something computed from this counter and kept with it, made at the first call with its key. */
  derive<L extends CountListener>(key: string, create: () => L): L {
    const known = this.#derived.get(key);
    if (known !== undefined) {
      // A key names one kind of derived object only.
      return known as L;
    }
    if (this.#derived.size >= DERIVED_MAX) {
      this.#derived.clear();
    }
    const created = create();
    this.#derived.set(key, created);
    return created;
  }
}

/** Derived objects kept per counter; beyond, they are made anew. */
const DERIVED_MAX = 256;
/** Counters kept; the least recently asked for goes first, and is counted anew when asked for again. */
const COUNTERS_MAX = 512;

/** What counters need to know of the cluster. */
export interface PlacedPods {
  readonly placedPods: Iterable<PlacedPod>;
  readonly namespaceLabels: NamespaceLabels;
}

/**
 * The counters that plugins asked for, kept in step with every pod that comes and goes. A pod costs only the
 * counters that choose it, found once per set of labels.
 */
export class PodCounters {
  readonly #cluster: PlacedPods;
  readonly #counters = new Map<string, PodCounter>();
  /** Which counters choose pods of a label set; forgotten whenever the counters change. */
  #choosing = new WeakMap<LabelSet, readonly PodCounter[]>();

  constructor(cluster: PlacedPods) {
    this.#cluster = cluster;
  }

  /**
   * The counter of a selector. Ask for it in each cycle instead of keeping it: it may have been dropped.
   *
   * @param countsTerminating whether pods with a deletion time count
   */
  counter(selector: PodSelector, countsTerminating: boolean): PodCounter {
    const key = countsTerminating ? `all ${selector.key}` : selector.key;
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      counter = this.#create(selector, countsTerminating);
    } else {
      this.#counters.delete(key);
    }
    this.#counters.set(key, counter);
    return counter;
  }

  podAdded(pod: PlacedPod): void {
    this.#change(pod, 1);
  }

  podRemoved(pod: PlacedPod): void {
    this.#change(pod, -1);
  }

  /** Labels of a namespace changed: counters that read them are counted anew when next asked for. */
  namespacesChanged(): void {
    for (const [key, { selector }] of this.#counters) {
      if (selector.readsNamespaceLabels) {
        this.#counters.delete(key);
      }
    }
    this.#choosing = new WeakMap();
  }

  #create(selector: PodSelector, countsTerminating: boolean): PodCounter {
    if (this.#counters.size >= COUNTERS_MAX) {
      const [oldest] = this.#counters.keys();
      this.#counters.delete(oldest ?? '');
    }
    this.#choosing = new WeakMap();
    const counter = new PodCounter(selector, countsTerminating);
    const verdicts = new Map<LabelSet, boolean>();
    for (const { shape, row, isTerminating } of this.#cluster.placedPods) {
      let isChosen = verdicts.get(shape.labelSet);
      if (isChosen === undefined) {
        isChosen = selector.matches(shape.labelSet, this.#cluster.namespaceLabels);
        verdicts.set(shape.labelSet, isChosen);
      }
      if (isChosen && (countsTerminating || !isTerminating)) {
        counter.add(row, 1);
      }
    }
    return counter;
  }

  #change({ shape, row, isTerminating }: PlacedPod, delta: 1 | -1): void {
    if (this.#counters.size === 0) {
      return;
    }
    let choosing = this.#choosing.get(shape.labelSet);
    if (choosing === undefined) {
      choosing = [...this.#counters.values()].filter(({ selector }) =>
        selector.matches(shape.labelSet, this.#cluster.namespaceLabels),
      );
      this.#choosing.set(shape.labelSet, choosing);
    }
    for (const counter of choosing) {
      if (counter.countsTerminating || !isTerminating) {
        counter.add(row, delta);
      }
    }
  }
}
