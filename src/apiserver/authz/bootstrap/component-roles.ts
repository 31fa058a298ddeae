import type { PolicyRule } from '#api/types/rbac.v1.ts';
import { clusterRole, EVENTS_RULE, READ, rule, type NewClusterRole } from './rule.ts';

const DELEGATION_RULES: readonly PolicyRule[] = [
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
];

/** What a node's agent may do at most; the Node authorizer and NodeRestriction narrow it to its own pods. */
export const NODE_RULES: readonly PolicyRule[] = [
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews subjectaccessreviews'),
  rule(READ, 'core', 'services'),
  rule(`create ${READ}`, 'core', 'nodes'),
  rule('patch update', 'core', 'nodes/status'),
  rule('patch update', 'core', 'nodes'),
  rule('create patch update', 'core', 'events'),
  rule(READ, 'core', 'pods'),
  rule('create delete', 'core', 'pods'),
  rule('patch update', 'core', 'pods/status'),
  rule('create', 'core', 'pods/eviction'),
  rule(READ, 'core', 'configmaps secrets'),
  rule('get', 'core', 'persistentvolumeclaims persistentvolumes'),
  rule('get', 'core', 'endpoints'),
  rule(`create ${READ}`, 'certificates.k8s.io', 'certificatesigningrequests'),
  rule('create delete get patch update', 'coordination.k8s.io', 'leases'),
  rule('get', 'storage.k8s.io', 'volumeattachments'),
  rule('create', 'core', 'serviceaccounts/token'),
  rule('get patch update', 'core', 'persistentvolumeclaims/status'),
  rule(READ, 'storage.k8s.io', 'csidrivers'),
  rule('create delete get patch update', 'storage.k8s.io', 'csinodes'),
  rule(READ, 'node.k8s.io', 'runtimeclasses'),
  rule('get', 'resource.k8s.io', 'resourceclaims'),
  rule('deletecollection', 'resource.k8s.io', 'resourceslices'),
  rule('get', 'core', 'serviceaccounts'),
];

const CONTROLLER_MANAGER_RULES: readonly PolicyRule[] = [
  EVENTS_RULE,
  rule('create', 'coordination.k8s.io', 'leases'),
  rule('get update', 'coordination.k8s.io', 'leases', 'kube-controller-manager'),
  rule('create', 'core', 'secrets serviceaccounts'),
  rule('delete', 'core', 'secrets'),
  rule('get', 'core', 'configmaps namespaces secrets serviceaccounts'),
  rule('update', 'core', 'secrets serviceaccounts'),
  ...DELEGATION_RULES,
  rule('list watch', '*', '*'),
  rule('create', 'core', 'serviceaccounts/token'),
];

const SCHEDULER_RULES: readonly PolicyRule[] = [
  EVENTS_RULE,
  rule('create', 'coordination.k8s.io', 'leases'),
  rule(`update ${READ}`, 'coordination.k8s.io', 'leases', 'kube-scheduler'),
  rule(READ, 'core', 'nodes'),
  rule(`delete ${READ}`, 'core', 'pods'),
  rule('create', 'core', 'bindings pods/binding'),
  rule('patch update', 'core', 'pods/status'),
  rule(READ, 'core', 'replicationcontrollers services'),
  rule(READ, 'apps extensions', 'replicasets'),
  rule(READ, 'apps', 'statefulsets'),
  rule(READ, 'policy', 'poddisruptionbudgets'),
  rule(READ, 'core', 'persistentvolumeclaims persistentvolumes'),
  ...DELEGATION_RULES,
  rule(READ, 'storage.k8s.io', 'csinodes'),
  rule(READ, 'storage.k8s.io', 'volumeattachments'),
  rule(READ, 'core', 'namespaces'),
  rule(READ, 'storage.k8s.io', 'csidrivers'),
  rule(READ, 'storage.k8s.io', 'csistoragecapacities'),
  rule(READ, 'resource.k8s.io', 'deviceclasses'),
  rule(`patch update ${READ}`, 'resource.k8s.io', 'resourceclaims'),
  rule(`patch update ${READ}`, 'resource.k8s.io', 'resourceclaims/status'),
  rule(`patch update ${READ}`, 'core', 'pods/finalizers'),
  rule(READ, 'resource.k8s.io', 'resourceslices'),
  rule(READ, 'resource.k8s.io', 'devicetaintrules'),
];

function signerApprover(signer: string): NewClusterRole {
  const rules = [rule('approve', 'certificates.k8s.io', 'signers', `kubernetes.io/${signer}`)];
  return clusterRole(`system:certificates.k8s.io:${signer}-approver`, rules);
}

/** The roles of the cluster's own parts, and those made for parts that usually come with one. */
export const COMPONENT_ROLES: readonly NewClusterRole[] = [
  clusterRole('system:node', NODE_RULES),
  clusterRole('system:node-problem-detector', [
    rule('get', 'core', 'nodes'),
    rule('patch', 'core', 'nodes/status'),
    EVENTS_RULE,
  ]),
  clusterRole('system:node-proxier', [
    rule('list watch', 'core', 'endpoints services'),
    rule(READ, 'core', 'nodes'),
    EVENTS_RULE,
    rule('list watch', 'networking.k8s.io', 'servicecidrs'),
    rule('list watch', 'discovery.k8s.io', 'endpointslices'),
  ]),
  clusterRole('system:node-bootstrapper', [
    rule(`create ${READ}`, 'certificates.k8s.io', 'certificatesigningrequests'),
  ]),
  clusterRole('system:kubelet-api-admin', [
    rule(READ, 'core', 'nodes'),
    rule('proxy', 'core', 'nodes'),
    rule('*', 'core', 'nodes/log nodes/metrics nodes/proxy nodes/stats'),
    rule('*', 'core', 'nodes/configz nodes/healthz nodes/pods'),
  ]),
  clusterRole('system:auth-delegator', DELEGATION_RULES),
  clusterRole('system:kube-aggregator', [rule(READ, 'core', 'endpoints services')]),
  clusterRole('system:kube-controller-manager', CONTROLLER_MANAGER_RULES),
  clusterRole('system:kube-dns', [rule('list watch', 'core', 'endpoints services')]),
  clusterRole('system:kube-scheduler', SCHEDULER_RULES),
  clusterRole('system:volume-scheduler', [
    rule(`patch update ${READ}`, 'core', 'persistentvolumes'),
    rule(READ, 'storage.k8s.io', 'storageclasses'),
    rule(`patch update ${READ}`, 'core', 'persistentvolumeclaims'),
  ]),
  clusterRole('system:persistent-volume-provisioner', [
    rule(`create delete ${READ}`, 'core', 'persistentvolumes'),
    rule(`update ${READ}`, 'core', 'persistentvolumeclaims'),
    rule(READ, 'storage.k8s.io', 'storageclasses'),
    rule('watch', 'core', 'events'),
    EVENTS_RULE,
  ]),
  clusterRole('system:heapster', [
    rule(READ, 'core', 'events namespaces nodes pods'),
    rule(READ, 'extensions', 'deployments'),
  ]),
  clusterRole('system:certificates.k8s.io:certificatesigningrequests:nodeclient', [
    rule('create', 'certificates.k8s.io', 'certificatesigningrequests/nodeclient'),
  ]),
  clusterRole('system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', [
    rule('create', 'certificates.k8s.io', 'certificatesigningrequests/selfnodeclient'),
  ]),
  ...['kube-apiserver-client', 'kube-apiserver-client-kubelet', 'kubelet-serving', 'legacy-unknown'].map(
    signerApprover,
  ),
];
