import type { Plugin } from '../../framework/plugin.ts';
import { busy } from '../../framework/rejection.ts';
import { claimNamesOf } from '../../state/claim-use.ts';
import type { Volumes } from '../volume-binding/volumes.ts';

const NAME = 'VolumeRestrictions';
const IN_USE = busy(
  NAME,
  'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode',
);

/** A claim that one pod alone may use keeps others waiting, wherever that pod runs. */
export function volumeRestrictions(volumes: Volumes): Plugin {
  return {
    name: NAME,
    filterReach: 'cluster',
    preFilter({ pod, state: { claims } }) {
      const exclusive = claimNamesOf(pod.metadata.name, pod.spec)
        .map((name) => `${pod.metadata.namespace}/${name}`)
        .filter((key) => volumes.claim(key)?.spec.accessModes?.includes('ReadWriteOncePod') === true);
      if (exclusive.length === 0) {
        return 'skip';
      }
      return {
        // Asked per node and anew each time, so that removing the other pod can be tried out.
        filter: { check: () => (exclusive.some((key) => claims.users(key).size > 0) ? IN_USE : undefined) },
      };
    },
    queueingHints: [
      {
        events: ['AssignedPodDelete'],
        mayHelp(pod, event) {
          const own = new Set(claimNamesOf(pod.metadata.name, pod.spec));
          return (
            event.kind === 'AssignedPodDelete' &&
            event.pod.metadata.namespace === pod.metadata.namespace &&
            claimNamesOf(event.pod.metadata.name, event.pod.spec).some((name) => own.has(name))
          );
        },
      },
      { events: ['ClaimChange'] },
    ],
  };
}
