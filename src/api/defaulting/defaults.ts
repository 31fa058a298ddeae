import type { GroupVersionKind } from '../resource-type.ts';
import * as cluster from './cluster-defaults.ts';
import * as core from './core-defaults.ts';
import { defaultResourceClaim, defaultResourceClaimTemplate } from './device-defaults.ts';
import { defaultPod } from './pod-defaults.ts';
import * as workload from './workload-defaults.ts';

/** Fills in what an object of one kind leaves out. Pure; gives the object itself when nothing is missing. */
type Defaulter = (object: object) => object;

/** The table's key names the kind, so each function gets the objects it was written for. */
function defaulter<T extends object>(apply: (object: T) => T): Defaulter {
  return apply as unknown as Defaulter;
}

const DEFAULTERS: ReadonlyMap<string, Defaulter> = new Map([
  ['v1/Pod', defaulter(defaultPod)],
  ['v1/PodTemplate', defaulter(core.defaultPodTemplateObject)],
  ['v1/ReplicationController', defaulter(core.defaultReplicationController)],
  ['v1/Service', defaulter(core.defaultService)],
  ['v1/Secret', defaulter(core.defaultSecret)],
  ['v1/Namespace', defaulter(core.defaultNamespace)],
  ['v1/Node', defaulter(core.defaultNode)],
  ['v1/PersistentVolume', defaulter(core.defaultPersistentVolume)],
  ['v1/PersistentVolumeClaim', defaulter(core.defaultClaim)],
  ['v1/Endpoints', defaulter(core.defaultEndpoints)],
  ['v1/LimitRange', defaulter(core.defaultLimitRange)],
  ['apps/v1/Deployment', defaulter(workload.defaultDeployment)],
  ['apps/v1/ReplicaSet', defaulter(workload.defaultReplicaSet)],
  ['apps/v1/DaemonSet', defaulter(workload.defaultDaemonSet)],
  ['apps/v1/StatefulSet', defaulter(workload.defaultStatefulSet)],
  ['batch/v1/Job', defaulter(workload.defaultJob)],
  ['batch/v1/CronJob', defaulter(workload.defaultCronJob)],
  ['autoscaling/v2/HorizontalPodAutoscaler', defaulter(workload.defaultAutoscaler)],
  ['rbac.authorization.k8s.io/v1/RoleBinding', defaulter(cluster.defaultBinding)],
  ['rbac.authorization.k8s.io/v1/ClusterRoleBinding', defaulter(cluster.defaultBinding)],
  ['networking.k8s.io/v1/NetworkPolicy', defaulter(cluster.defaultNetworkPolicy)],
  ['networking.k8s.io/v1/IngressClass', defaulter(cluster.defaultIngressClass)],
  ['discovery.k8s.io/v1/EndpointSlice', defaulter(cluster.defaultEndpointSlice)],
  ['storage.k8s.io/v1/StorageClass', defaulter(cluster.defaultStorageClass)],
  ['storage.k8s.io/v1/CSIDriver', defaulter(cluster.defaultCsiDriver)],
  ['scheduling.k8s.io/v1/PriorityClass', defaulter(cluster.defaultPriorityClass)],
  ['flowcontrol.apiserver.k8s.io/v1/FlowSchema', defaulter(cluster.defaultFlowSchema)],
  ['flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration', defaulter(cluster.defaultPriorityLevel)],
  [
    'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration',
    defaulter(cluster.defaultValidatingWebhooks),
  ],
  [
    'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration',
    defaulter(cluster.defaultMutatingWebhooks),
  ],
  ['admissionregistration.k8s.io/v1/MutatingAdmissionPolicy', defaulter(cluster.defaultMutatingPolicy)],
  [
    'admissionregistration.k8s.io/v1/MutatingAdmissionPolicyBinding',
    defaulter(cluster.defaultMutatingPolicyBinding),
  ],
  ['admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy', defaulter(cluster.defaultAdmissionPolicy)],
  [
    'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding',
    defaulter(cluster.defaultAdmissionPolicyBinding),
  ],
  ['resource.k8s.io/v1/ResourceClaim', defaulter(defaultResourceClaim)],
  ['resource.k8s.io/v1/ResourceClaimTemplate', defaulter(defaultResourceClaimTemplate)],
  ['apiextensions.k8s.io/v1/CustomResourceDefinition', defaulter(cluster.defaultCustomResourceDefinition)],
  ['apiregistration.k8s.io/v1/APIService', defaulter(cluster.defaultApiService)],
]);

/**
 * The object with every default that the API promises for its kind. Expects the normal form of the typed decoder, in
 * which an absent field is unset and a struct is always there. Pure; parts that need nothing are shared.
 */
export function applyDefaults(object: object, { group, version, kind }: GroupVersionKind): object {
  const key = group === '' ? `${version}/${kind}` : `${group}/${version}/${kind}`;
  return DEFAULTERS.get(key)?.(object) ?? object;
}
