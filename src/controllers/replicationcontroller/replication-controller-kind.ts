import { labelSelectorFromSet, NOTHING } from '#api/label-selector.ts';
import type { ReplicationController } from '#api/types/core.v1.ts';
import { REPLICATION_CONTROLLER } from '#api/types/resources.ts';
import type { ReplicaKind } from '../replicaset/replica-kind.ts';

/** A ReplicationController is a ReplicaSet with an equality selector, and runs on the same code. */
export const REPLICATION_CONTROLLER_KIND: ReplicaKind<ReplicationController> = {
  resource: REPLICATION_CONTROLLER,
  queue: 'replicationmanager',
  component: 'replication-controller',
  countsTerminating: false,
  selectorOf: ({ spec }) =>
    Object.keys(spec.selector ?? {}).length === 0 ? NOTHING : labelSelectorFromSet(spec.selector),
};
