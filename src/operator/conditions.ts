import type { Condition } from '#api/types/meta.v1.ts';
import { formatTime } from '#api/time.ts';

/**
 * The conditions with one of them set anew. Its time of transition moves only when its status does, so setting
 * what already holds changes nothing.
 */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: Omit<Condition, 'lastTransitionTime'>,
  now: Date,
): readonly Condition[] {
  const present = conditions ?? [];
  const previous = present.find(({ type }) => type === next.type);
  const hasTurned = previous?.status !== next.status;
  const condition: Condition = {
    ...next,
    lastTransitionTime: hasTurned ? formatTime(now.getTime()) : previous.lastTransitionTime,
  };
  return previous === undefined
    ? [...present, condition]
    : present.map((each) => (each.type === next.type ? condition : each));
}

/** Whether a condition holds: its status is `True`. */
export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
}
