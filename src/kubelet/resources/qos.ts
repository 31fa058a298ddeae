import { quantityToMillis, quantityToNumber } from '#api/quantity.ts';
import type { Pod, PodQOSClass, ResourceList, ResourceRequirements } from '#api/types/core.v1.ts';
import { isSidecar, roleOf, type AnyContainer } from '../pod/pod-containers.ts';

/** The class of service of a pod: the server set it at creation; worked out for a pod from elsewhere. */
export function qosClassOf(pod: Pod): PodQOSClass {
  return pod.status.qosClass ?? computeQosClass(pod);
}

export function computeQosClass({ spec }: Pod): PodQOSClass {
  const all = [...(spec.initContainers ?? []), ...spec.containers].map(({ resources }) => resources);
  const isAnySet = all.some((resources) =>
    ['cpu', 'memory'].some((name) => requestOf(resources, name) !== undefined),
  );
  if (!isAnySet) {
    return 'BestEffort';
  }
  const isGuaranteed = all.every((resources) =>
    ['cpu', 'memory'].every((name) => {
      const limit = positive(resources.limits, name);
      return (
        limit !== undefined && quantityToMillis(requestOf(resources, name) ?? '0') === quantityToMillis(limit)
      );
    }),
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

/** A request; the limit stands in for one that was left out. */
export function requestOf(resources: ResourceRequirements, name: string): string | undefined {
  return positive(resources.requests, name) ?? positive(resources.limits, name);
}

function positive(list: ResourceList | undefined, name: string): string | undefined {
  const quantity = list?.[name];
  return quantity === undefined || quantityToMillis(quantity) <= 0 ? undefined : quantity;
}

const CRITICAL_PRIORITY = 2_000_000_000;
const GUARANTEED_SCORE = -997;
const BEST_EFFORT_SCORE = 1000;

/** Who dies first when memory runs out: the more of the node a container asked for, the later. */
export function oomScoreAdj(pod: Pod, container: AnyContainer, memoryCapacityBytes: number): number {
  if ((pod.spec.priority ?? 0) >= CRITICAL_PRIORITY) {
    return GUARANTEED_SCORE;
  }
  switch (qosClassOf(pod)) {
    case 'Guaranteed':
      return GUARANTEED_SCORE;
    case 'BestEffort':
      return BEST_EFFORT_SCORE;
    case 'Burstable':
      break;
  }
  const requestScore = (bytes: number): number => 1000 - Math.floor((1000 * bytes) / memoryCapacityBytes);
  let score = requestScore(quantityToNumber(requestOf(container.resources, 'memory') ?? '0'));
  if (roleOf(pod, container.name) === 'sidecar') {
    // A sidecar goes no earlier than the containers it serves.
    const least = Math.min(
      ...pod.spec.containers.map(({ resources }) => quantityToNumber(requestOf(resources, 'memory') ?? '0')),
    );
    score = Math.min(score, requestScore(least));
  }
  if (score < 1000 + GUARANTEED_SCORE) {
    return 1000 + GUARANTEED_SCORE;
  }
  return score === BEST_EFFORT_SCORE ? score - 1 : score;
}

/** What the whole pod asks for: the containers together, or the largest init container where that is more. */
export function podTotal(
  { spec }: Pod,
  amountOf: (resources: ResourceRequirements) => number,
  overhead: (list: ResourceList) => number,
): number {
  let sidecars = 0;
  let initPeak = 0;
  for (const container of spec.initContainers ?? []) {
    const amount = amountOf(container.resources);
    if (isSidecar(container)) {
      sidecars += amount;
      initPeak = Math.max(initPeak, sidecars);
    } else {
      initPeak = Math.max(initPeak, sidecars + amount);
    }
  }
  let sum = sidecars;
  for (const { resources } of spec.containers) {
    sum += amountOf(resources);
  }
  return Math.max(sum, initPeak) + (spec.overhead === undefined ? 0 : overhead(spec.overhead));
}
