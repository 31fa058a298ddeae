import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#api/types/core.v1.ts';
import type { Plugin, PodContext, PreFilterOutcome } from '../../framework/plugin.ts';
import { unfit, type Rejection } from '../../framework/rejection.ts';
import { claimNamesOf } from '../../state/claim-use.ts';
import { compileNodeSelector, type NodeMatcher } from '../../state/node-selector.ts';
import type { Volumes } from './volumes.ts';

const NAME = 'VolumeBinding';
const ELSEWHERE = unfit(NAME, "node(s) didn't match PersistentVolume's node affinity");
const NOTHING_TO_BIND = unfit(NAME, "node(s) didn't find available persistent volumes to bind");
const VOLUME_GONE = unfit(NAME, 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)');
const UNBOUND = unfit(NAME, 'pod has unbound immediate PersistentVolumeClaims');

/** A pod goes where its bound volumes can be reached. Claims that wait for their first consumer keep it waiting. */
export function volumeBinding(volumes: Volumes): Plugin {
  return {
    name: NAME,
    filterReach: 'cluster',
    preFilter: (context) => prepare(context, volumes),
    queueingHints: [
      {
        events: ['ClaimChange'],
        mayHelp: ({ metadata, spec }, event) =>
          event.kind === 'ClaimChange' &&
          claimNamesOf(metadata.name, spec).some((name) => event.key === `${metadata.namespace}/${name}`),
      },
      { events: ['VolumeChange', 'StorageClassChange', 'NodeAdd', 'NodeLabelUpdate'] },
    ],
  };
}

function prepare({ pod, state: { nodes } }: PodContext, volumes: Volumes): PreFilterOutcome {
  const names = claimNamesOf(pod.metadata.name, pod.spec);
  if (names.length === 0) {
    return 'skip';
  }
  const reachable: NodeMatcher[] = [];
  let everywhere: Rejection | undefined;
  for (const name of names) {
    const claim = volumes.claim(`${pod.metadata.namespace}/${name}`);
    const problem = claimProblem(pod, name, claim);
    if (problem !== undefined || claim === undefined) {
      return { rejection: unfit(NAME, problem ?? '') };
    }
    const found = volumeOf(claim, volumes);
    if ('reasons' in found) {
      if (found === UNBOUND) {
        return { rejection: found };
      }
      everywhere ??= found;
    } else if (found.spec.nodeAffinity?.required !== undefined) {
      reachable.push(compileNodeSelector(found.spec.nodeAffinity.required));
    }
  }
  return {
    filter: {
      check(row) {
        const node = nodes.nodes[row];
        const isReachable = node !== undefined && reachable.every((matches) => matches(node));
        return isReachable ? everywhere : ELSEWHERE;
      },
    },
  };
}

function claimProblem(pod: Pod, name: string, claim: PersistentVolumeClaim | undefined): string | undefined {
  const isEphemeral = (pod.spec.volumes ?? []).some(
    (volume) => volume.ephemeral !== undefined && `${pod.metadata.name}-${volume.name}` === name,
  );
  if (claim === undefined) {
    return isEphemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
      : `persistentvolumeclaim "${name}" not found`;
  }
  if (claim.status.phase === 'Lost') {
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName ?? ''}"`;
  }
  if (claim.metadata.deletionTimestamp !== undefined) {
    return `persistentvolumeclaim "${name}" is being deleted`;
  }
  const isOwned = claim.metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid) ?? false;
  return isEphemeral && !isOwned
    ? `PVC ${pod.metadata.namespace}/${name} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`
    : undefined;
}

const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';

function volumeOf({ metadata, spec }: PersistentVolumeClaim, volumes: Volumes): PersistentVolume | Rejection {
  const volumeName = spec.volumeName ?? '';
  if (volumeName !== '' && metadata.annotations?.[BIND_COMPLETED] !== undefined) {
    return volumes.volume(volumeName) ?? VOLUME_GONE;
  }
  const storageClass = volumes.storageClass(spec.storageClassName ?? '');
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer' ? NOTHING_TO_BIND : UNBOUND;
}
