import { podResources } from '../quota/pod-resources.ts';
import type { Pod, ResourceList, ResourceRequirements } from '../types/core.v1.ts';
import { change, fill } from './fill.ts';

const HUGE_PAGES = 'hugepages-';

/** Requests and limits of a pod as a whole that says some of them: the rest comes from its containers. */
export function defaultPodResources(pod: Pod, resources: ResourceRequirements): ResourceRequirements {
  const hugePages = hugePageLimits(pod, resources);
  const limits = hugePages === undefined ? resources.limits : fill(resources.limits ?? {}, hugePages);
  if (limits === undefined) {
    return resources;
  }
  const ofContainers = pick(ofContainersOf(pod, 'requests'), isShared);
  const supported = pick(limits, (name) => isShared(name) || name.startsWith(HUGE_PAGES));
  const requests = fill(fill(resources.requests ?? {}, ofContainers), supported);
  return change(resources, {
    limits,
    requests: Object.keys(requests).length === 0 ? resources.requests : requests,
  });
}

function isShared(name: string): boolean {
  return name === 'cpu' || name === 'memory';
}

/** Pages are limited to what the containers may use together, unless the pod asks for some itself. */
function hugePageLimits(pod: Pod, { requests, limits }: ResourceRequirements): ResourceList | undefined {
  if (requests === undefined && limits === undefined) {
    return undefined;
  }
  const pages = pick(
    ofContainersOf(pod, 'limits'),
    (name) => name.startsWith(HUGE_PAGES) && requests?.[name] === undefined,
  );
  return Object.keys(pages).length === 0 ? undefined : pages;
}

function ofContainersOf({ spec, ...pod }: Pod, which: 'requests' | 'limits'): ResourceList {
  const { resources: _own, overhead: _overhead, ...rest } = spec;
  return podResources({ ...pod, spec: rest }, which);
}

function pick(list: ResourceList, isPicked: (name: string) => boolean): ResourceList {
  return Object.fromEntries(Object.entries(list).filter(([name]) => isPicked(name)));
}
