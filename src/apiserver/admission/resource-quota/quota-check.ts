import type { ApiObject } from '#api/object.ts';
import { quotaMatches } from '#api/quota/quota-scope.ts';
import { computeUsage, matchingNames, usageOf } from '#api/quota/quota-usage.ts';
import {
  addResources,
  exceededNames,
  excessOf,
  isNegative,
  pickResources,
  type ResourceList,
} from '#api/quota/resource-list.ts';
import type { Pod, ResourceQuota } from '#api/types/core.v1.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { forbid } from '../forbid.ts';

/**
 * Charges a write to the quotas of its namespace: returns them with what they would then have used, the very
 * same objects where nothing changes. Writes nothing.
 *
 * @throws {StatusError} 403 when a quota would be exceeded, or cannot tell
 */
export function chargeQuotas(
  quotas: readonly ResourceQuota[],
  attributes: AdmissionAttributes,
  nowMs: number,
): readonly ResourceQuota[] {
  const { resource, object, oldObject } = attributes;
  if (object === undefined) {
    return quotas;
  }
  const concerned = new Set(quotas.filter((quota) => quotaMatches(quota, resource, object)));
  for (const quota of concerned) {
    checkQuota(quota, attributes, object);
  }
  if (concerned.size === 0) {
    return quotas;
  }
  const usage = usageOf(resource, object, nowMs);
  const negative = Object.keys(usage).filter((name) => isNegative(usage[name] ?? '0'));
  if (negative.length > 0) {
    throw forbid(attributes, `quota usage is negative for resource(s): ${negative.toSorted().join(',')}`);
  }
  const oldUsage = oldObject === undefined ? {} : usageOf(resource, oldObject, nowMs);
  return quotas.map((quota) => {
    if (!concerned.has(quota)) {
      return quota;
    }
    // An object that only now comes under the quota is charged in full.
    const wasCounted = oldObject !== undefined && quotaMatches(quota, resource, oldObject);
    return charge(quota, attributes, excessOf(usage, wasCounted ? oldUsage : {}));
  });
}

function checkQuota(quota: ResourceQuota, attributes: AdmissionAttributes, object: ApiObject): void {
  const { name } = quota.metadata;
  const names = matchingNames(attributes.resource, Object.keys(quota.status.hard ?? {}));
  const unmet = attributes.resource.resource === 'pods' ? missingRequests(object as Pod, names) : undefined;
  if (unmet !== undefined) {
    throw forbid(attributes, `failed quota: ${name}: ${unmet}`);
  }
  if (!names.every((resource) => quota.status.used?.[resource] !== undefined)) {
    throw forbid(attributes, `status unknown for quota: ${name}, resources: ${names.toSorted().join(',')}`);
  }
}

function charge(quota: ResourceQuota, attributes: AdmissionAttributes, usage: ResourceList): ResourceQuota {
  const { hard = {}, used = {} } = quota.status;
  const requested = pickResources(usage, Object.keys(hard));
  if (Object.keys(requested).length === 0) {
    return quota;
  }
  const newUsed = addResources(used, requested);
  const exceeded = exceededNames(pickResources(newUsed, Object.keys(requested)), hard);
  if (exceeded.length > 0) {
    const [asked, had, limit] = [requested, used, hard].map((list) => listed(pickResources(list, exceeded)));
    throw forbid(
      attributes,
      `exceeded quota: ${quota.metadata.name}, requested: ${asked}, used: ${had}, limited: ${limit}`,
    );
  }
  return { ...quota, status: { ...quota.status, used: newUsed } };
}

function listed(list: ResourceList): string {
  return Object.keys(list)
    .toSorted()
    .map((name) => `${name}=${list[name]}`)
    .join(',');
}

/** Under a quota on these every container must say what it wants of them. */
const MUST_SAY: ReadonlySet<string> = new Set([
  'cpu',
  'memory',
  'requests.cpu',
  'requests.memory',
  'limits.cpu',
  'limits.memory',
]);

function missingRequests({ spec }: Pod, names: readonly string[]): string | undefined {
  const wanted = names.filter((name) => MUST_SAY.has(name)).toSorted();
  const problems = wanted.flatMap((name) => {
    const silent = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].filter(
      ({ resources }) => computeUsage(resources.requests ?? {}, resources.limits ?? {})[name] === undefined,
    );
    const containers = silent.map((container) => container.name).toSorted();
    return containers.length === 0 ? [] : [`${name} for: ${containers.join(',')}`];
  });
  return problems.length === 0 ? undefined : `must specify ${problems.join('; ')}`;
}
