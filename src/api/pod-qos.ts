import type { PodQOSClass, PodSpec, ResourceRequirements } from './types/core.v1.ts';
import { quantityToMillis } from './quantity.ts';

const QOS_RESOURCES = ['cpu', 'memory'] as const;

/**
 * How a pod stands when its node runs short: Guaranteed when every container's requests equal its limits
 * for cpu and memory, BestEffort when none asks for anything, Burstable otherwise.
 */
export function podQosClass(spec: PodSpec): PodQOSClass {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const all: readonly ResourceRequirements[] =
    spec.resources === undefined ? containers.map(({ resources }) => resources) : [spec.resources];
  if (
    all.every((resources) =>
      QOS_RESOURCES.every((name) => !isSet(resources.requests, name) && !isSet(resources.limits, name)),
    )
  ) {
    return 'BestEffort';
  }
  return all.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

function isGuaranteed({ requests, limits }: ResourceRequirements): boolean {
  return QOS_RESOURCES.every((name) => {
    const limit = limits?.[name];
    const request = requests?.[name] ?? limit;
    return (
      isSet(limits, name) &&
      limit !== undefined &&
      request !== undefined &&
      quantityToMillis(limit) === quantityToMillis(request)
    );
  });
}

function isSet(list: ResourceRequirements['limits'], name: string): boolean {
  const value = list?.[name];
  return value !== undefined && quantityToMillis(value) > 0;
}
