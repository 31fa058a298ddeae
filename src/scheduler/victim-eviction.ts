import { formatTime } from '#api/time.ts';
import type { Pod, PodCondition } from '#api/types/core.v1.ts';
import { POD } from '#api/types/resources.ts';
import { isNotFound } from '#api/status-error.ts';
import type { Clock } from '#base/clock.ts';
import type { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/event-recorder.ts';

export interface VictimEvictionDeps {
  readonly client: Client;
  readonly events: EventRecorder;
  readonly clock: Clock;
}

/**
 * Removes a pod to make room for another: says why in a condition first, then deletes it with its grace period.
 *
 * @throws {StatusError} when the pod is still there and could not be deleted
 */
export async function evictVictim(
  { client, events, clock }: VictimEvictionDeps,
  victim: Pod,
  { preemptor, nodeName }: { readonly preemptor: Pod; readonly nodeName: string },
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, uid } = victim.metadata;
  const pods = client.of(POD);
  const condition: PodCondition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'PreemptionByScheduler',
    message: `${preemptor.spec.schedulerName ?? 'default-scheduler'}: preempting to accommodate a higher priority pod`,
    lastTransitionTime: formatTime(clock.nowMs()),
  };
  try {
    if (victim.metadata.deletionTimestamp === undefined) {
      await pods.patch(
        namespace,
        name,
        { metadata: { uid }, status: { conditions: [condition] } },
        { type: 'strategic', subresource: 'status' },
        signal,
      );
      await pods.delete(namespace, name, { preconditions: { uid } }, signal);
    }
  } catch (error) {
    if (!isNotFound(error)) {
      throw error;
    }
  }
  events.event(
    { object: victim, component: preemptor.spec.schedulerName ?? 'default-scheduler' },
    'Normal',
    'Preempted',
    `Preempted by pod ${preemptor.metadata.uid} on node ${nodeName}`,
  );
}
