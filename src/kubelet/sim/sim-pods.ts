import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { objectKey } from '#api/object.ts';
import { isConflict, isNotFound } from '#api/status-error.ts';
import type { Pod, PodStatus } from '#api/types/core.v1.ts';
import { POD } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';
import type { InformerHandler, Lister } from '#client/lister.ts';
import type { DelayQueue } from './delay-queue.ts';
import {
  endedStatus,
  nextStage,
  readyStatus,
  restartedStatus,
  runningStatus,
  type StageContext,
} from './pod-stages.ts';
import type { StagePlayer } from './stages/stage-player.ts';
import type { SimPodIps } from './sim-addresses.ts';
import type { WriteLanes } from './write-lanes.ts';

/** A simulated node as its pods see it. */
export interface SimNode {
  readonly name: string;
  readonly ip: string;
  podIps: SimPodIps;
  /** Crashed, or cut off: nothing is played until it is back. */
  isSilent: boolean;
  /** Grows each time it falls silent. */
  life: number;
}

export interface SimPodsDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pods: Lister<Pod>;
  readonly queue: DelayQueue;
  readonly lanes: WriteLanes;
  readonly nodes: ReadonlyMap<string, SimNode>;
  readonly stages: StagePlayer;
}

/** What is planned for a pod that follows a stage: this and the stage's name. */
const STAGE_PREFIX = 'stage ';
/** After a write that failed for no fault of its own. */
const RETRY_MS = 1_000;

/** Plays the pods of all simulated nodes: running at once, ended when it is time, gone when deleted. */
export class SimPods {
  readonly #deps: SimPodsDeps;
  /** Pods with a step on its way, by uid, and the step: told twice of the same state, it is played once. */
  readonly #planned = new Map<string, string>();

  constructor(deps: SimPodsDeps) {
    this.#deps = deps;
  }

  readonly handler: InformerHandler<Pod> = {
    onAdd: (pod) => this.#consider(pod),
    onUpdate: (previous, pod) => {
      if (previous.metadata.uid !== pod.metadata.uid) {
        this.#forget(previous);
      }
      this.#consider(pod);
    },
    onDelete: (last) => this.#forget(last),
  };

  /** Takes up the pods of a node that was silent. */
  resume(nodeName: string, { hasRestarted }: { readonly hasRestarted: boolean }): void {
    for (const pod of this.#deps.pods.list()) {
      if (pod.spec.nodeName !== nodeName) {
        continue;
      }
      this.#planned.delete(pod.metadata.uid);
      if (hasRestarted && pod.status.phase === 'Running' && pod.metadata.deletionTimestamp === undefined) {
        this.#planned.set(pod.metadata.uid, 'restarted');
        this.#play(pod, 'restarted');
      } else {
        this.#consider(pod);
      }
    }
  }

  #consider(pod: Pod): void {
    const node = this.#deps.nodes.get(pod.spec.nodeName ?? '');
    if (node === undefined || node.isSilent) {
      return;
    }
    const { uid } = pod.metadata;
    if (pod.status.podIP !== undefined && pod.spec.hostNetwork !== true) {
      node.podIps.adopt(uid, pod.status.podIP);
    }
    if (this.#followStage(pod)) {
      return;
    }
    const step = nextStage(pod, this.#deps.clock.nowMs());
    if (step.kind === 'none') {
      this.#planned.delete(uid);
      return;
    }
    const name = step.kind === 'delete' ? 'delete' : step.next;
    if (this.#planned.get(uid) === name) {
      return;
    }
    this.#planned.set(uid, name);
    const delayMs = step.kind === 'delete' ? 0 : step.delayMs;
    if (delayMs === 0) {
      this.#play(pod, name);
    } else {
      this.#deps.queue.add(delayMs, () => this.#play(pod, name));
    }
  }

  /** Looks at all pods again: the rules have changed. */
  reconsiderAll(): void {
    this.#deps.pods.list().forEach((pod) => this.#consider(pod));
  }

  /** A stage that the pod is in goes before what is built in. One that it stays in keeps its turn. */
  #followStage(pod: Pod): boolean {
    const { stages, queue } = this.#deps;
    const { uid } = pod.metadata;
    const matching = stages.matching('Pod', pod);
    const planned = this.#planned.get(uid);
    if (matching.some(({ name }) => planned === STAGE_PREFIX + name)) {
      return true;
    }
    const chosen = stages.choose(matching, pod);
    if (chosen === undefined) {
      return false;
    }
    const name = STAGE_PREFIX + chosen.stage.name;
    this.#planned.set(uid, name);
    queue.add(chosen.delayMs, () => this.#play(pod, name));
    return true;
  }

  /** Looks at the pod again when its turn comes: what was planned may be out of date. */
  #play(seen: Pod, name: string): void {
    const { uid } = seen.metadata;
    this.#deps.lanes.send(uid, async (signal) => {
      const pod = this.#deps.pods.get(objectKey(seen));
      if (pod?.metadata.uid !== uid || this.#planned.get(uid) !== name) {
        return;
      }
      try {
        await this.#write(pod, name, signal);
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        this.#planned.delete(uid);
        if (isNotFound(error)) {
          return;
        }
        if (!isConflict(error)) {
          this.#deps.log.warn('simulated pod not written', { pod: objectKey(pod), step: name, error });
        }
        this.#deps.queue.add(RETRY_MS, () => this.#reconsider(pod));
      }
    });
  }

  #reconsider(seen: Pod): void {
    const pod = this.#deps.pods.get(objectKey(seen));
    if (pod?.metadata.uid === seen.metadata.uid) {
      this.#consider(pod);
    }
  }

  async #write(pod: Pod, name: string, signal: AbortSignal): Promise<void> {
    const { client, clock, nodes } = this.#deps;
    const { namespace, name: podName, uid } = pod.metadata;
    const node = nodes.get(pod.spec.nodeName ?? '');
    if (node === undefined || node.isSilent) {
      this.#planned.delete(uid);
      return;
    }
    if (name.startsWith(STAGE_PREFIX)) {
      await this.#playStage(pod, name.slice(STAGE_PREFIX.length), { node, signal });
      return;
    }
    if (name === 'delete') {
      const options = { gracePeriodSeconds: 0, preconditions: { uid } };
      await client.of(POD).delete(namespace, podName, options, signal);
      return;
    }
    const nowMs = clock.nowMs();
    const context = { nowMs, hostIp: node.ip, podIp: node.podIps.take(uid) };
    const status = statusAfter(name, pod, context);
    await client
      .of(POD)
      .patch(
        namespace,
        podName,
        { metadata: { uid }, status },
        { type: 'merge', subresource: 'status' },
        signal,
      );
  }

  async #playStage(
    pod: Pod,
    name: string,
    { node, signal }: { readonly node: SimNode; readonly signal: AbortSignal },
  ): Promise<void> {
    const { stages } = this.#deps;
    const { uid } = pod.metadata;
    // Before the writes: what they change may lead to the same stage again.
    this.#planned.delete(uid);
    const stage = stages.named(name);
    if (stage?.matches(pod) !== true) {
      this.#consider(pod);
      return;
    }
    const podIp = (): string => node.podIps.take(uid);
    const after = await stages.play(stage, POD, pod, { nodeIp: node.ip, podIp, signal });
    if (stage.next.isImmediate && after !== undefined) {
      this.#consider(after);
    }
  }

  #forget({ metadata, spec }: Pod): void {
    this.#planned.delete(metadata.uid);
    this.#deps.nodes.get(spec.nodeName ?? '')?.podIps.release(metadata.uid);
  }
}

function statusAfter(name: string, pod: Pod, context: StageContext): Partial<PodStatus> {
  switch (name) {
    case 'running':
      return runningStatus(pod, context);
    case 'ready':
      return readyStatus(pod, context);
    case 'restarted':
      return restartedStatus(pod, context);
    default:
      return endedStatus(pod, context);
  }
}
