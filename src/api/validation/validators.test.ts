import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyDefaults } from '../defaulting/defaults.ts';
import { RESOURCES } from '../resource-table.ts';
import { parseApiVersion } from '../resource-type.ts';
import { fieldErrorText } from '../status-error.ts';
import { validatorFor } from './validators.ts';

const LABELS = { app: 'web' };
const TEMPLATE = {
  metadata: { labels: LABELS },
  spec: { containers: [{ name: 'c', image: 'i:1', resources: {} }] },
};
const WORKLOAD = { selector: { matchLabels: LABELS }, template: TEMPLATE };
const JOB_TEMPLATE = { ...TEMPLATE, spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } };
const RULE = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
const ROLE_REF = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };
const CSR_PEM = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----').toString('base64');

const WEBHOOK = {
  name: 'a.example.com',
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  clientConfig: { url: 'https://example.com' },
  rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
};

/** A good object of each kind that has rules, without its metadata. */
const GOOD: Readonly<Record<string, readonly [apiVersion: string, body: object]>> = {
  Deployment: ['apps/v1', { spec: { ...WORKLOAD, strategy: {} } }],
  ReplicaSet: ['apps/v1', { spec: WORKLOAD, status: { replicas: 0 } }],
  DaemonSet: ['apps/v1', { spec: { ...WORKLOAD, updateStrategy: {} } }],
  StatefulSet: ['apps/v1', { spec: { ...WORKLOAD, serviceName: 's', updateStrategy: {} } }],
  ReplicationController: ['v1', { spec: { template: TEMPLATE } }],
  Job: [
    'batch/v1',
    { spec: { template: JOB_TEMPLATE, manualSelector: true, selector: { matchLabels: LABELS } }, status: {} },
  ],
  CronJob: [
    'batch/v1',
    { spec: { schedule: '*/5 * * * *', jobTemplate: { metadata: {}, spec: { template: JOB_TEMPLATE } } } },
  ],
  Service: ['v1', { spec: { ports: [{ port: 80 }], selector: LABELS } }],
  ConfigMap: ['v1', { data: { 'a.txt': 'x' } }],
  Secret: ['v1', { data: { a: 'eA==' } }],
  Namespace: ['v1', { spec: {}, status: {} }],
  Node: ['v1', { spec: {}, status: {} }],
  ResourceQuota: ['v1', { spec: { hard: { pods: '5' } }, status: {} }],
  LimitRange: ['v1', { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } }],
  Endpoints: ['v1', { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] }],
  PersistentVolume: [
    'v1',
    {
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
      status: {},
    },
  ],
  PersistentVolumeClaim: [
    'v1',
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }, status: {} },
  ],
  HorizontalPodAutoscaler: [
    'autoscaling/v2',
    { spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd' } } },
  ],
  PodDisruptionBudget: ['policy/v1', { spec: { minAvailable: '50%' }, status: {} }],
  PriorityClass: ['scheduling.k8s.io/v1', { value: 5 }],
  Lease: ['coordination.k8s.io/v1', { spec: { holderIdentity: 'a', leaseDurationSeconds: 15 } }],
  EndpointSlice: [
    'discovery.k8s.io/v1',
    { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] },
  ],
  Ingress: [
    'networking.k8s.io/v1',
    {
      spec: {
        rules: [
          {
            host: '*.a.com',
            http: {
              paths: [
                { path: '/', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } },
              ],
            },
          },
        ],
      },
    },
  ],
  NetworkPolicy: [
    'networking.k8s.io/v1',
    { spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] } },
  ],
  StorageClass: ['storage.k8s.io/v1', { provisioner: 'example.com/p' }],
  CertificateSigningRequest: [
    'certificates.k8s.io/v1',
    {
      spec: { request: CSR_PEM, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] },
      status: {},
    },
  ],
  Role: ['rbac.authorization.k8s.io/v1', { rules: [RULE] }],
  ClusterRole: [
    'rbac.authorization.k8s.io/v1',
    { rules: [RULE, { nonResourceURLs: ['/healthz'], verbs: ['get'] }] },
  ],
  RoleBinding: [
    'rbac.authorization.k8s.io/v1',
    { roleRef: ROLE_REF, subjects: [{ kind: 'User', name: 'u' }] },
  ],
  ClusterRoleBinding: ['rbac.authorization.k8s.io/v1', { roleRef: ROLE_REF }],
  ServiceAccount: ['v1', {}],
  ValidatingWebhookConfiguration: ['admissionregistration.k8s.io/v1', { webhooks: [WEBHOOK] }],
};

interface Good {
  readonly gvk: { readonly group: string; readonly version: string; readonly kind: string };
  readonly object: Record<string, unknown>;
}

function good(kind: string): Good {
  const [apiVersion, body] = GOOD[kind] ?? ['v1', {}];
  const gvk = { ...parseApiVersion(apiVersion), kind };
  const isNamespaced = RESOURCES.some(
    (info) => info.kind === kind && info.group === gvk.group && info.namespaced,
  );
  const metadata = { name: 'a', ...(isNamespaced ? { namespace: 'default' } : {}) };
  return {
    gvk,
    object: applyDefaults({ apiVersion, kind, metadata, ...body }, gvk) as Record<string, unknown>,
  };
}

/** Sets one value deep in a copy: `set(o, 'spec.replicas', 1)`. */
function set(object: unknown, path: string, value: unknown): Record<string, unknown> {
  const copy = structuredClone(object) as Record<string, unknown>;
  const parts = path.split('.');
  let target = copy;
  for (const part of parts.slice(0, -1)) {
    target[part] ??= {};
    target = target[part] as Record<string, unknown>;
  }
  target[parts.at(-1) ?? ''] = value;
  return copy;
}

for (const kind of Object.keys(GOOD)) {
  test(`validation: a good ${kind} can be created and updated`, () => {
    const { gvk, object } = good(kind);
    const validator = validatorFor(gvk);
    assert.deepEqual(validator.validateCreate(object).map(fieldErrorText), []);
    assert.deepEqual(validator.validateUpdate(object, structuredClone(object)).map(fieldErrorText), []);
  });
}

const badCreates: readonly (readonly [kind: string, path: string, value: unknown, error: string])[] = [
  [
    'ValidatingWebhookConfiguration',
    'webhooks.0.clientConfig',
    {},
    'webhooks[0].clientConfig: Required value: exactly one of url or service is required',
  ],
  ['Deployment', 'spec.replicas', -1, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
  [
    'Deployment',
    'spec.selector',
    {},
    'spec.selector: Invalid value: {}: empty selector is invalid for deployment',
  ],
  [
    'Deployment',
    'spec.selector.matchLabels',
    { app: 'x' },
    'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
  ],
  [
    'Deployment',
    'spec.template.spec.restartPolicy',
    'Never',
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  ],
  [
    'Deployment',
    'spec.strategy',
    { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } },
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
  ],
  [
    'Deployment',
    'spec.progressDeadlineSeconds',
    0,
    'spec.progressDeadlineSeconds: Invalid value: 0: must be greater than minReadySeconds',
  ],
  [
    'DaemonSet',
    'spec.updateStrategy.rollingUpdate.maxSurge',
    1,
    'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
  ],
  [
    'Job',
    'spec.template.spec.restartPolicy',
    'Always',
    'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
  ],
  [
    'CronJob',
    'spec.schedule',
    '* * * *',
    'spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]',
  ],
  [
    'CronJob',
    'spec.schedule',
    '61 * * * *',
    'spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61',
  ],
  [
    'CronJob',
    'spec.timeZone',
    'Mars/Base',
    'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base',
  ],
  [
    'Service',
    'spec.type',
    'Magic',
    'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
  ],
  ['Service', 'spec.ports', [], 'spec.ports: Required value'],
  [
    'Service',
    'spec.ports.0.nodePort',
    30_000,
    "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
  ],
  [
    'ConfigMap',
    'data',
    { 'a/b': '' },
    "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
  ],
  [
    'ConfigMap',
    'data',
    { a: 'x'.repeat(1024 * 1024 + 1) },
    '[]: Too long: may not be more than 1048576 bytes',
  ],
  ['Secret', 'type', 'kubernetes.io/ssh-auth', 'data[ssh-privatekey]: Required value'],
  [
    'PersistentVolumeClaim',
    'spec.accessModes',
    [],
    'spec.accessModes: Required value: at least 1 access mode is required',
  ],
  ['PersistentVolume', 'spec.hostPath', undefined, 'spec: Required value: must specify a volume type'],
  [
    'Role',
    'rules',
    [{ ...RULE, verbs: [] }],
    'rules[0].verbs: Required value: verbs must contain at least one value',
  ],
  [
    'ClusterRoleBinding',
    'subjects',
    [{ kind: 'ServiceAccount', name: 's' }],
    'subjects[0].namespace: Required value',
  ],
  ['Ingress', 'spec', {}, 'spec: Invalid value: null: either `defaultBackend` or `rules` must be specified'],
  [
    'NetworkPolicy',
    'spec.ingress',
    [{ from: [{}] }],
    'spec.ingress[0].from[0]: Required value: must specify a peer',
  ],
  [
    'PodDisruptionBudget',
    'spec.minAvailable',
    '101%',
    'spec.minAvailable: Invalid value: "101%": must not be greater than 100%',
  ],
  [
    'HorizontalPodAutoscaler',
    'spec.maxReplicas',
    0,
    'spec.maxReplicas: Invalid value: 0: must be greater than 0',
  ],
  [
    'PriorityClass',
    'value',
    2_000_000_000,
    'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
  ],
  [
    'Lease',
    'spec.leaseDurationSeconds',
    0,
    'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
  ],
  [
    'EndpointSlice',
    'endpoints',
    [{ addresses: ['fd00::1'] }],
    'endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address',
  ],
  ['ServiceAccount', 'metadata.namespace', '', 'metadata.namespace: Required value'],
  ['Node', 'metadata.namespace', 'x', 'metadata.namespace: Forbidden: not allowed on this type'],
  [
    'Node',
    'spec.taints',
    [{ key: 'a', effect: 'Later' }],
    'metadata.taints[0].effect: Unsupported value: "Later": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
  ],
];

for (const [kind, path, value, error] of badCreates) {
  test(`validation: a ${kind} with ${path} ${JSON.stringify(value)?.slice(0, 40)} is refused`, () => {
    const { gvk, object } = good(kind);
    const found = validatorFor(gvk)
      .validateCreate(set(object, path, value))
      .map(fieldErrorText);
    assert.ok(found.includes(error), `${found.join('\n')}\nwanted: ${error}`);
  });
}

const badUpdates: readonly (readonly [kind: string, path: string, value: unknown, error: RegExp])[] = [
  [
    'Deployment',
    'spec.selector.matchLabels.b',
    'c',
    /^spec\.selector: Invalid value: .*: field is immutable$/,
  ],
  [
    'StatefulSet',
    'spec.serviceName',
    'other',
    /^spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden$/,
  ],
  ['Job', 'spec.completions', 5, /^spec\.completions: Invalid value: 5: field is immutable$/],
  ['Secret', 'type', 'Other', /^type: Invalid value: "Other": field is immutable$/],
  ['RoleBinding', 'roleRef.name', 'edit', /^roleRef: Invalid value: .*: cannot change roleRef$/],
  ['PriorityClass', 'value', 6, /^value: Forbidden: may not be changed in an update\.$/],
  ['StorageClass', 'provisioner', 'x', /^provisioner: Forbidden: updates to provisioner are forbidden\.$/],
  [
    'PersistentVolumeClaim',
    'spec.resources.requests.storage',
    '2Gi',
    /^spec: Forbidden: spec is immutable after creation except resources\.requests and volumeAttributesClassName for bound claims\nresources$/,
  ],
  ['ConfigMap', 'metadata.uid', 'other', /^metadata\.uid: Invalid value: "other": field is immutable$/],
];

for (const [kind, path, value, error] of badUpdates) {
  test(`validation: changing ${path} of a ${kind} is refused`, () => {
    const { gvk, object } = good(kind);
    const found = validatorFor(gvk)
      .validateUpdate(set(object, path, value), object)
      .map(fieldErrorText);
    assert.ok(
      found.some((text) => error.test(text)),
      found.join('\n'),
    );
  });
}

test('validation: an immutable ConfigMap takes new labels and no new data', () => {
  const { gvk, object } = good('ConfigMap');
  const frozen = set(object, 'immutable', true);
  const validator = validatorFor(gvk);
  assert.deepEqual(validator.validateUpdate(set(frozen, 'metadata.labels', { a: 'b' }), frozen), []);
  assert.deepEqual(validator.validateUpdate(set(frozen, 'data', {}), frozen).map(fieldErrorText), [
    'data: Forbidden: field is immutable when `immutable` is set',
  ]);
});
