import { labelSelectorFromObject, type LabelSelector } from '#api/label-selector.ts';
import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import type { ReplicaSet, ReplicaSetStatus } from '#api/types/apps.v1.ts';
import type { PodTemplateSpec } from '#api/types/core.v1.ts';
import { REPLICA_SET } from '#api/types/resources.ts';

/** What a kind of replicated pods has in common with a ReplicaSet. */
export interface ReplicaSetLike extends ApiObject {
  readonly spec: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly template?: PodTemplateSpec;
  };
  readonly status: ReplicaSetStatus;
}

/** How one such kind differs from the others. */
export interface ReplicaKind<T extends ReplicaSetLike> {
  readonly resource: ResourceType<T>;
  /** Name of the queue: `replicaset`. */
  readonly queue: string;
  /** Who its events are from: `replicaset-controller`. */
  readonly component: string;
  readonly countsTerminating: boolean;
  selectorOf(owner: T): LabelSelector;
}

export const REPLICA_SET_KIND: ReplicaKind<ReplicaSet> = {
  resource: REPLICA_SET,
  queue: 'replicaset',
  component: 'replicaset-controller',
  countsTerminating: true,
  selectorOf: (owner) => labelSelectorFromObject(owner.spec.selector),
};
