import type { Node } from '#api/types/core.v1.ts';
import { assert, defined } from '#base/assert.ts';
import { ChangeLog } from './change-log.ts';
import { grownFloat64 } from './growable.ts';
import { HostPortUse } from './host-ports.ts';
import { NodeImages } from './node-images.ts';
import type { PlacedPod } from './placed-pod.ts';
import type { PodShape } from './pod-shape.ts';
import {
  amountOf,
  CPU,
  isScalarResource,
  MEMORY,
  type ResourceId,
  type ResourceIds,
} from './resource-ids.ts';
import { Topology } from './topology.ts';

/** Position of a node in every column. Given again to another node after removal. */
export type NodeRow = number;

/** What a new state of a node changed, as far as scheduling cares. */
export interface NodeChange {
  readonly isNew: boolean;
  readonly allocatable: boolean;
  readonly labels: boolean;
  /** Taints and `unschedulable`. */
  readonly taints: boolean;
}

/** One resource over all nodes, in the units of `amountOf`. The object stays; its arrays are replaced to grow. */
export interface ResourceColumn {
  allocatable: Float64Array;
  requested: Float64Array;
}

const NO_CHANGE: NodeChange = { isNew: false, allocatable: false, labels: false, taints: false };

/**
 * All nodes as a struct of arrays: one array per property, one row per node. Filters and scores walk a few
 * arrays in order instead of a thousand objects.
 *
 * A row may exist before its node: pods can be seen on a node that is not known yet (or no longer).
 */
export class NodeTable {
  readonly changes = new ChangeLog();
  readonly images = new NodeImages();
  readonly resources: ResourceIds;
  /** By row; undefined for a free row and for a node only known from its pods. */
  readonly nodes: (Node | undefined)[] = [];
  /** By row, in no order. */
  readonly pods: Set<PlacedPod>[] = [];
  /** By row: how many pods the node takes. */
  podLimit: Float64Array = new Float64Array(0);
  nonZeroCpuMillis: Float64Array = new Float64Array(0);
  nonZeroMemoryBytes: Float64Array = new Float64Array(0);
  /** Changes when labels, taints, or the set of nodes change: what does not depend on the pods there. */
  staticVersion = 0;
  #nodeCount = 0;
  readonly #columns: ResourceColumn[] = [];
  readonly #ports: (HostPortUse | undefined)[] = [];
  readonly #rows = new Map<string, NodeRow>();
  readonly #names: string[] = [];
  readonly #free: NodeRow[] = [];
  readonly #topologies = new Map<string, Topology>();

  constructor(resources: ResourceIds) {
    this.resources = resources;
  }

  /** Known nodes. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  /** One more than the last row in use. */
  get rowsEnd(): number {
    return this.nodes.length;
  }

  rowOf(name: string): NodeRow | undefined {
    return this.#rows.get(name);
  }

  nameOf(row: NodeRow): string {
    return defined(this.#names[row], 'the name of a row');
  }

  column(resource: ResourceId): ResourceColumn {
    let column = this.#columns[resource];
    if (column === undefined) {
      // Ids are dense, so every lower one gets its column too.
      for (let id = this.#columns.length; id <= resource; id++) {
        this.#columns.push({
          allocatable: grownFloat64(new Float64Array(0), this.nodes.length),
          requested: grownFloat64(new Float64Array(0), this.nodes.length),
        });
      }
      column = defined(this.#columns[resource], 'a column just made');
    }
    return column;
  }

  portsOn(row: NodeRow): HostPortUse | undefined {
    return this.#ports[row];
  }

  /** The partition of the nodes by a label, kept from the first call on. */
  topology(key: string): Topology {
    let topology = this.#topologies.get(key);
    if (topology === undefined) {
      topology = new Topology(key);
      this.#topologies.set(key, topology);
      for (let row = 0; row < this.nodes.length; row++) {
        topology.place(row, this.nodes[row]?.metadata.labels);
      }
    }
    return topology;
  }

  /** Adds the node or takes over its new state. */
  set(node: Node): NodeChange {
    const row = this.ensureRow(node.metadata.name);
    const previous = this.nodes[row];
    const change = previous === undefined ? { ...NO_CHANGE, isNew: true } : changeBetween(previous, node);
    this.nodes[row] = node;
    if (change.isNew) {
      this.#nodeCount += 1;
    }
    if (change.isNew || change.allocatable) {
      this.#setAllocatable(row, node.status.allocatable ?? {});
    }
    const hasNewImages = this.images.set(row, node.status.images ?? []);
    if (change.isNew || change.labels || change.taints) {
      this.staticVersion += 1;
    }
    if (change.isNew || change.labels) {
      this.#placeInTopologies(row, node);
    }
    if (hasNewImages || Object.values(change).includes(true)) {
      this.changes.add(row);
    }
    return change;
  }

  /** The row stays while pods are still seen on it. */
  remove(name: string): void {
    const row = this.#rows.get(name);
    if (row === undefined || this.nodes[row] === undefined) {
      return;
    }
    this.nodes[row] = undefined;
    this.#nodeCount -= 1;
    this.staticVersion += 1;
    this.images.set(row, []);
    this.#placeInTopologies(row, undefined);
    this.#setAllocatable(row, {});
    this.changes.add(row);
    this.#freeIfUnused(row);
  }

  /** The row of the node, made if need be. */
  ensureRow(name: string): NodeRow {
    const known = this.#rows.get(name);
    if (known !== undefined) {
      return known;
    }
    const row = this.#free.pop() ?? this.nodes.length;
    this.nodes[row] = undefined;
    this.pods[row] = new Set();
    this.#names[row] = name;
    this.#rows.set(name, row);
    this.#grow(row + 1);
    return row;
  }

  /** Counts the pod in. The caller owns the pod's record and keeps it from being counted twice. */
  addPod(row: NodeRow, pod: PlacedPod): void {
    defined(this.pods[row], 'the pods of a row').add(pod);
    this.#account(row, pod.shape, 1);
    if (pod.shape.hostPorts.length > 0) {
      const ports = this.#ports[row] ?? new HostPortUse();
      ports.add(pod.shape.hostPorts);
      this.#ports[row] = ports;
    }
  }

  removePod(row: NodeRow, pod: PlacedPod): void {
    assert(this.pods[row]?.delete(pod), 'a pod leaves the node it was on');
    this.#account(row, pod.shape, -1);
    this.#ports[row]?.remove(pod.shape.hostPorts);
    this.#freeIfUnused(row);
  }

  #account(row: NodeRow, { demands, nonZeroCpuMillis, nonZeroMemoryBytes }: PodShape, sign: 1 | -1): void {
    for (const { resource, amount } of demands) {
      const { requested } = this.column(resource);
      requested[row] = (requested[row] ?? 0) + sign * amount;
    }
    this.nonZeroCpuMillis[row] = (this.nonZeroCpuMillis[row] ?? 0) + sign * nonZeroCpuMillis;
    this.nonZeroMemoryBytes[row] = (this.nonZeroMemoryBytes[row] ?? 0) + sign * nonZeroMemoryBytes;
    this.changes.add(row);
  }

  #setAllocatable(row: NodeRow, amounts: Readonly<Record<string, string>>): void {
    for (const { allocatable } of this.#columns) {
      allocatable[row] = 0;
    }
    this.podLimit[row] = 0;
    for (const [name, quantity] of Object.entries(amounts)) {
      if (name === 'pods') {
        this.podLimit[row] = amountOf(name, quantity);
      } else if (
        name === 'cpu' ||
        name === 'memory' ||
        name === 'ephemeral-storage' ||
        isScalarResource(name)
      ) {
        this.column(this.resources.idOf(name)).allocatable[row] = amountOf(name, quantity);
      }
    }
  }

  #placeInTopologies(row: NodeRow, node: Node | undefined): void {
    for (const topology of this.#topologies.values()) {
      topology.place(row, node?.metadata.labels);
    }
  }

  #freeIfUnused(row: NodeRow): void {
    if (this.nodes[row] === undefined && this.pods[row]?.size === 0) {
      this.#rows.delete(this.nameOf(row));
      this.#ports[row] = undefined;
      this.#free.push(row);
    }
  }

  #grow(rows: number): void {
    if (rows <= this.podLimit.length) {
      return;
    }
    this.podLimit = grownFloat64(this.podLimit, rows);
    this.nonZeroCpuMillis = grownFloat64(this.nonZeroCpuMillis, rows);
    this.nonZeroMemoryBytes = grownFloat64(this.nonZeroMemoryBytes, rows);
    for (const column of this.#columns) {
      column.allocatable = grownFloat64(column.allocatable, rows);
      column.requested = grownFloat64(column.requested, rows);
    }
    this.column(CPU);
    this.column(MEMORY);
  }
}

function changeBetween(previous: Node, current: Node): NodeChange {
  return {
    isNew: false,
    allocatable: !isSame(previous.status.allocatable, current.status.allocatable),
    labels: !isSame(previous.metadata.labels, current.metadata.labels),
    taints:
      !isSame(previous.spec.taints, current.spec.taints) ||
      (previous.spec.unschedulable ?? false) !== (current.spec.unschedulable ?? false),
  };
}

/** The server keeps the order of fields, so equal values have equal texts. */
function isSame(left: unknown, right: unknown): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}
