import { describeError } from '#base/log.ts';
import { ConfigError } from '../container/config-error.ts';
import type { WaitingReason } from '../status/container-statuses.ts';
import { podCgroupPath, podResources } from '../resources/linux-resources.ts';
import { VolumeError, type MountedVolume } from '../volumes/pod-volumes.ts';
import { durationText } from './backoff.ts';
import { ContainerResize } from './container-resize.ts';
import { containerNamed, fieldPathOf, podText, roleOf } from './pod-containers.ts';
import { planPod, type ContainerStart, type ContainerStop, type PodPlan } from './pod-plan.ts';
import type { PodContext } from './pod-worker.ts';
import { containerHash } from './runtime-labels.ts';
import { isAlive, latestOf, readySandbox, type ContainerInstance } from './runtime-pod.ts';
import { sandboxConfig } from './sandbox-config.ts';

const VOLUMES_TASK = 'volumes';
const SANDBOX_TASK = 'sandbox';
const START_TASK = 'start';
const PRUNE_TASK = 'prune';

/** ConfigMaps, Secrets and tokens reach a running pod within this time, and up to half as long again. */
const VOLUME_RENEWAL_MS = 60_000;
/** After a container could not be configured or started, other than by a crash or a refused pull. */
const START_RETRY_MS = 10_000;
/** A refused pull is shown as refused for this time, and then as one that waits for its back-off. */
const REFUSED_PULL_SHOWN_MS = 2_000;
/** Ended instances of a container that are kept, for `kubectl logs --previous`. */
const ENDED_KEPT = 1;

/** A pod in its running stage: volumes, then the sandbox, then containers one after the other. */
export class PodRunning {
  readonly #waiting = new Map<string, WaitingReason>();
  readonly #resize = new ContainerResize();
  readonly #retryAtMs = new Map<string, number>();
  /** Stopped by this kubelet to be started anew, until that is done or has to wait. */
  readonly #replaced = new Set<string>();
  #volumes: ReadonlyMap<string, MountedVolume> | undefined;
  #renewAtMs = 0;
  /** What downward API volumes show at the moment. */
  #shownMetadata = '';
  #starting: string | undefined;
  #startAbort = new AbortController();

  waitingReason(name: string): WaitingReason | undefined {
    return this.#waiting.get(name);
  }

  /** A container of this name is on its way from its image to its postStart hook. */
  isStarting(name: string): boolean {
    return this.#starting === name;
  }

  /** The container is between its stop and its next start: its status is the one that was told last. */
  isReplaced(name: string): boolean {
    return this.#replaced.has(name);
  }

  /** Something is being started or made. */
  isBusy({ tasks }: PodContext): boolean {
    return tasks.isRunning(START_TASK) || tasks.isRunning(SANDBOX_TASK);
  }

  /** Ends what is being started. */
  cancel(): void {
    this.#startAbort.abort();
  }

  /** Starts as tasks what has to be done next. */
  step(context: PodContext): void {
    const { pod, runtime, probes, deps } = context;
    this.#mountVolumes(context);
    const plan = planPod({ pod, runtime, health: (instance) => probes.health(instance) });
    for (const stop of plan.stop) {
      this.#stop(context, stop);
    }
    this.#forgetReplaced(plan);
    if (this.#volumes === undefined) {
      return;
    }
    if (plan.createSandbox !== undefined) {
      this.#createSandbox(context, plan.createSandbox);
    } else {
      this.#startNext(context, plan, this.#volumes);
    }
    this.#resize.step(context);
    this.#prune(context);
    context.wakeAt(deps.clock.nowMs() + Math.max(this.#renewAtMs - deps.clock.monotonicMs(), 0));
  }

  #mountVolumes({ pod, deps, tasks, wakeAt }: PodContext): void {
    const { clock, volumes, cgroups, events, jitter } = deps;
    wakeAt(tasks.blockedUntilMs(VOLUMES_TASK));
    const { labels, annotations } = pod.metadata;
    const shown = JSON.stringify([labels, annotations]);
    const isFresh = clock.monotonicMs() < this.#renewAtMs && shown === this.#shownMetadata;
    if (this.#volumes !== undefined && isFresh) {
      return;
    }
    tasks.run(VOLUMES_TASK, async (signal) => {
      this.#shownMetadata = shown;
      try {
        if (this.#volumes === undefined) {
          await cgroups.ensure(podCgroupPath(pod), podResources(pod));
        }
        this.#volumes = await volumes.mount(pod, signal);
        this.#renewAtMs = clock.monotonicMs() + Math.floor(VOLUME_RENEWAL_MS * (1 + jitter() / 2));
      } catch (error) {
        if (!signal.aborted && error instanceof VolumeError) {
          const message = `MountVolume.SetUp failed for volume "${error.volume}" : ${error.message}`;
          events.event(pod, 'Warning', 'FailedMount', message);
        }
        throw error;
      }
    });
  }

  #createSandbox({ pod, runtime, deps, tasks, wakeAt }: PodContext, attempt: number): void {
    wakeAt(tasks.blockedUntilMs(SANDBOX_TASK));
    if (runtime.containers.some(isAlive)) {
      return; // They belong to a sandbox that is gone, and are being stopped.
    }
    tasks.run(SANDBOX_TASK, async (signal) => {
      const { runtime: service, node, paths, events } = deps;
      if (attempt > 0) {
        events.event(
          pod,
          'Normal',
          'SandboxChanged',
          'Pod sandbox changed, it will be killed and re-created.',
        );
        for (const { id } of runtime.sandboxes) {
          await service.stopPodSandbox(id);
        }
      }
      const config = sandboxConfig(pod, attempt, { dns: node.dns, logDirectory: paths.logDirectory(pod) });
      try {
        await service.runPodSandbox(config, await deps.runtimeHandler(pod, signal));
      } catch (error) {
        const message = `Failed to create pod sandbox: ${describeError(error)}`;
        events.event(pod, 'Warning', 'FailedCreatePodSandBox', message);
        throw error;
      }
    });
  }

  #startNext(context: PodContext, plan: PodPlan, volumes: ReadonlyMap<string, MountedVolume>): void {
    if (context.tasks.isRunning(START_TASK)) {
      return;
    }
    const due = plan.start.find((start) => {
      const untilMs = this.#blockedUntilMs(context, start);
      context.wakeAt(untilMs);
      if (untilMs !== undefined) {
        this.#replaced.delete(start.container.name);
      }
      return untilMs === undefined;
    });
    const sandbox = readySandbox(context.runtime);
    if (due === undefined || sandbox === undefined) {
      return;
    }
    const { pod, runtime, deps, tasks } = context;
    const { name } = due.container;
    if (due.previous?.finishedAtMs !== undefined) {
      deps.crashBackoff.next(crashKey(context, due), due.previous.finishedAtMs);
    }
    this.#starting = name;
    this.#startAbort = new AbortController();
    const config = sandboxConfig(pod, sandbox.metadata.attempt, {
      dns: deps.node.dns,
      logDirectory: deps.paths.logDirectory(pod),
    });
    const where = {
      pod,
      runtimePod: runtime,
      sandboxId: sandbox.id,
      sandbox: config,
      podIps: sandbox.network.ips,
      volumes,
    };
    tasks.run(START_TASK, async (closed) => {
      const signal = AbortSignal.any([closed, this.#startAbort.signal]);
      try {
        await deps.starter.start(where, due, signal);
        this.#waiting.delete(name);
        this.#retryAtMs.delete(name);
      } catch (error) {
        this.#startFailed(context, name, error, signal);
      } finally {
        this.#starting = undefined;
        this.#replaced.delete(name);
      }
    });
  }

  /** One that is neither being stopped nor going to be started is told as it is. */
  #forgetReplaced({ stop, start }: PodPlan): void {
    for (const name of this.#replaced) {
      const isOnItsWay =
        name === this.#starting ||
        stop.some(({ instance }) => instance.notes.name === name) ||
        start.some(({ container }) => container.name === name);
      if (!isOnItsWay) {
        this.#replaced.delete(name);
      }
    }
  }

  #startFailed({ pod, deps }: PodContext, name: string, error: unknown, signal: AbortSignal): void {
    if (signal.aborted) {
      return;
    }
    const reason = error instanceof ConfigError ? error.reason : 'CreateContainerError';
    const message = error instanceof ConfigError ? error.message : describeError(error);
    this.#waiting.set(name, { reason, message });
    const isRefusedPull = deps.pullBlockedUntilMs(pod, containerNamed(pod, name)?.image ?? '') !== undefined;
    const retryMs = isRefusedPull ? REFUSED_PULL_SHOWN_MS : START_RETRY_MS;
    this.#retryAtMs.set(name, deps.clock.nowMs() + retryMs);
    deps.log.info('container not started', { container: name, reason, error: message });
  }

  /** When this start may happen; undefined for now. Notes for the status why it has to wait. */
  #blockedUntilMs(context: PodContext, start: ContainerStart): number | undefined {
    const { pod, deps } = context;
    const { container, previous } = start;
    const { name } = container;
    const crashedAtMs = previous?.finishedAtMs;
    if (crashedAtMs !== undefined) {
      const key = crashKey(context, start);
      const untilMs = deps.crashBackoff.blockedUntilMs(key, crashedAtMs);
      if (untilMs !== undefined) {
        this.#tellCrashLoop(context, name, deps.crashBackoff.delayMs(key));
        return untilMs;
      }
    }
    const pullUntilMs = deps.pullBlockedUntilMs(pod, container.image ?? '');
    const waiting = this.#waiting.get(name);
    if (pullUntilMs !== undefined && waiting?.reason === 'ErrImagePull') {
      const cause = `Back-off pulling image "${container.image}"`;
      const shownUntilMs = this.#retryAtMs.get(name) ?? 0;
      if (deps.clock.nowMs() < shownUntilMs) {
        return shownUntilMs;
      }
      const target = { object: pod, fieldPath: fieldPathOf(pod, name) };
      deps.events.event(target, 'Normal', 'BackOff', cause);
      deps.events.event(target, 'Warning', 'Failed', 'Error: ImagePullBackOff');
      this.#waiting.set(name, {
        reason: 'ImagePullBackOff',
        message: `${cause}: ErrImagePull: ${waiting.message}`,
      });
    }
    if (pullUntilMs !== undefined) {
      return pullUntilMs;
    }
    const retryAtMs = this.#retryAtMs.get(name);
    return retryAtMs !== undefined && retryAtMs > deps.clock.nowMs() ? retryAtMs : undefined;
  }

  #tellCrashLoop({ pod, deps }: PodContext, name: string, delayMs: number): void {
    const message = `back-off ${durationText(delayMs)} restarting failed container=${name} pod=${podText(pod)}`;
    if (this.#waiting.get(name)?.message !== message) {
      const target = { object: pod, fieldPath: fieldPathOf(pod, name) };
      const text = `Back-off restarting failed container ${name} in pod ${podText(pod)}`;
      deps.events.event(target, 'Warning', 'BackOff', text);
      this.#waiting.set(name, { reason: 'CrashLoopBackOff', message });
    }
  }

  #stop(context: PodContext, { instance, message }: ContainerStop): void {
    const { pod, runtime, deps, tasks, wakeAt } = context;
    const podIp = readySandbox(runtime)?.network.ips[0] ?? deps.node.hostIps[0] ?? '';
    const graceSeconds = this.#graceFor(context, instance);
    if (instance.podSandboxId === readySandbox(runtime)?.id) {
      this.#replaced.add(instance.notes.name);
    }
    wakeAt(tasks.blockedUntilMs(`stop ${instance.id}`));
    tasks.run(`stop ${instance.id}`, (signal) =>
      deps.stopper.stop(pod, { instance, message, graceSeconds, podIp, skipHook: false }, signal),
    );
  }

  /** The failed probe's own grace period goes before the pod's. */
  #graceFor({ pod, probes }: PodContext, instance: ContainerInstance): number {
    const container = containerNamed(pod, instance.notes.name);
    const { failedProbe } = probes.health(instance);
    const probe = failedProbe === 'liveness' ? container?.livenessProbe : container?.startupProbe;
    const own = failedProbe === undefined ? undefined : probe?.terminationGracePeriodSeconds;
    return own ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  }

  #prune({ runtime, deps, tasks }: PodContext): void {
    const counts = new Map<string, number>();
    const surplus = runtime.containers.filter((instance) => {
      if (latestOf(runtime, instance.notes.name) === instance || isAlive(instance)) {
        return false;
      }
      const count = (counts.get(instance.notes.name) ?? 0) + 1;
      counts.set(instance.notes.name, count);
      return count > ENDED_KEPT;
    });
    if (surplus.length > 0) {
      tasks.run(PRUNE_TASK, async () => {
        for (const instance of surplus) {
          await deps.runtime.removeContainer(instance.id);
          await deps.paths.removeLogs(instance.logPath);
        }
      });
    }
  }
}

function crashKey({ pod }: PodContext, { container }: ContainerStart): string {
  return `${pod.metadata.uid}/${roleOf(pod, container.name)}/${container.name}/${containerHash(container)}`;
}
