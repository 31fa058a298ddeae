import type { Container, Pod } from '../types/core.v1.ts';
import { addResources as add, maxResources as max, type ResourceList } from './resource-list.ts';

/** What a pod needs at its busiest, requests or limits. */
export function podResources(pod: Pod, which: 'requests' | 'limits'): ResourceList {
  const { spec } = pod;
  const ofPod = spec.resources?.[which] ?? {};
  const running = (spec.containers ?? []).reduce((sum, container) => add(sum, listOf(container, which)), {});
  const peak = withInitContainers(running, spec.initContainers ?? [], which);
  // What is said for the pod as a whole stands for all its containers.
  const total = { ...peak, ...ofPod };
  return spec.overhead === undefined || (which === 'limits' && Object.keys(total).length === 0)
    ? total
    : addOverhead(total, spec.overhead, which);
}

function listOf(container: Pick<Container, 'resources'>, which: 'requests' | 'limits'): ResourceList {
  return container.resources[which] ?? {};
}

/** Init containers run one after another before the others; those that keep running (sidecars) add up. */
function withInitContainers(
  running: ResourceList,
  initContainers: readonly Container[],
  which: 'requests' | 'limits',
): ResourceList {
  let sidecars: ResourceList = {};
  let peak: ResourceList = {};
  for (const container of initContainers) {
    const own = listOf(container, which);
    if (container.restartPolicy === 'Always') {
      sidecars = add(sidecars, own);
      peak = max(peak, sidecars);
    } else {
      peak = max(peak, add(sidecars, own));
    }
  }
  return max(add(running, sidecars), peak);
}

/** A limit that is not set is none, so overhead only adds to limits that are. */
function addOverhead(
  total: ResourceList,
  overhead: ResourceList,
  which: 'requests' | 'limits',
): ResourceList {
  const counted =
    which === 'requests'
      ? overhead
      : Object.fromEntries(Object.entries(overhead).filter(([name]) => total[name] !== undefined));
  return add(total, counted);
}
