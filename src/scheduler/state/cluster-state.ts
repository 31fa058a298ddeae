import type { Labels } from '#api/label-requirement.ts';
import { objectKey } from '#api/object.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { assert } from '#base/assert.ts';
import { ClaimUse } from './claim-use.ts';
import { LabelSets } from './label-set.ts';
import { NodeTable } from './node-table.ts';
import type { PlacedPod } from './placed-pod.ts';
import { PodCounters } from './pod-counters.ts';
import { PodShapes } from './pod-shape.ts';
import { ResourceIds } from './resource-ids.ts';
import { NO_LABELS } from './selectors.ts';
import { TermIndex } from './term-carriers.ts';

/** Changes that are undone at the end of {@link ClusterState.imagine}. */
export interface ImaginedChanges {
  add(pod: PlacedPod): void;
  remove(pod: PlacedPod): void;
}

/**
 * What the scheduler knows of the cluster: the informers' state plus its own decisions that the API does not
 * show yet (assumed pods). Deciding reads it in place, with no copy per cycle, because a decision is
 * synchronous and nothing else changes it meanwhile.
 */
export class ClusterState {
  readonly resources = new ResourceIds();
  readonly nodes = new NodeTable(this.resources);
  readonly shapes: PodShapes = new PodShapes(this.resources, new LabelSets());
  readonly counters: PodCounters;
  readonly terms: TermIndex;
  readonly claims = new ClaimUse();
  /** By UID. */
  readonly #placed = new Map<string, PlacedPod>();
  readonly #namespaceLabels = new Map<string, Labels>();

  constructor() {
    this.counters = new PodCounters(this);
    this.terms = new TermIndex((key) => this.nodes.topology(key), this.namespaceLabels);
  }

  get placedPods(): Iterable<PlacedPod> {
    return this.#placed.values();
  }

  get placedPodCount(): number {
    return this.#placed.size;
  }

  readonly namespaceLabels = (namespace: string): Labels => this.#namespaceLabels.get(namespace) ?? NO_LABELS;

  placed(uid: string): PlacedPod | undefined {
    return this.#placed.get(uid);
  }

  /** Counts a pod on the node that was chosen for it, before the API shows it there. */
  assume(pod: Pod, nodeName: string): PlacedPod {
    assert(!this.#placed.has(pod.metadata.uid), 'a pod is assumed once');
    return this.#place(pod, nodeName, true);
  }

  /** Takes back an assumption whose binding failed. Does nothing once the API has shown the pod bound. */
  forget(uid: string): void {
    const placed = this.#placed.get(uid);
    if (placed?.isAssumed === true) {
      this.#unplace(placed);
    }
  }

  /** Takes over a bound pod as the API shows it. */
  setPod(pod: Pod): void {
    const nodeName = pod.spec.nodeName ?? '';
    const placed = this.#placed.get(pod.metadata.uid);
    if (placed !== undefined) {
      const isTerminating = pod.metadata.deletionTimestamp !== undefined;
      const isSame =
        this.nodes.nameOf(placed.row) === nodeName &&
        placed.isTerminating === isTerminating &&
        (placed.pod === pod || this.shapes.ofNext(pod, placed.pod) === placed.shape);
      if (isSame) {
        placed.pod = pod;
        placed.isAssumed = false;
        return;
      }
      this.#unplace(placed);
    }
    this.#place(pod, nodeName, false);
  }

  removePod(uid: string): void {
    const placed = this.#placed.get(uid);
    if (placed !== undefined) {
      this.#unplace(placed);
    }
  }

  setNamespace(name: string, labels: Labels = NO_LABELS): void {
    const previous = this.#namespaceLabels.get(name);
    this.#namespaceLabels.set(name, labels);
    if (JSON.stringify(previous) !== JSON.stringify(labels)) {
      this.counters.namespacesChanged();
      this.terms.namespacesChanged();
    }
  }

  removeNamespace(name: string): void {
    this.#namespaceLabels.delete(name);
  }

  /** Runs `whatIf`, which may add and remove pods; the state is the same afterwards. */
  imagine<T>(whatIf: (imagined: ImaginedChanges) => T): T {
    const undo: (() => void)[] = [];
    const imagined: ImaginedChanges = {
      add: (pod) => {
        this.#count(pod);
        undo.push(() => this.#discount(pod));
      },
      remove: (pod) => {
        this.#discount(pod);
        undo.push(() => this.#count(pod));
      },
    };
    try {
      return whatIf(imagined);
    } finally {
      for (const step of undo.reverse()) {
        step();
      }
    }
  }

  /** A record of a pod as it would count on a node; for {@link imagine}. */
  describe(pod: Pod, row: number, isAssumed = true): PlacedPod {
    return {
      key: objectKey(pod),
      uid: pod.metadata.uid,
      pod,
      shape: this.shapes.of(pod),
      row,
      isAssumed,
      isTerminating: pod.metadata.deletionTimestamp !== undefined,
    };
  }

  #place(pod: Pod, nodeName: string, isAssumed: boolean): PlacedPod {
    const placed = this.describe(pod, this.nodes.ensureRow(nodeName), isAssumed);
    this.#placed.set(placed.uid, placed);
    this.#count(placed);
    return placed;
  }

  #unplace(placed: PlacedPod): void {
    this.#placed.delete(placed.uid);
    this.#discount(placed);
  }

  #count(placed: PlacedPod): void {
    this.nodes.addPod(placed.row, placed);
    this.counters.podAdded(placed);
    this.terms.podAdded(placed);
    this.claims.podAdded(placed);
  }

  #discount(placed: PlacedPod): void {
    this.claims.podRemoved(placed);
    this.terms.podRemoved(placed);
    this.counters.podRemoved(placed);
    this.nodes.removePod(placed.row, placed);
  }
}
