import type { Clock, Timer } from '#base/clock.ts';
import { describeError, type Logger } from '#base/log.ts';
import { parseTime } from '#api/time.ts';
import type { Pod, PodStatus } from '#api/types/core.v1.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { RuntimeService } from '#runtime/cri.ts';
import type { PodCgroups } from '../resources/pod-cgroups.ts';
import type { PodProbes } from '../probes/pod-probes.ts';
import type { PodStage } from '../status/container-statuses.ts';
import { overlayStatus, podStatus, type EndCause } from '../status/pod-status.ts';
import type { PodStatusWriter } from '../status/status-writer.ts';
import type { PodVolumes } from '../volumes/pod-volumes.ts';
import type { ContainerStarter } from './container-starter.ts';
import type { ContainerStopper } from './container-stopper.ts';
import { EndMessages } from './end-messages.ts';
import type { NodeView } from './node-view.ts';
import { refusalOf } from './pod-admission.ts';
import type { PodPaths } from './pod-paths.ts';
import { planPod } from './pod-plan.ts';
import { PodTasks } from './pod-tasks.ts';
import { PodRunning } from './pod-running.ts';
import { PodStopping } from './pod-stopping.ts';
import {
  isAlive,
  readySandbox,
  RuntimePodReader,
  type ContainerInstance,
  type RuntimePod,
} from './runtime-pod.ts';
import type { Backoff } from './backoff.ts';

export interface PodWorkerDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly runtime: RuntimeService;
  /** As in container ids: `containerd` in `containerd://abc`. */
  readonly runtimeName: () => Promise<string>;
  readonly node: NodeView;
  readonly paths: PodPaths;
  readonly starter: ContainerStarter;
  readonly stopper: ContainerStopper;
  readonly volumes: PodVolumes;
  readonly cgroups: PodCgroups;
  readonly statusWriter: PodStatusWriter;
  /** Delays of restarts, kept beyond one worker's life only in so far as pods keep their uid. */
  readonly crashBackoff: Backoff;
  /** When the next pull of an image that was refused may happen, in wall time. */
  readonly pullBlockedUntilMs: (pod: Pod, image: string) => number | undefined;
  readonly probes: (pod: Pod, onChange: () => void) => PodProbes;
  /** What is remembered of a pod that is gone. */
  readonly forget: (pod: Pod) => void;
  /** The runtime's name for the pod's RuntimeClass; undefined for the default one. */
  readonly runtimeHandler: (pod: Pod, signal: AbortSignal) => Promise<string | undefined>;
  /** Removes the pod from the server: everything of it on this node is gone. */
  readonly deletePod: (pod: Pod, signal: AbortSignal) => Promise<void>;
  /** Jitter that keeps the pods of a node from renewing their volumes all at once, 0 to 1. */
  readonly jitter: () => number;
}

/** What the stages share: the pod, what runs of it, and the work under way. */
export interface PodContext {
  readonly deps: PodWorkerDeps;
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly probes: PodProbes;
  readonly tasks: PodTasks;
  /** Asks for another look at this wall time. */
  wakeAt(timeMs: number | undefined): void;
}

/** Without anything else happening, a pod is looked at this often. */
const RESYNC_MS = 60_000;
/** What is under way gets this time to end when the worker is closed. */
const CLOSE_MS_MAX = 1_000;
/** After the runtime did not answer. */
const RETRY_MS = 1_000;

/**
 * One pod's life on this node. Every event (of the runtime, the API, a probe, a timer) wakes it; it then
 * looks at what runs, decides by the stage it is in what to do next, starts that as a task, and tells the
 * status. It never waits for a task: their end wakes it again.
 *
 * ```
 * running ── deleted, evicted, deadline, or all containers over ──▶ stopping ── none alive ──▶ stopped
 * ```
 */
export class PodWorker {
  readonly #deps: PodWorkerDeps;
  readonly #reader: RuntimePodReader;
  readonly #messages: EndMessages;
  readonly #tasks: PodTasks;
  readonly #probes: PodProbes;
  readonly #running = new PodRunning();
  readonly #stopping: PodStopping;
  readonly #onGone: () => void;
  #pod: Pod;
  #runtimeName: string | undefined;
  #told: PodStatus | undefined;
  #stage: PodStage = 'running';
  #cause: EndCause | undefined;
  /** The server's status was final before this worker saw the pod: it is not ours to write again. */
  readonly #isStatusFinal: boolean;
  #isRemoved = false;
  #isLooking = false;
  #isDirty = false;
  #isClosed = false;
  #closing: Promise<void> | undefined;
  #timer: Timer | undefined;
  #wakeAtMs = Infinity;

  /**
   * @param others the pods that are on the node already
   * @param onGone called once, when nothing of the pod is left on the node or on the server
   */
  constructor(deps: PodWorkerDeps, pod: Pod, others: readonly Pod[], onGone: () => void) {
    this.#deps = deps;
    this.#pod = pod;
    this.#messages = new EndMessages(deps.paths.disk);
    this.#onGone = onGone;
    this.#reader = new RuntimePodReader(deps.runtime, pod.metadata.uid);
    this.#tasks = new PodTasks(
      () => deps.clock.nowMs(),
      (name, error) => this.#taskEnded(name, error),
    );
    this.#probes = deps.probes(pod, () => this.wake());
    this.#stopping = new PodStopping(deps.clock);
    this.#isStatusFinal = pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
    const isNew = pod.status.startTime === undefined;
    this.#cause = isNew ? refusalOf(pod, { allocatable: deps.node.allocatable(), others }) : undefined;
    if (this.#cause !== undefined) {
      deps.events.event(pod, 'Warning', this.#cause.reason, this.#cause.message);
    }
  }

  /** The pod as last seen, with the status as last told. */
  get pod(): Pod {
    return { ...this.#pod, status: overlayStatus(this.#pod.status, this.#told) };
  }

  get stage(): PodStage {
    return this.#stage;
  }

  /** The server has a newer object. */
  update(pod: Pod): void {
    this.#pod = pod;
    this.wake();
  }

  /** The server no longer has the pod. */
  remove(last: Pod): void {
    this.#pod = last;
    this.#isRemoved = true;
    this.wake();
  }

  /** Ends the pod for good, on the node's own decision. */
  end(cause: EndCause): void {
    this.#cause ??= cause;
    this.wake();
  }

  /** Something may have changed. Cheap; calls before the next look count as one. */
  wake(): void {
    this.#isDirty = true;
    if (!this.#isLooking && !this.#isClosed) {
      this.#isLooking = true;
      void this.#lookWhileDirty();
    }
  }

  /** Lets go of the pod and leaves it running. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    // A stop with a long grace period, or a slow probe, cannot be called off; it ends without us.
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#deps.clock.schedule(CLOSE_MS_MAX, resolve);
    await Promise.race([Promise.all([this.#tasks.close(), this.#probes.close()]), late]);
    timer.cancel();
  }

  async #lookWhileDirty(): Promise<void> {
    while (this.#isDirty && !this.#isClosed) {
      this.#isDirty = false;
      this.#wakeAtMs = this.#deps.clock.nowMs() + RESYNC_MS;
      try {
        await this.#look();
      } catch (error) {
        const { name, namespace } = this.#pod.metadata;
        this.#deps.log.warn('pod not looked at', { pod: name, namespace, error });
        this.#wakeAtMs = this.#deps.clock.nowMs() + RETRY_MS;
      }
      this.#armTimer();
    }
    this.#isLooking = false;
  }

  async #look(): Promise<void> {
    const { endCount } = this.#tasks;
    const runtime = await this.#reader.read();
    await this.#messages.load(runtime.containers);
    this.#runtimeName ??= await this.#deps.runtimeName();
    if (this.#isClosed || this.#tasks.endCount !== endCount) {
      // A task that ended during the look would be started again by what was seen; its end asked for another.
      return;
    }
    const running = runtime.containers.filter(isAlive);
    const podIp = readySandbox(runtime)?.network.ips[0] ?? this.#deps.node.hostIps[0] ?? '';
    this.#probes.follow(
      this.#pod,
      running.filter(({ notes }) => !this.#running.isStarting(notes.name)),
      podIp,
    );
    const context = this.#context(runtime);
    this.#checkDeadline(context);
    if (this.#stage === 'running' && this.#mustStop(context)) {
      this.#stage = 'stopping';
      this.#running.cancel();
    }
    if (this.#stage === 'running') {
      this.#running.step(context);
    } else if (this.#stage === 'stopping' && this.#stopping.step(context, this.#cause?.graceSeconds)) {
      this.#stage = 'stopped';
    }
    this.#tellStatus(runtime);
    if (this.#stage === 'stopped') {
      this.#stopping.tearDown(context, {
        isRemoved: this.#isRemoved,
        onGone: () => this.#gone(),
      });
    }
  }

  #context(runtime: RuntimePod): PodContext {
    return {
      deps: this.#deps,
      pod: this.pod,
      runtime,
      probes: this.#probes,
      tasks: this.#tasks,
      wakeAt: (timeMs) => {
        this.#wakeAtMs = Math.min(this.#wakeAtMs, timeMs ?? Infinity);
      },
    };
  }

  #mustStop(context: PodContext): boolean {
    if (this.#isRemoved || this.#isStatusFinal || this.#cause !== undefined) {
      return true;
    }
    if (this.#pod.metadata.deletionTimestamp !== undefined) {
      return true;
    }
    if (['Succeeded', 'Failed'].includes(this.#pod.status.phase ?? '')) {
      return true; // Somebody else declared it over.
    }
    const { pod, runtime } = context;
    const isStarting = this.#running.isBusy(context);
    return (
      !isStarting && planPod({ pod, runtime, health: (instance) => this.#probes.health(instance) }).isOver
    );
  }

  #checkDeadline({ pod, wakeAt }: PodContext): void {
    const { activeDeadlineSeconds } = pod.spec;
    const startMs = parseTime(pod.status.startTime ?? '');
    if (activeDeadlineSeconds === undefined || startMs === undefined || this.#stage !== 'running') {
      return;
    }
    const dueMs = startMs + activeDeadlineSeconds * 1000;
    if (this.#deps.clock.nowMs() < dueMs) {
      wakeAt(dueMs);
      return;
    }
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#cause ??= { reason: 'DeadlineExceeded', message };
    this.#deps.events.event(this.#pod, 'Normal', 'DeadlineExceeded', message);
  }

  #tellStatus(runtime: RuntimePod): void {
    if (this.#isRemoved || this.#isStatusFinal) {
      return;
    }
    const { clock, node, statusWriter } = this.#deps;
    const status = podStatus({
      pod: this.pod,
      runtime,
      stage: this.#stage,
      cause: this.#cause,
      hostIps: node.hostIps,
      nowMs: clock.nowMs(),
      knowledge: {
        runtimeName: this.#runtimeName ?? '',
        waitingReason: (name) => this.#running.waitingReason(name),
        isStarting: (name) => this.#running.isStarting(name),
        isReplaced: (name) => this.#running.isReplaced(name),
        readiness: (instance) => this.#readiness(instance),
        endMessage: (instance) => this.#messages.get(instance),
      },
    });
    this.#told = status;
    statusWriter.write(this.#pod, status);
  }

  #readiness(instance: ContainerInstance): { readonly hasStarted: boolean; readonly isReady: boolean } {
    const { hasStarted } = this.#probes.health(instance);
    return { hasStarted, isReady: hasStarted && this.#probes.isReady(instance) };
  }

  #taskEnded(name: string, error: unknown): void {
    if (error !== undefined) {
      const { name: pod, namespace } = this.#pod.metadata;
      this.#deps.log.info('pod task failed', { task: name, pod, namespace, error: describeError(error) });
    }
    this.wake();
  }

  #gone(): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#timer?.cancel();
      this.#deps.statusWriter.forget(this.#pod.metadata.uid);
      this.#deps.crashBackoff.forget(`${this.#pod.metadata.uid}/`);
      this.#deps.forget(this.#pod);
      this.#onGone();
    }
  }

  #armTimer(): void {
    this.#timer?.cancel();
    if (!this.#isClosed) {
      // Whole milliseconds and at least one: fractions get lost in wall time, and would wake for nothing.
      const delayMs = Math.max(Math.ceil(this.#wakeAtMs - this.#deps.clock.nowMs()), 1);
      this.#timer = this.#deps.clock.schedule(delayMs, () => this.wake());
    }
  }
}
