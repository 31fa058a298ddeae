import { formatTime } from '#api/time.ts';
import type { Pod, PodCondition } from '#api/types/core.v1.ts';
import type { EventRecorder, EventTarget } from '#client/event-recorder.ts';
import type { Clock } from '#base/clock.ts';
import type { StatusWriter } from './status-writer.ts';

export interface PodReportsDeps {
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly statuses: Pick<StatusWriter, 'write'>;
}

export interface FailureReport {
  readonly reason: 'Unschedulable' | 'SchedulerError';
  readonly message: string;
  /** Undefined leaves the pod's nomination as it is; empty takes it back. */
  readonly nominatedNodeName: string | undefined;
}

/** Tells users how scheduling went: events, the `PodScheduled` condition and the nominated node. */
export class PodReports {
  readonly #deps: PodReportsDeps;

  constructor(deps: PodReportsDeps) {
    this.#deps = deps;
  }

  scheduled(pod: Pod, nodeName: string): void {
    const { namespace, name } = pod.metadata;
    this.#deps.events.event(
      ofItsScheduler(pod),
      'Normal',
      'Scheduled',
      `Successfully assigned ${namespace}/${name} to ${nodeName}`,
    );
  }

  failed(pod: Pod, report: FailureReport): void {
    this.#deps.events.event(ofItsScheduler(pod), 'Warning', 'FailedScheduling', report.message);
    this.#writeStatus(pod, report);
  }

  skippedDeleting(pod: Pod): void {
    const { namespace, name } = pod.metadata;
    this.#deps.events.event(
      ofItsScheduler(pod),
      'Warning',
      'FailedScheduling',
      `skip schedule deleting pod: ${namespace}/${name}`,
    );
  }

  /** Takes back the promise of a node, in the API. */
  clearNomination(pod: Pod): void {
    if ((pod.status.nominatedNodeName ?? '') !== '') {
      this.#deps.statuses.write(pod, { nominatedNodeName: '' });
    }
  }

  /** Writes only what differs, so that a pod that keeps failing alike costs no writes. */
  #writeStatus(pod: Pod, { reason, message, nominatedNodeName }: FailureReport): void {
    const previous = pod.status.conditions?.find(({ type }) => type === 'PodScheduled');
    const isConditionSame =
      previous?.status === 'False' && previous.reason === reason && previous.message === message;
    const isNominationSame =
      nominatedNodeName === undefined || nominatedNodeName === (pod.status.nominatedNodeName ?? '');
    if (isConditionSame && isNominationSame) {
      return;
    }
    const now = formatTime(this.#deps.clock.nowMs());
    const condition: PodCondition = {
      type: 'PodScheduled',
      status: 'False',
      reason,
      message,
      lastTransitionTime: previous?.status === 'False' ? (previous.lastTransitionTime ?? now) : now,
      ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    };
    this.#deps.statuses.write(pod, {
      ...(isConditionSame ? {} : { conditions: [condition] }),
      ...(isNominationSame ? {} : { nominatedNodeName }),
    });
  }
}

/** Events come from the profile that the pod asked for. */
function ofItsScheduler(pod: Pod): EventTarget {
  const { schedulerName } = pod.spec;
  return { object: pod, ...(schedulerName === undefined ? {} : { component: schedulerName }) };
}
