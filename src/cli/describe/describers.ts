import type { ApiResource } from '../discovery.ts';
import {
  describeConfigMap,
  describeNamespace,
  describeQuota,
  describeSecret,
  describeServiceAccount,
} from './configuration.ts';
import type { Describer } from './describe-context.ts';
import { describeGeneric } from './generic.ts';
import { describeNode } from './node.ts';
import { describePod } from './pod.ts';
import { describeService } from './service.ts';
import {
  describeDaemonSet,
  describeDeployment,
  describeJob,
  describeReplicaSet,
  describeStatefulSet,
} from './workloads.ts';

const DESCRIBERS: Readonly<Record<string, Describer>> = {
  '/ConfigMap': describeConfigMap,
  '/Namespace': describeNamespace,
  '/Node': describeNode,
  '/Pod': describePod,
  '/ReplicationController': describeReplicaSet,
  '/ResourceQuota': describeQuota,
  '/Secret': describeSecret,
  '/Service': describeService,
  '/ServiceAccount': describeServiceAccount,
  'apps/DaemonSet': describeDaemonSet,
  'apps/Deployment': describeDeployment,
  'apps/ReplicaSet': describeReplicaSet,
  'apps/StatefulSet': describeStatefulSet,
  'batch/Job': describeJob,
};

/** What describes objects of a kind; kinds without a description of their own are described field by field. */
export function describerOf({ group, kind }: ApiResource): Describer {
  return DESCRIBERS[`${group}/${kind}`] ?? describeGeneric;
}
