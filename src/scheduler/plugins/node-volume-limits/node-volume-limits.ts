import type { PersistentVolume } from '#api/types/core.v1.ts';
import type { Plugin, PodContext } from '../../framework/plugin.ts';
import { busy } from '../../framework/rejection.ts';
import { boundVolumesOf, type Volumes } from '../volume-binding/volumes.ts';

const NAME = 'NodeVolumeLimits';
const FULL = busy(NAME, 'node(s) exceed max volume count');

/** A node attaches only as many volumes of a driver as the driver says it can. */
export function nodeVolumeLimits(volumes: Volumes): Plugin {
  return {
    name: NAME,
    filterReach: 'cluster',
    preFilter({ pod, state }) {
      const wanted = handlesByDriver(boundVolumesOf(pod, volumes));
      if (wanted.size === 0) {
        return 'skip';
      }
      return {
        filter: { check: (row) => (isOverLimit(row, wanted, state, volumes) ? FULL : undefined) },
      };
    },
    queueingHints: [
      { events: ['AssignedPodDelete', 'NodeAdd', 'NodeStorageChange', 'ClaimChange', 'VolumeChange'] },
    ],
  };
}

function isOverLimit(
  row: number,
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
  { nodes }: PodContext['state'],
  volumes: Volumes,
): boolean {
  const drivers = volumes.nodeStorage(nodes.nameOf(row))?.spec.drivers ?? [];
  const limits = drivers.flatMap(({ name, allocatable }) =>
    allocatable?.count === undefined ? [] : [{ name, count: allocatable.count }],
  );
  if (!limits.some(({ name }) => wanted.has(name))) {
    return false;
  }
  const attached = handlesByDriver(
    [...(nodes.pods[row] ?? [])].flatMap(({ pod }) => boundVolumesOf(pod, volumes)),
  );
  return limits.some(({ name, count }) => {
    const added = wanted.get(name);
    return added !== undefined && added.union(attached.get(name) ?? new Set()).size > count;
  });
}

/** Volumes count once per node however many pods use them. */
function handlesByDriver(volumes: readonly PersistentVolume[]): ReadonlyMap<string, ReadonlySet<string>> {
  const handles = new Map<string, Set<string>>();
  for (const { spec } of volumes) {
    if (spec.csi !== undefined) {
      const known = handles.get(spec.csi.driver) ?? new Set();
      known.add(spec.csi.volumeHandle);
      handles.set(spec.csi.driver, known);
    }
  }
  return handles;
}
