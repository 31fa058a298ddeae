import { generateKeyPairSync } from 'node:crypto';
import { createCertificateRequest } from '#base/x509/certificate-request.ts';
import { pemEncode } from '#base/x509/pem.ts';

/** A good object of every served kind but `metadata`, by group and kind; what tests change to make bad ones. */

const LABELS = { app: 'web' };
const SELECTOR = { matchLabels: LABELS };
const POD_SPEC = { containers: [{ name: 'c', image: 'i:1' }] };
const TEMPLATE = { metadata: { labels: LABELS }, spec: POD_SPEC };
const JOB_SPEC = { template: { spec: { ...POD_SPEC, restartPolicy: 'Never' } } };
const RULE = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
const ROLE_REF = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };
const CSR_PEM = Buffer.from(
  pemEncode(
    'CERTIFICATE REQUEST',
    createCertificateRequest(
      { commonName: 'u', organizations: [] },
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    ),
  ),
).toString('base64');
const WEBHOOK = {
  name: 'a.example.com',
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  clientConfig: { url: 'https://example.com' },
  rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
};
const MATCH = {
  resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
};
const CLAIM = { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }] } };
const HTTP_PATH = {
  path: '/',
  pathType: 'Prefix',
  backend: { service: { name: 's', port: { number: 80 } } },
};

const CORE: Readonly<Record<string, object>> = {
  ConfigMap: { data: { 'a.txt': 'x' } },
  Endpoints: { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
  Event: {
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
    reason: 'Started',
    message: 'x',
    type: 'Normal',
  },
  LimitRange: { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } },
  Namespace: {},
  Node: { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
  PersistentVolumeClaim: {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  },
  PersistentVolume: {
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
  },
  Pod: { spec: POD_SPEC },
  PodTemplate: { template: TEMPLATE },
  ReplicationController: { spec: { selector: LABELS, template: TEMPLATE } },
  ResourceQuota: { spec: { hard: { pods: '5' } } },
  Secret: { data: { a: 'eA==' } },
  ServiceAccount: {},
  Service: { spec: { ports: [{ port: 80 }], selector: LABELS } },
};

const WORKLOADS: Readonly<Record<string, object>> = {
  'apps/ControllerRevision': { data: { a: 1 }, revision: 1 },
  'apps/DaemonSet': { spec: { selector: SELECTOR, template: TEMPLATE } },
  'apps/Deployment': { spec: { selector: SELECTOR, template: TEMPLATE } },
  'apps/ReplicaSet': { spec: { selector: SELECTOR, template: TEMPLATE } },
  'apps/StatefulSet': { spec: { selector: SELECTOR, template: TEMPLATE, serviceName: 's' } },
  'batch/CronJob': { spec: { schedule: '*/5 * * * *', jobTemplate: { spec: JOB_SPEC } } },
  'batch/Job': { spec: JOB_SPEC },
  'autoscaling/HorizontalPodAutoscaler': {
    spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd' } },
  },
  'policy/PodDisruptionBudget': { spec: { minAvailable: '50%', selector: SELECTOR } },
  'scheduling.k8s.io/PriorityClass': { value: 5 },
  'node.k8s.io/RuntimeClass': { handler: 'runc' },
  'coordination.k8s.io/Lease': { spec: { holderIdentity: 'a', leaseDurationSeconds: 15 } },
};

const NETWORK: Readonly<Record<string, object>> = {
  'networking.k8s.io/IngressClass': { spec: { controller: 'example.com/c' } },
  'networking.k8s.io/Ingress': { spec: { rules: [{ host: '*.a.com', http: { paths: [HTTP_PATH] } }] } },
  'networking.k8s.io/IPAddress': {
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 's' } },
  },
  'networking.k8s.io/NetworkPolicy': {
    spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] },
  },
  'networking.k8s.io/ServiceCIDR': { spec: { cidrs: ['10.96.0.0/12'] } },
  'discovery.k8s.io/EndpointSlice': {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'] }],
    ports: [{ port: 80 }],
  },
};

const STORAGE: Readonly<Record<string, object>> = {
  'storage.k8s.io/CSIDriver': { spec: {} },
  'storage.k8s.io/CSINode': { spec: { drivers: [{ name: 'a.example.com', nodeID: 'n' }] } },
  'storage.k8s.io/CSIStorageCapacity': { storageClassName: 'fast', capacity: '1Gi' },
  'storage.k8s.io/StorageClass': { provisioner: 'example.com/p' },
  'storage.k8s.io/VolumeAttachment': {
    spec: { attacher: 'a.example.com', nodeName: 'n', source: { persistentVolumeName: 'pv' } },
  },
  'storage.k8s.io/VolumeAttributesClass': { driverName: 'a.example.com', parameters: { iops: '5' } },
};

const RULES: Readonly<Record<string, object>> = {
  'rbac.authorization.k8s.io/Role': { rules: [RULE] },
  'rbac.authorization.k8s.io/ClusterRole': {
    rules: [RULE, { nonResourceURLs: ['/healthz'], verbs: ['get'] }],
  },
  'rbac.authorization.k8s.io/RoleBinding': { roleRef: ROLE_REF, subjects: [{ kind: 'User', name: 'u' }] },
  'rbac.authorization.k8s.io/ClusterRoleBinding': { roleRef: ROLE_REF },
  'certificates.k8s.io/CertificateSigningRequest': {
    spec: { request: CSR_PEM, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] },
  },
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': { webhooks: [WEBHOOK] },
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': { webhooks: [WEBHOOK] },
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': {
    spec: { matchConstraints: MATCH, validations: [{ expression: 'true' }] },
  },
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': {
    spec: { policyName: 'a', validationActions: ['Deny'] },
  },
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': {
    spec: {
      matchConstraints: MATCH,
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } }],
    },
  },
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': { spec: { policyName: 'a' } },
  'flowcontrol.apiserver.k8s.io/FlowSchema': {
    spec: {
      matchingPrecedence: 100,
      priorityLevelConfiguration: { name: 'workload-low' },
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: '*' } }],
          nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['/healthz'] }],
        },
      ],
    },
  },
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': {
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } },
  },
  'apiregistration.k8s.io/APIService': {
    spec: {
      group: 'a.example.com',
      version: 'v1',
      groupPriorityMinimum: 100,
      versionPriority: 10,
      insecureSkipTLSVerify: true,
      service: { namespace: 'default', name: 's' },
    },
  },
  'apiextensions.k8s.io/CustomResourceDefinition': {
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
      ],
    },
  },
};

const DEVICES: Readonly<Record<string, object>> = {
  'resource.k8s.io/DeviceClass': { spec: { selectors: [{ cel: { expression: 'true' } }] } },
  'resource.k8s.io/ResourceClaim': { spec: CLAIM },
  'resource.k8s.io/ResourceClaimTemplate': { spec: { spec: CLAIM } },
  'resource.k8s.io/ResourceSlice': {
    spec: {
      driver: 'gpu.example.com',
      pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
      nodeName: 'n',
      devices: [
        { name: 'd0', attributes: { model: { string: 'a' } }, capacity: { memory: { value: '1Gi' } } },
      ],
    },
  },
};

/** Kinds whose name says something. */
const NAMES: Readonly<Record<string, string>> = {
  'networking.k8s.io/IPAddress': '10.96.0.50',
  'apiregistration.k8s.io/APIService': 'v1.a.example.com',
  'apiextensions.k8s.io/CustomResourceDefinition': 'things.example.com',
};

const GOOD: Readonly<Record<string, object>> = {
  ...Object.fromEntries(Object.entries(CORE).map(([kind, body]) => [`/${kind}`, body])),
  ...WORKLOADS,
  ...NETWORK,
  ...STORAGE,
  ...RULES,
  ...DEVICES,
};

/** Undefined for a kind that has no good object here yet. */
export function goodObject({
  group,
  kind,
}: {
  readonly group: string;
  readonly kind: string;
}): { readonly name: string; readonly body: object } | undefined {
  const key = `${group}/${kind}`;
  const body = GOOD[key];
  return body === undefined ? undefined : { name: NAMES[key] ?? 'a', body };
}
