import { NO_PROVISIONER, SELECTED_NODE } from '#api/volume-annotations.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '#api/types/core.v1.ts';
import type { StorageClass } from '#api/types/storage.v1.ts';
import { bySize, isVolumeFor } from '#api/volume-matching.ts';
import { compileNodeSelector, type NodeMatcher } from '../../state/node-selector.ts';
import type { Volumes } from './volumes.ts';

interface Candidate {
  readonly volume: PersistentVolume;
  readonly reaches: NodeMatcher | undefined;
}

/** A claim that is bound when its first pod has a node, with the volumes it may have, smallest first. */
export interface DelayedClaim {
  readonly claim: PersistentVolumeClaim;
  readonly candidates: readonly Candidate[];
  /** Nodes for which a volume can be made; undefined when none is made. */
  readonly makesFor: NodeMatcher | 'any' | undefined;
}

/** What binding a pod's claims on one node takes. */
export interface VolumePlan {
  readonly bindings: readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }[];
  /** Claims for which a volume has to be made. */
  readonly orders: readonly PersistentVolumeClaim[];
}

export function delayedClaim(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  volumes: Volumes,
): DelayedClaim {
  const candidates = volumes
    .ofClass(storageClass.metadata.name)
    .filter((volume) => isVolumeFor(volume, claim))
    .toSorted(bySize)
    .map((volume) => ({ volume, reaches: affinityOf(volume) }));
  return { claim, candidates, makesFor: makesFor(storageClass) };
}

export function affinityOf({ spec }: PersistentVolume): NodeMatcher | undefined {
  const required = spec.nodeAffinity?.required;
  return required === undefined ? undefined : compileNodeSelector(required);
}

function makesFor({ provisioner, allowedTopologies = [] }: StorageClass): DelayedClaim['makesFor'] {
  if (provisioner === NO_PROVISIONER || provisioner === '') {
    return undefined;
  }
  if (allowedTopologies.length === 0) {
    return 'any';
  }
  return (node) =>
    allowedTopologies.some(({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.every(({ key, values }) => values.includes(node.metadata.labels?.[key] ?? '')),
    );
}

/**
 * How the claims could be bound on a node; undefined when they cannot.
 *
 * @param taken names of volumes that pods on their way to other nodes are about to have
 */
export function planVolumes(
  node: Node,
  claims: readonly DelayedClaim[],
  taken: ReadonlySet<string>,
): VolumePlan | undefined {
  const bindings: VolumePlan['bindings'][number][] = [];
  const orders: PersistentVolumeClaim[] = [];
  const used = new Set<string>();
  for (const { claim, candidates, makesFor: makes } of claims) {
    const selected = claim.metadata.annotations?.[SELECTED_NODE] ?? '';
    if (selected !== '') {
      // Its volume is being made for that node already.
      if (selected !== node.metadata.name) {
        return undefined;
      }
      orders.push(claim);
      continue;
    }
    const found = candidates.find(
      ({ volume, reaches }) =>
        !taken.has(volume.metadata.name) &&
        !used.has(volume.metadata.name) &&
        (reaches === undefined || reaches(node)),
    );
    if (found !== undefined) {
      used.add(found.volume.metadata.name);
      bindings.push({ claim, volume: found.volume });
    } else if (makes === 'any' || makes?.(node) === true) {
      orders.push(claim);
    } else {
      return undefined;
    }
  }
  return { bindings, orders };
}
