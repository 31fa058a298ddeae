import type { Node, Pod } from '#api/types/core.v1.ts';

/** A change of the cluster that may make room for a pod that found none. */
export type ClusterEvent =
  | { readonly kind: 'NodeAdd'; readonly node: Node }
  | { readonly kind: 'NodeAllocatableUpdate'; readonly node: Node }
  | { readonly kind: 'NodeLabelUpdate'; readonly node: Node }
  /** Taints, or cordoned and uncordoned. */
  | { readonly kind: 'NodeTaintUpdate'; readonly node: Node }
  | { readonly kind: 'NodeDelete'; readonly node: Node }
  /** A pod was bound, by this scheduler or another. */
  | { readonly kind: 'AssignedPodAdd'; readonly pod: Pod }
  | { readonly kind: 'AssignedPodLabelUpdate'; readonly pod: Pod }
  /** It asks for less than before. */
  | { readonly kind: 'AssignedPodScaleDown'; readonly pod: Pod }
  /** A bound pod went away or finished. */
  | { readonly kind: 'AssignedPodDelete'; readonly pod: Pod }
  /** The waiting pod itself was changed. */
  | { readonly kind: 'PodUpdate'; readonly pod: Pod }
  | { readonly kind: 'ClaimChange'; readonly key: string }
  | { readonly kind: 'VolumeChange' }
  | { readonly kind: 'StorageClassChange' }
  | { readonly kind: 'NodeStorageChange' }
  | { readonly kind: 'NamespaceLabelUpdate' };
