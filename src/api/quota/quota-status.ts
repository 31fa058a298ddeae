import type { ApiObject } from '../object.ts';
import type { ResourceQuota, ResourceQuotaStatus } from '../types/core.v1.ts';
import { quotaMatches } from './quota-scope.ts';
import { matchingNames, usageOf } from './quota-usage.ts';
import { addResources, equalResources, pickResources, type ResourceList } from './resource-list.ts';

/** What a quota counts objects of. */
export type CountedResource = { readonly group: string; readonly resource: string };

/** True when the quota has a bound on something that objects of the resource use. */
export function concernsResource(quota: ResourceQuota, resource: CountedResource): boolean {
  return matchingNames(resource, Object.keys(quota.spec.hard ?? {})).length > 0;
}

/**
 * The status a quota should have, measured over everything in its namespace.
 *
 * @param objects all objects of the resources that the quota concerns
 */
export function measuredStatus(
  quota: ResourceQuota,
  objects: Iterable<readonly [CountedResource, ApiObject]>,
  nowMs: number,
): ResourceQuotaStatus {
  const hard = quota.spec.hard ?? {};
  const names = Object.keys(hard);
  // Scopes are judged by the bounds that hold now, not by those written down last.
  const current: ResourceQuota = { ...quota, status: { hard } };
  let used: ResourceList = Object.fromEntries(names.map((name) => [name, '0']));
  for (const [resource, object] of objects) {
    if (quotaMatches(current, resource, object)) {
      used = addResources(used, pickResources(usageOf(resource, object, nowMs), names));
    }
  }
  return { hard, used };
}

/** True when the quota shows what was measured, however the quantities are written. */
export function isStatusCurrent({ status }: ResourceQuota, measured: ResourceQuotaStatus): boolean {
  return (
    equalResources(status.hard ?? {}, measured.hard ?? {}) &&
    equalResources(status.used ?? {}, measured.used ?? {})
  );
}
