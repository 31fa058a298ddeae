import type { Node } from '#api/types/core.v1.ts';
import { NODE } from '#api/types/resources.ts';
import { assert } from '#base/assert.ts';
import { Cidr } from '#base/ip.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informer } from '#client/lister.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';

/** One range of pod addresses, and how it is divided among nodes. */
export interface PodRange {
  /** `10.244.0.0/16`, or an IPv6 block. */
  readonly cidr: string;
  /** Prefix length of a node's share: 24 leaves 254 pods a node. */
  readonly nodePrefixLength: number;
}

/** Gives every node its own block of pod addresses out of each of the cluster's ranges. */
export class NodeIpamController implements Controller {
  readonly name = 'node-ipam';
  /** One at a time, so that no block is given out twice. */
  readonly workers = 1;
  readonly #deps: ControllerDeps;
  readonly #events: EventRecorder;
  readonly #nodes: Informer<Node>;
  readonly #ranges: readonly NodeBlocks[];
  /** Blocks by the node that has them; what was written here may not be in the local copy yet. */
  readonly #given = new Map<string, readonly string[]>();

  /** @param ranges one, or one of each address family */
  constructor(deps: ControllerDeps, ranges: readonly PodRange[]) {
    this.#deps = deps;
    this.#events = deps.events('cidrAllocator');
    this.#nodes = deps.informers.of(NODE);
    this.#ranges = ranges.map(({ cidr, nodePrefixLength }) => {
      const parsed = Cidr.parse(cidr);
      assert(parsed !== undefined, `${cidr} is not an address range`);
      return new NodeBlocks(parsed, nodePrefixLength);
    });
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#nodes, queue, ({ metadata }) => [metadata.name]),
      this.#nodes.addHandler({
        onAdd: (node) => this.#hold(node),
        onUpdate: (_previous, node) => this.#hold(node),
        onDelete: (node) => this.#release(node),
      }),
    ];
  }

  async reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult> {
    const node = this.#nodes.get(name);
    const hasShare = (node?.spec.podCIDRs ?? []).length > 0;
    if (node === undefined || hasShare || node.metadata.deletionTimestamp !== undefined) {
      return DONE;
    }
    const podCIDRs = this.#given.get(name) ?? this.#choose();
    if (podCIDRs === undefined) {
      this.#events.event(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
      throw new Error(`no block of pod addresses is left for node ${name}`);
    }
    this.#given.set(name, podCIDRs);
    const patch = { spec: { podCIDR: podCIDRs[0] ?? '', podCIDRs } };
    await this.#deps.client.of(NODE).patch('', name, patch, { type: 'strategic' }, signal);
    return DONE;
  }

  #hold({ metadata, spec }: Node): void {
    const blocks = spec.podCIDRs ?? [];
    if (blocks.length > 0 && !this.#given.has(metadata.name)) {
      this.#given.set(metadata.name, blocks);
      blocks.forEach((block) => this.#ranges.forEach((range) => range.hold(block)));
    }
  }

  #release({ metadata }: Node): void {
    for (const block of this.#given.get(metadata.name) ?? []) {
      this.#ranges.forEach((range) => range.release(block));
    }
    this.#given.delete(metadata.name);
  }

  #choose(): readonly string[] | undefined {
    const chosen = this.#ranges.map((range) => range.take());
    const blocks = chosen.filter((block) => block !== undefined);
    if (blocks.length === chosen.length) {
      return blocks;
    }
    blocks.forEach((block) => this.#ranges.forEach((range) => range.release(block)));
    return undefined;
  }
}

/** The blocks of one range, lowest free first. Blocks that are not of the range are remembered and do no harm. */
class NodeBlocks {
  readonly #range: Cidr;
  readonly #prefixLength: number;
  readonly #held = new Set<string>();
  /** Every block below this index is held, so that thousands of nodes are not looked at for each new one. */
  #next = 0;

  constructor(range: Cidr, prefixLength: number) {
    this.#range = range;
    this.#prefixLength = prefixLength;
  }

  hold(block: string): void {
    this.#held.add(block);
  }

  release(block: string): void {
    if (this.#held.delete(block)) {
      this.#next = 0;
    }
  }

  /** Undefined when none is left. */
  take(): string | undefined {
    for (; ; this.#next++) {
      const block = this.#range.subnet(this.#prefixLength, this.#next)?.toString();
      if (block === undefined) {
        return undefined;
      }
      if (!this.#held.has(block)) {
        this.#held.add(block);
        return block;
      }
    }
  }
}
