import { dnsSubdomainProblems, pathSegmentProblems } from '../names.ts';
import { resourceOfKind } from '../resource-table.ts';
import type { GroupVersionKind } from '../resource-type.ts';
import type { FieldError } from '../status-error.ts';
import { IP_ADDRESS_RULES, SERVICE_CIDR_RULES } from './address-rules.ts';
import * as admissionPolicy from './admission-policy-rules.ts';
import * as admission from './admission-rules.ts';
import { API_SERVICE_RULES } from './api-service-rules.ts';
import { AUTOSCALER_RULES } from './autoscaler-rules.ts';
import * as batch from './batch-rules.ts';
import { SIGNING_REQUEST_RULES } from './certificate-rules.ts';
import { CLAIM_RULES } from './claim-rules.ts';
import * as cluster from './cluster-rules.ts';
import * as config from './config-rules.ts';
import { CRON_JOB_RULES } from './cron-job-rules.ts';
import * as endpoints from './endpoint-rules.ts';
import { EVENT_RULES } from './event-rules.ts';
import { FLOW_SCHEMA_RULES, PRIORITY_LEVEL_RULES } from './flow-control-rules.ts';
import { NETWORK_POLICY_RULES } from './network-policy-rules.ts';
import * as networking from './networking-rules.ts';
import { type AnyMeta, checkFinalizerOwners, checkMeta, checkMetaUpdate } from './object-meta.ts';
import type { KindRules } from './kind-rules.ts';
import { POD_RULES } from './pod.ts';
import { POD_TEMPLATE_RULES } from './pod-spec-rules.ts';
import * as policy from './policy-rules.ts';
import { Problems } from './problems.ts';
import { LIMIT_RANGE_RULES, QUOTA_RULES } from './quota-rules.ts';
import * as rbac from './rbac-rules.ts';
import {
  DEVICE_CLASS_RULES,
  RESOURCE_CLAIM_RULES,
  RESOURCE_CLAIM_TEMPLATE_RULES,
} from './resource-claim-rules.ts';
import { RESOURCE_SLICE_RULES } from './resource-slice-rules.ts';
import { SERVICE_RULES } from './service-rules.ts';
import { CONTROLLER_REVISION_RULES, STATEFUL_SET_RULES } from './stateful-set-rules.ts';
import * as storage from './storage-rules.ts';
import { PERSISTENT_VOLUME_RULES } from './volume-object-rules.ts';
import * as workload from './workload-rules.ts';

/** Says what is wrong with objects of one kind; an empty list when nothing is. Objects are in normal form, with defaults. */
export interface Validator {
  validateCreate(object: object): readonly FieldError[];
  validateUpdate(next: object, previous: object): readonly FieldError[];
  validateStatusUpdate(next: object, previous: object): readonly FieldError[];
}

/** The table's key names the kind, so each rule gets the objects it was written for. */
export type AnyRules = KindRules<object>;

/** The rules of one kind, for a validator of that kind. */
export function rules<T extends object>(of: KindRules<T>): AnyRules {
  return of as unknown as AnyRules;
}

/** Kinds whose names need only be one segment of a path. */
const FREELY_NAMED: AnyRules = { nameRule: pathSegmentProblems };

/** By group and kind; of kinds with more than one version the one that is stored is checked. */
const RULES: ReadonlyMap<string, AnyRules> = new Map([
  ['/Pod', rules(POD_RULES)],
  ['/PodTemplate', rules(POD_TEMPLATE_RULES)],
  ['/ReplicationController', rules(workload.REPLICATION_CONTROLLER_RULES)],
  ['/Service', rules(SERVICE_RULES)],
  ['/ServiceAccount', {}],
  ['/ConfigMap', rules(config.CONFIG_MAP_RULES)],
  ['/Secret', rules(config.SECRET_RULES)],
  ['/Namespace', rules(config.NAMESPACE_RULES)],
  ['/Node', rules(cluster.NODE_RULES)],
  ['/ResourceQuota', rules(QUOTA_RULES)],
  ['/LimitRange', rules(LIMIT_RANGE_RULES)],
  ['/Event', rules(EVENT_RULES)],
  ['events.k8s.io/Event', FREELY_NAMED],
  ['networking.k8s.io/IPAddress', rules(IP_ADDRESS_RULES)],
  ['networking.k8s.io/ServiceCIDR', rules(SERVICE_CIDR_RULES)],
  ['networking.k8s.io/IngressClass', rules(networking.INGRESS_CLASS_RULES)],
  ['certificates.k8s.io/ClusterTrustBundle', FREELY_NAMED],
  ['/Endpoints', rules(endpoints.ENDPOINTS_RULES)],
  ['/PersistentVolume', rules(PERSISTENT_VOLUME_RULES)],
  ['/PersistentVolumeClaim', rules(CLAIM_RULES)],
  ['admissionregistration.k8s.io/ValidatingWebhookConfiguration', rules(admission.VALIDATING_WEBHOOK_RULES)],
  ['admissionregistration.k8s.io/MutatingWebhookConfiguration', rules(admission.MUTATING_WEBHOOK_RULES)],
  ['apiregistration.k8s.io/APIService', rules(API_SERVICE_RULES)],
  [
    'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
    rules(admissionPolicy.VALIDATING_BINDING_RULES),
  ],
  [
    'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding',
    rules(admissionPolicy.MUTATING_BINDING_RULES),
  ],
  ['apps/Deployment', rules(workload.DEPLOYMENT_RULES)],
  ['apps/ReplicaSet', rules(workload.REPLICA_SET_RULES)],
  ['apps/DaemonSet', rules(workload.DAEMON_SET_RULES)],
  ['apps/StatefulSet', rules(STATEFUL_SET_RULES)],
  ['apps/ControllerRevision', rules(CONTROLLER_REVISION_RULES)],
  ['batch/Job', rules(batch.JOB_RULES)],
  ['batch/CronJob', rules(CRON_JOB_RULES)],
  ['autoscaling/HorizontalPodAutoscaler', rules(AUTOSCALER_RULES)],
  ['policy/PodDisruptionBudget', rules(policy.DISRUPTION_BUDGET_RULES)],
  ['scheduling.k8s.io/PriorityClass', rules(policy.PRIORITY_CLASS_RULES)],
  ['coordination.k8s.io/Lease', rules(policy.LEASE_RULES)],
  ['discovery.k8s.io/EndpointSlice', rules(endpoints.ENDPOINT_SLICE_RULES)],
  ['networking.k8s.io/Ingress', rules(networking.INGRESS_RULES)],
  ['networking.k8s.io/NetworkPolicy', rules(NETWORK_POLICY_RULES)],
  ['storage.k8s.io/StorageClass', rules(storage.STORAGE_CLASS_RULES)],
  ['storage.k8s.io/VolumeAttachment', rules(storage.VOLUME_ATTACHMENT_RULES)],
  ['storage.k8s.io/CSIDriver', rules(storage.CSI_DRIVER_RULES)],
  ['storage.k8s.io/CSINode', rules(storage.CSI_NODE_RULES)],
  ['storage.k8s.io/CSIStorageCapacity', rules(storage.CSI_STORAGE_CAPACITY_RULES)],
  ['storage.k8s.io/VolumeAttributesClass', rules(storage.VOLUME_ATTRIBUTES_CLASS_RULES)],
  ['node.k8s.io/RuntimeClass', rules(policy.RUNTIME_CLASS_RULES)],
  ['flowcontrol.apiserver.k8s.io/FlowSchema', rules(FLOW_SCHEMA_RULES)],
  ['flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration', rules(PRIORITY_LEVEL_RULES)],
  ['certificates.k8s.io/CertificateSigningRequest', rules(SIGNING_REQUEST_RULES)],
  ['resource.k8s.io/DeviceClass', rules(DEVICE_CLASS_RULES)],
  ['resource.k8s.io/ResourceClaim', rules(RESOURCE_CLAIM_RULES)],
  ['resource.k8s.io/ResourceClaimTemplate', rules(RESOURCE_CLAIM_TEMPLATE_RULES)],
  ['resource.k8s.io/ResourceSlice', rules(RESOURCE_SLICE_RULES)],
  ['rbac.authorization.k8s.io/Role', rules(rbac.ROLE_RULES)],
  ['rbac.authorization.k8s.io/ClusterRole', rules(rbac.CLUSTER_ROLE_RULES)],
  ['rbac.authorization.k8s.io/RoleBinding', rules(rbac.ROLE_BINDING_RULES)],
  ['rbac.authorization.k8s.io/ClusterRoleBinding', rules(rbac.CLUSTER_ROLE_BINDING_RULES)],
]);

/** Kinds that extend the API, and those that they bring along, may have finalizers of any name. */
const EXTENSION_GROUPS: ReadonlySet<string> = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io']);

function rulesOf({ group, kind }: GroupVersionKind): AnyRules | undefined {
  return RULES.get(`${group}/${kind}`);
}

/** True for kinds whose rules stand in this table, even if only their metadata can be wrong. */
export function hasOwnRules(kind: GroupVersionKind): boolean {
  return rulesOf(kind) !== undefined;
}

/** The validator of a kind, built in or not. A kind without rules of its own still has its metadata checked. */
export function validatorFor(
  kind: GroupVersionKind & { readonly namespaced?: boolean },
  special: AnyRules = rulesOf(kind) ?? {},
): Validator {
  const isNamespaced = kind.namespaced ?? resourceOfKind(kind)?.namespaced ?? true;
  const metaRules = {
    isNamespaced,
    nameRule:
      special.nameRule ??
      (kind.group === 'rbac.authorization.k8s.io' ? pathSegmentProblems : dnsSubdomainProblems),
  };
  const namesOwners = resourceOfKind(kind) !== undefined && !EXTENSION_GROUPS.has(kind.group);
  const checkFinalizers = (problems: Problems, { finalizers }: AnyMeta): void => {
    if (namesOwners && finalizers !== undefined) {
      checkFinalizerOwners(problems, finalizers);
    }
  };
  return {
    validateCreate(object) {
      const problems = new Problems();
      if (special.skipsMeta !== true) {
        checkMeta(problems, metaOf(object), metaRules);
        checkFinalizers(problems, metaOf(object));
      }
      special.check?.(problems, object);
      special.onCreate?.(problems, object);
      return problems.found;
    },
    validateUpdate(next, previous) {
      const problems = new Problems();
      if (special.skipsMeta !== true) {
        checkMetaUpdate(problems, metaOf(next), metaOf(previous));
        checkFinalizers(problems, metaOf(next));
      }
      special.check?.(problems, next);
      special.onUpdate?.(problems, next, previous);
      return problems.found;
    },
    validateStatusUpdate(next, previous) {
      const problems = new Problems();
      checkMetaUpdate(problems, metaOf(next), metaOf(previous));
      checkFinalizers(problems, metaOf(next));
      special.onStatusUpdate?.(problems, next, previous);
      return problems.found;
    },
  };
}

function metaOf(object: object): AnyMeta {
  return (object as { readonly metadata: AnyMeta }).metadata;
}
