import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { RuntimeService } from '#runtime/cri.ts';
import type { PodSandboxStats } from '#runtime/cri-stats.ts';
import type { Pressure } from '../node/node-status.ts';
import type { PodWorkers } from '../pod/pod-workers.ts';
import {
  evictionMessage,
  nextToEvict,
  shortagesOf,
  type EvictionThresholds,
  type Shortage,
} from './eviction-order.ts';
import type { NodeSupply } from './node-supply.ts';

export interface PressureWatchDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly runtime: RuntimeService;
  readonly workers: PodWorkers;
  readonly supply: () => Promise<NodeSupply>;
  /** Removes images that nothing uses; true when it freed something. */
  readonly freeImages: () => Promise<boolean>;
  readonly thresholds: EvictionThresholds;
}

const PERIOD_MS = 10_000;
/** A node counts as under pressure for this long after the last shortage, or it would flap. */
const TRANSITION_MS = 5 * 60_000;
/** What is short must not wait for a pod's own grace period. */
const GRACE_SECONDS = 1;

/** Watches what the node has left; ends one pod per look while it is too little. */
export class PressureWatch {
  readonly #deps: PressureWatchDeps;
  readonly #lastShortMs = new Map<Shortage['resource'], number>();

  constructor(deps: PressureWatchDeps) {
    this.#deps = deps;
  }

  pressure(): Pressure {
    const nowMs = this.#deps.clock.monotonicMs();
    const isShort = (resource: Shortage['resource']): boolean =>
      nowMs - (this.#lastShortMs.get(resource) ?? -Infinity) < TRANSITION_MS;
    return { memory: isShort('memory'), disk: isShort('ephemeral-storage') || isShort('inodes'), pid: false };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        log.warn('the supply of the node is not known', { error });
      }
      await clock.sleep(PERIOD_MS, signal);
    }
  }

  async look(): Promise<void> {
    const { clock, supply, thresholds, freeImages } = this.#deps;
    const shortages = shortagesOf(await supply(), thresholds);
    for (const { resource } of shortages) {
      this.#lastShortMs.set(resource, clock.monotonicMs());
    }
    const [first] = shortages;
    if (first === undefined) {
      return;
    }
    if (first.resource !== 'memory' && (await freeImages())) {
      return; // That may have been enough.
    }
    await this.#evict(first);
  }

  async #evict(shortage: Shortage): Promise<void> {
    const { runtime, workers, events, log } = this.#deps;
    const running = workers.list().filter(({ stage }) => stage === 'running');
    if (running.length < workers.list().filter(({ stage }) => stage !== 'stopped').length) {
      return; // One is already on its way out: see what that frees.
    }
    const stats = await runtime.listPodSandboxStats();
    const candidates = running.map(({ pod }) => ({
      pod,
      usedBytes: usedBytes(stats, pod.metadata.uid, shortage.resource),
    }));
    const chosen = nextToEvict(candidates, shortage.resource);
    if (chosen === undefined) {
      return;
    }
    const message = evictionMessage(chosen, shortage);
    const { name, namespace, uid } = chosen.pod.metadata;
    log.warn('evicting a pod', { pod: name, namespace, resource: shortage.resource });
    events.event(chosen.pod, 'Warning', 'Evicted', message);
    workers
      .list()
      .find(({ pod }) => pod.metadata.uid === uid)
      ?.end({ reason: 'Evicted', message, graceSeconds: GRACE_SECONDS });
  }
}

function usedBytes(stats: readonly PodSandboxStats[], uid: string, resource: Shortage['resource']): number {
  const own = stats.find(({ attributes }) => attributes.metadata.uid === uid);
  if (resource === 'memory') {
    return own?.memory?.workingSetBytes ?? 0;
  }
  let sum = 0;
  for (const { writableLayer } of own?.containers ?? []) {
    sum += (resource === 'inodes' ? writableLayer?.inodesUsed : writableLayer?.usedBytes) ?? 0;
  }
  return sum;
}
