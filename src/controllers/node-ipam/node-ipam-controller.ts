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
  readonly #ranges: readonly { readonly cidr: Cidr; readonly nodePrefixLength: number }[];
  /** Blocks in use, by the node that has them; what was written here may not be in the local copy yet. */
  readonly #given = new Map<string, readonly string[]>();

  /** @param ranges one, or one of each address family */
  constructor(deps: ControllerDeps, ranges: readonly PodRange[]) {
    this.#deps = deps;
    this.#events = deps.events('cidrAllocator');
    this.#nodes = deps.informers.of(NODE);
    this.#ranges = ranges.map(({ cidr, nodePrefixLength }) => {
      const parsed = Cidr.parse(cidr);
      assert(parsed !== undefined, `${cidr} is not an address range`);
      return { cidr: parsed, nodePrefixLength };
    });
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#nodes, queue, ({ metadata }) => [metadata.name]),
      this.#nodes.addHandler({ onDelete: ({ metadata }) => this.#given.delete(metadata.name) }),
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

  #choose(): readonly string[] | undefined {
    const used = new Set([
      ...this.#nodes.list().flatMap(({ spec }) => spec.podCIDRs ?? []),
      ...[...this.#given.values()].flat(),
    ]);
    const chosen = this.#ranges.map(({ cidr, nodePrefixLength }) => firstFree(cidr, nodePrefixLength, used));
    return chosen.every((block) => block !== undefined) ? chosen : undefined;
  }
}

function firstFree(range: Cidr, prefixLength: number, used: ReadonlySet<string>): string | undefined {
  // At most as many steps as blocks are in use, and one more.
  for (let index = 0; ; index++) {
    const block = range.subnet(prefixLength, index)?.toString();
    if (block === undefined || !used.has(block)) {
      return block;
    }
  }
}
