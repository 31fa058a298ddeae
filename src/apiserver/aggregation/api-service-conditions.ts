import type { APIService, APIServiceCondition } from '#api/types/apiregistration.v1.ts';

export type Availability = Pick<APIServiceCondition, 'status' | 'reason' | 'message'>;

const AVAILABLE = 'Available';

/** What every APIService says whose group this server answers itself. */
export const LOCAL: Availability = {
  status: 'True',
  reason: 'Local',
  message: 'Local APIServices are always available',
};

export function availabilityOf({ status }: APIService): APIServiceCondition | undefined {
  return (status.conditions ?? []).find(({ type }) => type === AVAILABLE);
}

export function isAvailable(service: APIService): boolean {
  return availabilityOf(service)?.status === 'True';
}

/** The status with what was found; its time moves only when the status does. */
export function withAvailability(
  status: APIService['status'],
  found: Availability,
  time: string,
): APIService['status'] {
  const known = (status.conditions ?? []).find(({ type }) => type === AVAILABLE);
  const lastTransitionTime = known?.status === found.status ? (known.lastTransitionTime ?? time) : time;
  const { status: value, reason, message } = found;
  const condition = { type: AVAILABLE, status: value, lastTransitionTime, reason, message };
  const others = (status.conditions ?? []).filter(({ type }) => type !== AVAILABLE);
  return { ...status, conditions: [...others, condition] as readonly APIServiceCondition[] };
}
