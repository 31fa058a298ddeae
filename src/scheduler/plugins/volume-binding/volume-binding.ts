import { BIND_COMPLETED } from '#api/volume-annotations.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#api/types/core.v1.ts';
import type { Plugin, PodContext, PreFilterOutcome } from '../../framework/plugin.ts';
import { unfit, type Rejection } from '../../framework/rejection.ts';
import { claimNamesOf } from '../../state/claim-use.ts';
import type { NodeMatcher } from '../../state/node-selector.ts';
import { affinityOf, delayedClaim, planVolumes, type DelayedClaim } from './delayed-claims.ts';
import type { VolumeBinder } from './volume-binder.ts';
import type { Volumes } from './volumes.ts';

const NAME = 'VolumeBinding';
const ELSEWHERE = unfit(NAME, "node(s) didn't match PersistentVolume's node affinity");
const NOTHING_TO_BIND = unfit(NAME, "node(s) didn't find available persistent volumes to bind");
const VOLUME_GONE = unfit(NAME, 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)');
const UNBOUND = unfit(NAME, 'pod has unbound immediate PersistentVolumeClaims');

/**
 * A pod goes where its bound volumes can be reached, and where volumes can be found or made for claims that wait for
 * their first consumer.
 */
export function volumeBinding(volumes: Volumes, binder: VolumeBinder): Plugin {
  return {
    name: NAME,
    filterReach: 'cluster',
    preFilter: (context) => prepare(context, volumes, binder.taken),
    reserve: (context, row) => {
      const node = context.state.nodes.nodes[row];
      const claims = delayedClaimsOf(context.pod, volumes);
      if (claims.length === 0 || node === undefined) {
        return undefined;
      }
      const plan = planVolumes(node, claims, binder.taken);
      if (plan === undefined) {
        return NOTHING_TO_BIND;
      }
      binder.reserve(context.pod, plan);
      return undefined;
    },
    unreserve: ({ pod }) => binder.release(pod),
    preBind: (pod, nodeName, signal) => binder.bind(pod, nodeName, signal),
    postBind: (pod) => binder.release(pod),
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

function prepare(
  { pod, state: { nodes } }: PodContext,
  volumes: Volumes,
  taken: ReadonlySet<string>,
): PreFilterOutcome {
  const names = claimNamesOf(pod.metadata.name, pod.spec);
  if (names.length === 0) {
    return 'skip';
  }
  const reachable: NodeMatcher[] = [];
  const delayed: DelayedClaim[] = [];
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
    } else if ('candidates' in found) {
      delayed.push(found);
    } else {
      const affinity = affinityOf(found);
      if (affinity !== undefined) {
        reachable.push(affinity);
      }
    }
  }
  return {
    filter: {
      check(row) {
        const node = nodes.nodes[row];
        if (node === undefined || !reachable.every((matches) => matches(node))) {
          return ELSEWHERE;
        }
        const isPlanned = delayed.length === 0 || planVolumes(node, delayed, taken) !== undefined;
        return everywhere ?? (isPlanned ? undefined : NOTHING_TO_BIND);
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

/** The claims of a pod that are bound once it has a node. */
function delayedClaimsOf({ metadata, spec }: Pod, volumes: Volumes): readonly DelayedClaim[] {
  return claimNamesOf(metadata.name, spec).flatMap((name) => {
    const claim = volumes.claim(`${metadata.namespace}/${name}`);
    const found = claim === undefined ? undefined : volumeOf(claim, volumes);
    return found !== undefined && 'candidates' in found ? [found] : [];
  });
}

function volumeOf(
  claim: PersistentVolumeClaim,
  volumes: Volumes,
): PersistentVolume | DelayedClaim | Rejection {
  const { metadata, spec } = claim;
  const volumeName = spec.volumeName ?? '';
  if (volumeName !== '' && metadata.annotations?.[BIND_COMPLETED] !== undefined) {
    return volumes.volume(volumeName) ?? VOLUME_GONE;
  }
  const storageClass = volumes.storageClass(spec.storageClassName ?? '');
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && volumeName === ''
    ? delayedClaim(claim, storageClass, volumes)
    : UNBOUND;
}
