import type { Clock } from '#base/clock.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { podCgroupPath } from '../resources/linux-resources.ts';
import { roleOf } from './pod-containers.ts';
import { stoppingText } from './pod-plan.ts';
import type { PodContext } from './pod-worker.ts';
import { isAlive, readySandbox, type ContainerInstance } from './runtime-pod.ts';

/** A forced deletion still lets the processes see their end. */
const GRACE_SECONDS_MIN = 1;
const GRACE_SECONDS_DEFAULT = 30;

export interface TearDown {
  /** The server no longer has the pod. */
  readonly isRemoved: boolean;
  readonly onGone: () => void;
}

/** The end of a pod: its containers, then its sandbox and volumes, then the traces. */
export class PodStopping {
  readonly #clock: Clock;
  #beganMs: number | undefined;
  #isTornDown = false;
  /** With a finalizer the pod outlives its deletion, and the server removes it when the last one goes. */
  #isDeletionSent = false;
  /** The grace period that each container was last told of. */
  readonly #told = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Stops what runs, sidecars last and in reverse order. True when nothing is alive or being started. */
  step(context: PodContext, graceOverride?: number): boolean {
    const { pod, runtime, tasks } = context;
    this.#beganMs ??= this.#clock.monotonicMs();
    const alive = runtime.containers.filter(isAlive);
    const sidecars = alive.filter(({ notes }) => roleOf(pod, notes.name) === 'sidecar');
    const others = alive.filter((instance) => !sidecars.includes(instance));
    const graceSeconds = graceOverride ?? graceOf(pod);
    for (const instance of others) {
      this.#stop(context, instance, graceSeconds);
    }
    if (others.length === 0 && sidecars.length > 0) {
      const spentSeconds = Math.floor((this.#clock.monotonicMs() - this.#beganMs) / 1000);
      const order = (pod.spec.initContainers ?? []).map(({ name }) => name);
      const last = sidecars.toSorted((a, b) => order.indexOf(b.notes.name) - order.indexOf(a.notes.name))[0];
      if (last !== undefined) {
        this.#stop(context, last, Math.max(graceSeconds - spentSeconds, GRACE_SECONDS_MIN));
      }
    }
    return alive.length === 0 && !tasks.isRunning('start') && !tasks.isRunning('sandbox');
  }

  #stop(context: PodContext, instance: ContainerInstance, graceSeconds: number): void {
    const { pod, runtime, deps, tasks, wakeAt } = context;
    const toldSeconds = this.#told.get(instance.id);
    const name = `stop ${instance.id}`;
    const podIp = readySandbox(runtime)?.network.ips[0] ?? deps.node.hostIps[0] ?? '';
    const request = { instance, message: stoppingText(instance), graceSeconds, podIp };
    if (toldSeconds !== undefined && graceSeconds < toldSeconds && tasks.isRunning(name)) {
      this.#told.set(instance.id, graceSeconds);
      tasks.run(`${name} sooner, in ${graceSeconds} s`, (signal) =>
        deps.stopper.stop(pod, { ...request, skipHook: true }, signal),
      );
      return;
    }
    this.#told.set(instance.id, Math.min(graceSeconds, toldSeconds ?? Infinity));
    wakeAt(tasks.blockedUntilMs(name));
    tasks.run(name, (signal) =>
      deps.stopper.stop(pod, { ...request, skipHook: toldSeconds !== undefined }, signal),
    );
  }

  /** Gives back what the pod held. Its dead containers stay until it is deleted, for their logs. */
  tearDown(context: PodContext, { isRemoved, onGone }: TearDown): void {
    const { pod, runtime, deps, tasks, wakeAt } = context;
    const { uid, deletionTimestamp } = pod.metadata;
    for (const task of ['tear down', 'delete', 'forget']) {
      wakeAt(tasks.blockedUntilMs(task));
    }
    if (!this.#isTornDown || readySandbox(runtime) !== undefined) {
      tasks.run('tear down', async () => {
        for (const sandbox of runtime.sandboxes) {
          await deps.runtime.stopPodSandbox(sandbox.id);
        }
        await deps.volumes.unmount(uid);
        await deps.cgroups.remove(podCgroupPath(pod));
        this.#isTornDown = true;
      });
      return;
    }
    if (isRemoved) {
      tasks.run('forget', async () => {
        for (const sandbox of runtime.sandboxes) {
          await deps.runtime.removePodSandbox(sandbox.id);
        }
        await deps.paths.removePod(pod);
        onGone();
      });
    } else if (deletionTimestamp !== undefined && !this.#isDeletionSent) {
      tasks.run('delete', async (signal) => {
        await deps.statusWriter.flushed(uid);
        await deps.deletePod(pod, signal);
        this.#isDeletionSent = true;
      });
    }
  }
}

function graceOf({ metadata, spec }: Pod): number {
  const seconds =
    metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT;
  return Math.max(seconds, GRACE_SECONDS_MIN);
}
