import type { Pod } from '#api/types/core.v1.ts';
import type { PodShape } from './pod-shape.ts';

/** A pod that counts on a node. */
export interface PlacedPod {
  readonly key: string;
  readonly uid: string;
  /** The newest state seen; for an assumed pod the one before its binding. */
  pod: Pod;
  readonly shape: PodShape;
  readonly row: number;
  /** True from the decision until the informer shows the binding. */
  isAssumed: boolean;
  /** Has a deletion time: spread does not count it any more, resources and affinity do. */
  readonly isTerminating: boolean;
}
