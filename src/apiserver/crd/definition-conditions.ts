import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
} from '#api/types/apiextensions.v1.ts';

type Conditions = readonly CustomResourceDefinitionCondition[];

export function isConditionTrue({ status }: CustomResourceDefinition, type: string): boolean {
  return (status.conditions ?? []).some(
    (condition) => condition.type === type && condition.status === 'True',
  );
}

/** The list with one condition set; its time moves only when its status does. */
export function withCondition(
  conditions: Conditions,
  next: Omit<CustomResourceDefinitionCondition, 'lastTransitionTime'>,
  time: string,
): Conditions {
  const known = conditions.find(({ type }) => type === next.type);
  const lastTransitionTime = known?.status === next.status ? (known.lastTransitionTime ?? time) : time;
  const { type, status, reason, message } = next;
  const full = {
    type,
    status,
    lastTransitionTime,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
  return known === undefined
    ? [...conditions, full]
    : conditions.map((condition) => (condition === known ? full : condition));
}
