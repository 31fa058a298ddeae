import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { isAlreadyExists } from '#api/status-error.ts';
import type { Node, NodeAddress, NodeStatus } from '#api/types/core.v1.ts';
import { NODE } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Image, ImageService, RuntimeService, RuntimeStatus } from '#runtime/cri.ts';
import type { NodeFacts } from './node-facts.ts';
import { nodeStatus, type Pressure } from './node-status.ts';

export interface NodeAgentDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  readonly nodeName: string;
  readonly facts: NodeFacts;
  readonly addresses: readonly NodeAddress[];
  /** Of the node's own server. */
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly podCidrs: readonly string[];
  readonly podsMax: number;
  readonly pressure: () => Pressure;
}

const STATUS_CHECK_MS = 10_000;
/** An unchanged status is told again after this time; the Lease tells in between that the node lives. */
const STATUS_REPORT_MS = 5 * 60_000;
const REGISTER_RETRY_MS_MIN = 100;
const REGISTER_RETRY_MS_MAX = 7_000;

/** Registers the node and keeps its status true. */
export class NodeAgent {
  readonly #deps: NodeAgentDeps;
  #told: NodeStatus | undefined;
  #toldAtMs = 0;
  #podCidr = '';

  constructor(deps: NodeAgentDeps) {
    this.#deps = deps;
  }

  /** Runs until `signal` fires. `onRegistered` is called once, with the node as the server has it. */
  async run(signal: AbortSignal, onRegistered: (node: Node) => void): Promise<void> {
    const { clock, events, log } = this.#deps;
    const node = await this.#register(signal);
    onRegistered(node);
    events.event(node, 'Normal', 'Starting', 'Starting kubelet.');
    for (;;) {
      try {
        await this.report(signal);
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        log.warn('node status not written', { error });
      }
      await clock.sleep(STATUS_CHECK_MS, signal);
    }
  }

  /** Hands the node's address range to the runtime, when it is new. */
  async useRange({ spec }: Node): Promise<void> {
    const podCidr = (spec.podCIDRs ?? (spec.podCIDR === undefined ? [] : [spec.podCIDR])).join(',');
    if (podCidr !== '' && podCidr !== this.#podCidr) {
      await this.#deps.runtime.updateRuntimeConfig({ networkConfig: { podCidr } });
      this.#podCidr = podCidr;
    }
  }

  /** Writes the status if it changed, or was told long ago. */
  async report(signal: AbortSignal): Promise<void> {
    const { client, clock, nodeName } = this.#deps;
    const status = await this.#status();
    const isOld = clock.monotonicMs() - this.#toldAtMs >= STATUS_REPORT_MS;
    if (this.#told !== undefined && !isOld && isSameStatus(this.#told, status)) {
      return;
    }
    await client
      .of(NODE)
      .patch('', nodeName, { status }, { type: 'strategic', subresource: 'status' }, signal);
    this.#told = status;
    this.#toldAtMs = clock.monotonicMs();
  }

  async #register(signal: AbortSignal): Promise<Node> {
    const { clock, log } = this.#deps;
    for (let delayMs = REGISTER_RETRY_MS_MIN; ; delayMs = Math.min(delayMs * 2, REGISTER_RETRY_MS_MAX)) {
      try {
        return await this.#createOrAdopt(signal);
      } catch (error) {
        if (signal.aborted) {
          throw error;
        }
        log.warn('node not registered', { error });
        await clock.sleep(delayMs, signal);
      }
    }
  }

  async #createOrAdopt(signal: AbortSignal): Promise<Node> {
    const { client, nodeName, facts, podCidrs } = this.#deps;
    const labels = {
      'beta.kubernetes.io/arch': facts.architecture,
      'beta.kubernetes.io/os': facts.operatingSystem,
      'kubernetes.io/arch': facts.architecture,
      'kubernetes.io/hostname': nodeName,
      'kubernetes.io/os': facts.operatingSystem,
      ...this.#deps.labels,
    };
    const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
    const spec = podCidrs[0] === undefined ? {} : { podCIDR: podCidrs[0], podCIDRs: podCidrs };
    try {
      const status = await this.#status();
      return await client
        .of(NODE)
        .create({ metadata: { name: nodeName, labels, annotations }, spec, status }, {}, signal);
    } catch (error) {
      if (!isAlreadyExists(error)) {
        throw error;
      }
    }
    const existing = await client.of(NODE).get('', nodeName, signal);
    this.#told = existing.status;
    return await client
      .of(NODE)
      .patch('', nodeName, { metadata: { labels, annotations } }, { type: 'merge' }, signal);
  }

  async #status(): Promise<NodeStatus> {
    const { facts, addresses, port, podsMax, pressure, clock } = this.#deps;
    const { runtimeVersion, runtime, images } = await this.#askRuntime();
    return nodeStatus({
      facts,
      addresses,
      port,
      runtimeVersion,
      runtime,
      images,
      pressure: pressure(),
      podsMax,
      old: this.#told?.conditions ?? [],
      nowMs: clock.nowMs(),
    });
  }

  async #askRuntime(): Promise<{
    readonly runtimeVersion: string;
    readonly runtime: RuntimeStatus | undefined;
    readonly images: readonly Image[];
  }> {
    try {
      const [{ runtimeName, runtimeVersion }, runtime, images] = await Promise.all([
        this.#deps.runtime.version(),
        this.#deps.runtime.status(),
        this.#deps.images.listImages(),
      ]);
      return { runtimeVersion: `${runtimeName}://${runtimeVersion}`, runtime, images };
    } catch (error) {
      this.#deps.log.warn('the container runtime does not answer', { error });
      return { runtimeVersion: '', runtime: undefined, images: [] };
    }
  }
}

function isSameStatus(left: NodeStatus, right: NodeStatus): boolean {
  return isDeepStrictEqual(withoutHeartbeats(left), withoutHeartbeats(right));
}

function withoutHeartbeats(status: NodeStatus): NodeStatus {
  return {
    ...status,
    conditions: (status.conditions ?? []).map((condition) => ({ ...condition, lastHeartbeatTime: '' })),
  };
}
