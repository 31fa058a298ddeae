import { objectKey } from '#api/object.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { AssertionError } from '#base/assert.ts';
import type { Clock, Timer } from '#base/clock.ts';
import { describeError, type Logger } from '#base/log.ts';
import type { TaskGroup } from '#base/task-group.ts';
import { runBinding, type BindingTask } from './binding-cycle.ts';
import { summarise, type AttemptOutcome, type DecisionLog } from './explain/decision-log.ts';
import { NO_NODES_MESSAGE, unschedulableMessage, type Diagnosis } from './framework/diagnosis.ts';
import type { Extenders } from './extenders/extenders.ts';
import { reviewRoom, type Room } from './extenders/review-room.ts';
import type { Nominations } from './framework/nominations.ts';
import type { NodeSelection, Selection } from './framework/node-selection.ts';
import type { PermitOutcome, Plugin, PodContext } from './framework/plugin.ts';
import type { Rejection } from './framework/rejection.ts';
import type { FailureReport, PodReports } from './pod-reports.ts';
import type { QueuedPod } from './queue/queued-pod.ts';
import type { SchedulingQueue } from './queue/scheduling-queue.ts';
import type { SchedulerMetrics } from './scheduler-metrics.ts';
import type { ClusterState } from './state/cluster-state.ts';

/** The plugins and the selection of one profile. */
export interface Profile {
  readonly name: string;
  readonly plugins: readonly Plugin[];
  readonly selection: NodeSelection;
}

export interface SchedulingLoopDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly tasks: TaskGroup;
  readonly state: ClusterState;
  readonly queue: SchedulingQueue;
  readonly nominations: Nominations;
  readonly profileOf: (pod: Pod) => Profile | undefined;
  readonly reports: PodReports;
  readonly metrics: SchedulerMetrics;
  readonly decisions: DecisionLog;
  /** Removes the victims of a preemption in the background. */
  readonly preempt: (pod: Pod, nodeName: string, victims: readonly Pod[]) => void;
  /** Bindings on their way at once; the loop pauses at this many. */
  readonly bindingsMax: number;
  /** Undefined when there are none. */
  readonly extenders: Extenders | undefined;
}

/** Deciding goes on this long before other work of the process gets its turn. */
const SLICE_MS = 8;

/** Not a plugin: refuses pods while there are no nodes, and any event wakes them. */
const NO_NODES: ReadonlySet<string> = new Set(['Nodes']);

type Unschedulable = Extract<AttemptOutcome, { readonly outcome: 'unschedulable' }>;

/** Takes pod after pod from the queue, decides on a node, and binds in the background. */
export class SchedulingLoop {
  readonly #deps: SchedulingLoopDeps;
  #timer: Timer | undefined;
  #bindings = 0;
  #isClosed = false;

  constructor(deps: SchedulingLoopDeps) {
    this.#deps = deps;
  }

  /** Makes sure that the queue is looked at soon. */
  wake(): void {
    if (this.#timer === undefined && !this.#isClosed) {
      this.#timer = this.#deps.clock.schedule(0, () => this.#runSlice());
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #runSlice(): void {
    this.#timer = undefined;
    this.#tryPods();
    this.#deps.metrics.observeQueue(this.#deps.queue);
  }

  #tryPods(): void {
    const { clock, queue } = this.#deps;
    const endMs = clock.monotonicMs() + SLICE_MS;
    while (this.#bindings < this.#deps.bindingsMax) {
      const next = queue.pop();
      if (next === undefined) {
        return;
      }
      this.#tryPod(next);
      if (clock.monotonicMs() >= endMs) {
        this.wake();
        return;
      }
    }
  }

  #tryPod(tried: QueuedPod): void {
    const { queue, reports, state, profileOf } = this.#deps;
    const { pod, uid } = tried;
    const profile = profileOf(pod);
    if (profile === undefined || state.placed(uid) !== undefined) {
      queue.done(uid);
    } else if (pod.metadata.deletionTimestamp !== undefined) {
      reports.skippedDeleting(pod);
      queue.done(uid);
    } else {
      const startMs = this.#deps.clock.monotonicMs();
      try {
        this.#schedule(tried, profile, startMs);
      } catch (error) {
        this.#attemptThrew(tried, profile, error);
      }
    }
  }

  #attemptThrew(tried: QueuedPod, profile: Profile, error: unknown): void {
    const { log, metrics, state } = this.#deps;
    if (error instanceof AssertionError) {
      throw error;
    }
    // A plugin threw. It may be the user's own, and one pod must not stop the others.
    state.forget(tried.uid);
    log.error('scheduling a pod threw', { pod: objectKey(tried.pod), error });
    metrics.attempts.inc(['error', profile.name]);
    this.#failWithError(tried, describeError(error));
  }

  #schedule(tried: QueuedPod, profile: Profile, startMs: number): void {
    const { state, metrics, clock, extenders } = this.#deps;
    const context = this.#contextOf(tried);
    if (state.nodes.nodeCount === 0) {
      this.#refuse(
        tried,
        { outcome: 'unschedulable', rejected: [], message: NO_NODES_MESSAGE },
        NO_NODES,
        '',
      );
      return;
    }
    if (extenders?.isAsked(tried.pod) === true) {
      this.#askExtenders(tried, profile, extenders);
      return;
    }
    const selection = profile.selection.select(context);
    metrics.algorithmSeconds.observe((clock.monotonicMs() - startMs) / 1000);
    if (selection.kind === 'found') {
      this.#place(tried, profile, context, selection);
    } else {
      metrics.attempts.inc(['unschedulable', profile.name]);
      const { diagnosis } = selection;
      this.#wait(tried, diagnosis, this.#makeRoom(profile, context, diagnosis));
    }
  }

  #contextOf({ pod }: QueuedPod): PodContext {
    const { state } = this.#deps;
    return { pod, shape: state.shapes.of(pod), state };
  }

  /** Decides in the background, and counts as a binding on its way meanwhile. */
  #askExtenders(tried: QueuedPod, profile: Profile, extenders: Extenders): void {
    this.#bindings += 1;
    this.#deps.tasks.spawn('ask extenders', (signal) =>
      extenders.inTurn(async () => {
        try {
          await this.#scheduleWith(extenders, tried, profile, signal);
        } catch (error) {
          if (!signal.aborted) {
            this.#attemptThrew(tried, profile, error);
          }
        } finally {
          this.#bindings -= 1;
          this.wake();
        }
      }),
    );
  }

  async #scheduleWith(
    extenders: Extenders,
    tried: QueuedPod,
    profile: Profile,
    signal: AbortSignal,
  ): Promise<void> {
    const { queue, metrics, clock } = this.#deps;
    if (!this.#needsNode(tried, signal)) {
      return;
    }
    const startMs = clock.monotonicMs();
    const { eventCount } = queue;
    const selection = await extenders.select(() => this.#contextOf(tried), profile.selection, signal);
    metrics.algorithmSeconds.observe((clock.monotonicMs() - startMs) / 1000);
    if (!this.#needsNode(tried, signal)) {
      return;
    }
    if (selection.kind === 'found') {
      this.#place(tried, profile, this.#contextOf(tried), selection);
      return;
    }
    metrics.attempts.inc(['unschedulable', profile.name]);
    const context = this.#contextOf(tried);
    const room = this.#makeRoom(profile, context, selection.diagnosis);
    const reviewed = await reviewRoom(room, context, extenders, signal);
    if (this.#needsNode(tried, signal)) {
      this.#wait(tried, selection.diagnosis, reviewed);
      if (queue.eventCount !== eventCount) {
        // What happened while the extenders were asked may have helped, and found nobody waiting.
        queue.activate(tried.uid);
      }
    }
  }

  /** False when the pod went away or was bound by somebody else, and when everything ends. */
  #needsNode(tried: QueuedPod, signal: AbortSignal): boolean {
    const { queue, state } = this.#deps;
    if (state.placed(tried.uid) !== undefined) {
      queue.done(tried.uid);
    }
    return !signal.aborted && queue.get(tried.uid) === tried;
  }

  #place(
    tried: QueuedPod,
    profile: Profile,
    context: PodContext,
    selection: Extract<Selection, { readonly kind: 'found' }>,
  ): void {
    const { state, nominations } = this.#deps;
    const { row, feasibleCount, scores } = selection;
    const nodeName = state.nodes.nameOf(row);
    const permits: PermitOutcome[] = [];
    state.assume(tried.pod, nodeName);
    const rejection =
      reserveAll(profile.plugins, context, row) ?? permitAll(profile.plugins, context, row, permits);
    if (rejection !== undefined) {
      this.#giveUpPlace(profile, context, row);
      this.#refuseBy(tried, rejection);
      return;
    }
    nominations.delete(tried.uid);
    this.#record(tried, { outcome: 'scheduled', nodeName, feasibleCount, scores });
    this.#bind(tried, profile, context, {
      pod: tried.pod,
      nodeName,
      plugins: profile.plugins,
      permits,
      bindOutside: this.#deps.extenders?.bind,
    });
  }

  #bind(tried: QueuedPod, profile: Profile, context: PodContext, task: BindingTask): void {
    const { tasks, clock } = this.#deps;
    const startMs = clock.monotonicMs();
    this.#bindings += 1;
    tasks.spawn('bind pod', async (signal) => {
      try {
        const outcome = await runBinding(task, signal);
        switch (outcome.kind) {
          case 'bound':
            this.#bound(tried, profile, task.nodeName, startMs);
            break;
          case 'refused':
            this.#giveUpPlaceOn(task.nodeName, profile, context);
            this.#refuseBy(tried, outcome.rejection);
            break;
          case 'failed':
            this.#giveUpPlaceOn(task.nodeName, profile, context);
            this.#deps.metrics.attempts.inc(['error', profile.name]);
            this.#failWithError(tried, outcome.message);
            break;
          default:
            outcome satisfies never;
        }
      } finally {
        this.#bindings -= 1;
        this.wake();
      }
    });
  }

  #bound(tried: QueuedPod, profile: Profile, nodeName: string, startMs: number): void {
    const { reports, queue, metrics, clock } = this.#deps;
    reports.scheduled(tried.pod, nodeName);
    queue.done(tried.uid);
    const nowMs = clock.monotonicMs();
    metrics.attempts.inc(['scheduled', profile.name]);
    metrics.attemptSeconds.observe((nowMs - startMs) / 1000, ['scheduled', profile.name]);
    metrics.podSeconds.observe((nowMs - tried.firstSeenMs) / 1000, [String(Math.min(tried.attempts, 16))]);
    metrics.podAttempts.observe(tried.attempts);
    for (const plugin of profile.plugins) {
      plugin.postBind?.(tried.pod, nodeName);
    }
  }

  /** No node has room. Asks the plugins to make some. */
  #makeRoom(profile: Profile, context: PodContext, diagnosis: Diagnosis): Room {
    const check = (row: number): Rejection | undefined => profile.selection.check(context, row);
    const messages: string[] = [];
    let clearsNomination = false;
    let nominated: Room['nominated'];
    for (const plugin of profile.plugins) {
      const outcome = plugin.postFilter?.(context, diagnosis, check);
      if (outcome?.kind === 'nominated') {
        nominated = outcome;
        break;
      }
      if (outcome !== undefined) {
        messages.push(outcome.message);
        clearsNomination ||= outcome.clearsNomination;
      }
    }
    return { nominated, message: nominated === undefined ? messages.join(', ') : '', clearsNomination };
  }

  /** Lets the pod wait, and makes the room that was found for it. */
  #wait(tried: QueuedPod, diagnosis: Diagnosis, { nominated, message: why, clearsNomination }: Room): void {
    const { nominations, preempt, state } = this.#deps;
    const message = unschedulableMessage(diagnosis, why);
    const rejected =
      diagnosis.preFilter === undefined
        ? summarise(diagnosis.rejections, (row) => state.nodes.nameOf(row))
        : [{ ...diagnosis.preFilter, count: diagnosis.nodeCount, examples: [] }];
    if (nominated === undefined) {
      if (clearsNomination) {
        nominations.delete(tried.uid);
      }
      const nomination = clearsNomination ? '' : undefined;
      this.#refuse(tried, { outcome: 'unschedulable', rejected, message }, diagnosis.plugins, nomination);
      return;
    }
    const { nodeName, victims } = nominated;
    nominations.set(tried.pod, nodeName);
    this.#refuse(
      tried,
      {
        outcome: 'unschedulable',
        rejected,
        message,
        nomination: { nodeName, victims: victims.map(objectKey) },
      },
      diagnosis.plugins,
      nodeName,
    );
    preempt(tried.pod, nodeName, victims);
  }

  #refuseBy(tried: QueuedPod, rejection: Rejection): void {
    const nodeCount = this.#deps.state.nodes.nodeCount;
    const message = unschedulableMessage(
      { nodeCount, preFilter: undefined, counts: new Map([[rejection, 1]]) },
      '',
    );
    const rejected = [{ ...rejection, count: 1, examples: [] }];
    this.#refuse(
      tried,
      { outcome: 'unschedulable', rejected, message },
      new Set([rejection.plugin]),
      undefined,
    );
  }

  #refuse(
    tried: QueuedPod,
    attempt: Unschedulable,
    refusedBy: ReadonlySet<string>,
    nominatedNodeName: FailureReport['nominatedNodeName'],
  ): void {
    this.#record(tried, attempt);
    this.#deps.queue.giveBack(tried, refusedBy);
    this.#deps.reports.failed(tried.pod, {
      reason: 'Unschedulable',
      message: attempt.message,
      nominatedNodeName,
    });
  }

  #failWithError(tried: QueuedPod, message: string): void {
    this.#record(tried, { outcome: 'error', message });
    this.#deps.queue.retryLater(tried);
    this.#deps.reports.failed(tried.pod, { reason: 'SchedulerError', message, nominatedNodeName: undefined });
  }

  #giveUpPlaceOn(nodeName: string, profile: Profile, context: PodContext): void {
    const row = this.#deps.state.nodes.rowOf(nodeName);
    if (row !== undefined) {
      this.#giveUpPlace(profile, context, row);
    }
  }

  #giveUpPlace(profile: Profile, context: PodContext, row: number): void {
    const { state, queue } = this.#deps;
    for (const plugin of profile.plugins.toReversed()) {
      plugin.unreserve?.(context, row);
    }
    state.forget(context.pod.metadata.uid);
    queue.onEvent({ kind: 'AssignedPodDelete', pod: context.pod });
  }

  #record(tried: QueuedPod, outcome: AttemptOutcome): void {
    const { decisions, clock, state } = this.#deps;
    decisions.add(objectKey(tried.pod), {
      atMs: clock.nowMs(),
      attempt: tried.attempts,
      nodeCount: state.nodes.nodeCount,
      ...outcome,
    });
  }
}

function reserveAll(plugins: readonly Plugin[], context: PodContext, row: number): Rejection | undefined {
  for (const plugin of plugins) {
    const rejection = plugin.reserve?.(context, row);
    if (rejection !== undefined) {
      return rejection;
    }
  }
  return undefined;
}

function permitAll(
  plugins: readonly Plugin[],
  context: PodContext,
  row: number,
  permits: PermitOutcome[],
): Rejection | undefined {
  for (const plugin of plugins) {
    const outcome = plugin.permit?.(context, row);
    if (outcome?.kind === 'reject') {
      return outcome.rejection;
    }
    if (outcome !== undefined) {
      permits.push(outcome);
    }
  }
  return undefined;
}
