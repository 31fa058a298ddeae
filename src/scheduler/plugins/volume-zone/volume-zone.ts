import type { Plugin } from '../../framework/plugin.ts';
import { unfit } from '../../framework/rejection.ts';
import { NO_LABELS } from '../../state/selectors.ts';
import { boundVolumesOf, type Volumes } from '../volume-binding/volumes.ts';

const NAME = 'VolumeZone';
const OTHER_ZONE = unfit(NAME, 'node(s) had no available volume zone');

const ZONE_LABELS = [
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
];
/** A volume in several zones names them all in one label. */
const ZONE_SEPARATOR = '__';

/** Keeps a pod in the zones of its volumes, as far as their labels tell. */
export function volumeZone(volumes: Volumes): Plugin {
  return {
    name: NAME,
    filterReach: 'cluster',
    preFilter({ pod, state: { nodes } }) {
      const wanted = boundVolumesOf(pod, volumes).flatMap(({ metadata }) =>
        ZONE_LABELS.flatMap((key) => {
          const zones = metadata.labels?.[key];
          return zones === undefined ? [] : [{ key, zones: new Set(zones.split(ZONE_SEPARATOR)) }];
        }),
      );
      if (wanted.length === 0) {
        return 'skip';
      }
      return {
        filter: {
          check(row) {
            const labels = nodes.nodes[row]?.metadata.labels ?? NO_LABELS;
            const isZoned = ZONE_LABELS.some((key) => labels[key] !== undefined);
            const isThere = wanted.every(({ key, zones }) => zones.has(labels[key] ?? ''));
            return !isZoned || isThere ? undefined : OTHER_ZONE;
          },
        },
      };
    },
    queueingHints: [
      { events: ['NodeAdd', 'NodeLabelUpdate', 'ClaimChange', 'VolumeChange', 'StorageClassChange'] },
    ],
  };
}
