import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { SILENT_LOGGER } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { createCertificateRequest } from '#base/x509/certificate-request.ts';
import { pemEncode } from '#base/x509/pem.ts';
import { isForbidden, StatusError } from '#api/status-error.ts';
import type { Binding, Pod } from '#api/types/core.v1.ts';
import { NO_OPINION, type Authorizer } from '../authz/authorizer.ts';
import { RbacGrants } from '../authz/rbac-grants.ts';
import { ObjectsInMemory } from '../object-reader.fixture.ts';
import type { AdmissionAttributes } from './admission.ts';
import { admittedBy, outcomeOf, refusalOf, writeOf } from './admission.fixture.ts';
import { AdmissionChain } from './admission-chain.ts';
import { CertificateApproval } from './certificate/certificate-approval.ts';
import { CertificateSubjectRestriction } from './certificate/certificate-subject-restriction.ts';
import { DefaultIngressClass } from './default-ingress-class/default-ingress-class.ts';
import { defaultPlugins } from './default-plugins.ts';
import { DefaultStorageClass } from './default-storage-class/default-storage-class.ts';
import { DefaultTolerationSeconds } from './default-toleration-seconds/default-toleration-seconds.ts';
import { NamespaceLifecycle } from './namespace-lifecycle/namespace-lifecycle.ts';
import { PersistentVolumeClaimResize } from './persistent-volume-claim-resize/persistent-volume-claim-resize.ts';
import { PodTopologyLabels } from './pod-topology-labels/pod-topology-labels.ts';
import { Priority, SYSTEM_PRIORITY_CLASSES } from './priority/priority.ts';
import { RuntimeClass } from './runtime-class/runtime-class.ts';
import { StorageObjectInUseProtection } from './storage-object-in-use-protection/storage-object-in-use-protection.ts';
import { TaintNodesByCondition } from './taint-nodes-by-condition/taint-nodes-by-condition.ts';

const NOBODY: Authorizer = { authorize: () => NO_OPINION };

function objects(...put: readonly object[]): ObjectsInMemory {
  const reader = new ObjectsInMemory();
  reader.put(...put);
  return reader;
}

function pod(spec: object, metadata: object = {}): object {
  return { kind: 'Pod', metadata: { name: 'p', ...metadata }, spec };
}

test('default plugins: each has its place, and a plain pod passes them all', async () => {
  const reader = objects(
    { kind: 'Namespace', metadata: { name: 'default' }, status: { phase: 'Active' } },
    { kind: 'ServiceAccount', metadata: { name: 'default' } },
  );
  const deps = {
    reader,
    authorizer: NOBODY,
    rbac: new RbacGrants(reader),
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    log: SILENT_LOGGER,
    metrics: new MetricsRegistry(),
    kinds: { find: () => undefined, structOf: () => undefined },
    quotaWriter: { updateStatus: () => Promise.reject(new Error('no quota')) },
  };
  const chain = new AdmissionChain(defaultPlugins(deps));
  const write = writeOf(pod({ containers: [{ name: 'c', image: 'i', resources: {} }] }));
  const admitted = (await chain.admit(write)) as unknown as Pod;
  await chain.validate({ ...write, object: admitted });
  assert.deepEqual(
    Object.keys(admitted.spec).toSorted(),
    [
      'containers',
      'initContainers',
      'preemptionPolicy',
      'priority',
      'serviceAccount',
      'serviceAccountName',
      'tolerations',
      'volumes',
    ].filter((key) => key !== 'initContainers'),
  );
});

const lifecycle: readonly {
  name: string;
  namespace: object | undefined;
  operation: 'CREATE' | 'UPDATE' | 'DELETE';
  outcome: string;
}[] = [
  {
    name: 'made where there is a namespace',
    namespace: { status: { phase: 'Active' } },
    operation: 'CREATE',
    outcome: 'ok',
  },
  {
    name: 'made where there is none',
    namespace: undefined,
    operation: 'CREATE',
    outcome: '404 namespaces "default" not found',
  },
  {
    name: 'made where all is going',
    namespace: { status: { phase: 'Terminating' } },
    operation: 'CREATE',
    outcome:
      '403 configmaps "c" is forbidden: unable to create new content in namespace default because it is being terminated',
  },
  {
    name: 'changed where all is going',
    namespace: { status: { phase: 'Terminating' } },
    operation: 'UPDATE',
    outcome: 'ok',
  },
  { name: 'deleted where there is none', namespace: undefined, operation: 'DELETE', outcome: 'ok' },
];

for (const { name, namespace, operation, outcome } of lifecycle) {
  test(`namespace lifecycle: a thing ${name}`, async () => {
    const reader =
      namespace === undefined
        ? objects()
        : objects({ kind: 'Namespace', metadata: { name: 'default' }, ...namespace });
    const write = writeOf({ kind: 'ConfigMap', metadata: { name: 'c' } }, { operation });
    const result = await outcomeOf(new NamespaceLifecycle(reader), write);
    assert.equal(typeof result === 'string' ? result : 'ok', outcome);
  });
}

test('namespace lifecycle: the cluster keeps its own namespaces, and says why a namespace takes nothing', async () => {
  const plugin = new NamespaceLifecycle(
    objects({ kind: 'Namespace', metadata: { name: 'default' }, status: { phase: 'Terminating' } }),
  );
  const remove = (name: string) =>
    outcomeOf(plugin, writeOf({ kind: 'Namespace', metadata: { name } }, { operation: 'DELETE' }));
  assert.equal(
    await remove('kube-system'),
    '403 namespaces "kube-system" is forbidden: this namespace may not be deleted',
  );
  assert.equal(typeof (await remove('mine')), 'object');
  assert.throws(
    () => plugin.admit(writeOf({ kind: 'ConfigMap', metadata: { generateName: 'c-' } })),
    (error) => {
      assert.ok(error instanceof StatusError && isForbidden(error));
      assert.deepEqual(error.details?.causes, [
        {
          reason: 'NamespaceTerminating',
          message: 'namespace default is being terminated',
          field: 'metadata.namespace',
        },
      ]);
      return error.message.startsWith('configmaps "c-" is forbidden');
    },
  );
});

test('taint nodes by condition: a new node is not ready, said once', async () => {
  const plugin = new TaintNodesByCondition();
  const taints = [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }];
  const node = (spec: object) => ({ kind: 'Node', metadata: { name: 'n' }, spec });
  for (const spec of [{}, { taints }]) {
    const admitted = await outcomeOf<{ spec: object }>(plugin, writeOf(node(spec)));
    assert.deepEqual(typeof admitted === 'string' ? admitted : admitted.spec, { taints });
  }
});

const tolerations: readonly { name: string; own: object[]; added: number }[] = [
  { name: 'none', own: [], added: 2 },
  {
    name: 'one of the two',
    own: [
      { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute', operator: 'Exists', tolerationSeconds: 5 },
    ],
    added: 1,
  },
  { name: 'everything', own: [{ operator: 'Exists' }], added: 0 },
  {
    name: 'another effect',
    own: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule', operator: 'Exists' }],
    added: 2,
  },
];

for (const { name, own, added } of tolerations) {
  test(`default toleration seconds: a pod that tolerates ${name} gets ${added} more`, async () => {
    const admitted = await outcomeOf<Pod>(new DefaultTolerationSeconds(), writeOf(pod({ tolerations: own })));
    assert.ok(typeof admitted === 'object');
    const gained = (admitted.spec.tolerations ?? []).slice(own.length);
    assert.equal(gained.length, added);
    assert.ok(
      gained.every(({ tolerationSeconds, effect }) => tolerationSeconds === 300 && effect === 'NoExecute'),
    );
  });
}

const PRIORITIES = objects(
  {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'high' },
    value: 1000,
    preemptionPolicy: 'Never',
  },
  {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'normal' },
    value: 7,
    globalDefault: true,
  },
);

const priorities: readonly { name: string; spec: object; outcome: unknown }[] = [
  {
    name: 'the default class',
    spec: {},
    outcome: { priorityClassName: 'normal', priority: 7, preemptionPolicy: 'PreemptLowerPriority' },
  },
  {
    name: 'its own class',
    spec: { priorityClassName: 'high' },
    outcome: { priorityClassName: 'high', priority: 1000, preemptionPolicy: 'Never' },
  },
  {
    name: 'a class that is not there',
    spec: { priorityClassName: 'gone' },
    outcome: '403 pods "p" is forbidden: no PriorityClass with name gone was found',
  },
  {
    name: 'a number of its own',
    spec: { priority: 5 },
    outcome:
      '403 pods "p" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 7 from the given PriorityClass name',
  },
  {
    name: 'a policy of its own',
    spec: { priorityClassName: 'high', preemptionPolicy: 'PreemptLowerPriority' },
    outcome:
      '403 pods "p" is forbidden: the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod spec; priority admission controller computed Never from the given PriorityClass name',
  },
];

for (const { name, spec, outcome } of priorities) {
  test(`priority: a pod with ${name}`, async () => {
    const result = await outcomeOf<Pod>(new Priority(PRIORITIES), writeOf(pod(spec)));
    assert.deepEqual(typeof result === 'string' ? result : result.spec, outcome);
  });
}

test('priority: one default is enough; without one a pod has 0; updates keep what was set', async () => {
  const second = {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'other' },
    value: 1,
    globalDefault: true,
  };
  assert.match(
    await refusalOf(new Priority(PRIORITIES), writeOf(second)),
    /PriorityClass normal is already marked as default/,
  );
  const bare = await outcomeOf<Pod>(new Priority(objects()), writeOf(pod({})));
  assert.deepEqual(typeof bare === 'object' && bare.spec, {
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
  });
  const oldObject = writeOf(pod({ priority: 7, preemptionPolicy: 'Never' })).object;
  const updated = await outcomeOf<Pod>(
    new Priority(objects()),
    writeOf(pod({}), { operation: 'UPDATE', oldObject }),
  );
  assert.deepEqual(typeof updated === 'object' && updated.spec, { priority: 7, preemptionPolicy: 'Never' });
  assert.deepEqual(
    SYSTEM_PRIORITY_CLASSES.map(({ value }) => value),
    [2_000_001_000, 2_000_000_000],
  );
});

test('default classes: the youngest marked one is filled in, an empty or present name is left alone', async () => {
  const storage = (name: string, created: string, isDefault: string) => ({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: {
      name,
      creationTimestamp: created,
      annotations: { 'storageclass.kubernetes.io/is-default-class': isDefault },
    },
  });
  const reader = objects(
    storage('old', '2026-01-01T00:00:00Z', 'true'),
    storage('new', '2026-02-01T00:00:00Z', 'true'),
    storage('newest', '2026-03-01T00:00:00Z', 'false'),
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'nginx', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    },
  );
  const claim = async (spec: object): Promise<unknown> => {
    const write = writeOf({ kind: 'PersistentVolumeClaim', metadata: { name: 'c' }, spec } as object);
    const result = await outcomeOf<{ spec: { storageClassName?: string } }>(
      new DefaultStorageClass(reader),
      write,
    );
    return typeof result === 'string' ? result : result.spec.storageClassName;
  };
  assert.deepEqual(
    [await claim({}), await claim({ storageClassName: '' }), await claim({ storageClassName: 'x' })],
    ['new', '', 'x'],
  );
  const ingress = writeOf({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'i' } });
  const admitted = await outcomeOf<{ spec: object }>(new DefaultIngressClass(reader), ingress);
  assert.deepEqual(typeof admitted === 'object' && admitted.spec, { ingressClassName: 'nginx' });
});

test('storage object in use protection: volumes and claims get their finalizer once', async () => {
  const plugin = new StorageObjectInUseProtection();
  const claim = { kind: 'PersistentVolumeClaim', metadata: { name: 'c', finalizers: ['mine'] } };
  const first = await outcomeOf(plugin, writeOf(claim));
  assert.ok(typeof first === 'object');
  assert.deepEqual(first.metadata.finalizers, ['mine', 'kubernetes.io/pvc-protection']);
  assert.equal(
    await outcomeOf(plugin, writeOf(first)).then(
      (second) => typeof second === 'object' && second.metadata.finalizers?.length,
    ),
    2,
  );
});

const resizes: readonly {
  name: string;
  wanted: string;
  phase: string;
  className: string;
  outcome: string;
}[] = [
  { name: 'grows', wanted: '2Gi', phase: 'Bound', className: 'elastic', outcome: 'ok' },
  {
    name: 'grows unbound',
    wanted: '2Gi',
    phase: 'Pending',
    className: 'elastic',
    outcome:
      '403 persistentvolumeclaims "c" is forbidden: Only bound persistent volume claims can be expanded',
  },
  {
    name: 'grows in a class that cannot',
    wanted: '2Gi',
    phase: 'Bound',
    className: 'rigid',
    outcome:
      '403 persistentvolumeclaims "c" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
  },
  { name: 'stays', wanted: '1Gi', phase: 'Pending', className: 'rigid', outcome: 'ok' },
];

for (const { name, wanted, phase, className, outcome } of resizes) {
  test(`persistent volume claim resize: a claim ${name}`, async () => {
    const reader = objects({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'elastic' },
      allowVolumeExpansion: true,
    });
    const claim = (storage: string) => ({
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'c' },
      spec: { storageClassName: className, resources: { requests: { storage } } },
      status: { phase },
    });
    const oldObject = writeOf(claim('1Gi')).object;
    const result = await outcomeOf(
      new PersistentVolumeClaimResize(reader),
      writeOf(claim(wanted), { operation: 'UPDATE', oldObject }),
    );
    assert.equal(typeof result === 'string' ? result : 'ok', outcome);
  });
}

const runtimes: readonly { name: string; spec: object; outcome: unknown }[] = [
  { name: 'none', spec: {}, outcome: {} },
  {
    name: 'one with overhead and places',
    spec: { runtimeClassName: 'vm', nodeSelector: { a: '1' } },
    outcome: {
      runtimeClassName: 'vm',
      overhead: { cpu: '100m' },
      nodeSelector: { a: '1', vm: 'yes' },
      tolerations: [{ key: 'vm', operator: 'Exists' }],
    },
  },
  {
    name: 'one that is not there',
    spec: { runtimeClassName: 'gone' },
    outcome: '403 pods "p" is forbidden: pod rejected: RuntimeClass "gone" not found',
  },
  {
    name: 'another overhead',
    spec: { runtimeClassName: 'vm', overhead: { cpu: '1' } },
    outcome:
      "403 pods \"p\" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
  },
  {
    name: 'no class but overhead',
    spec: { overhead: { cpu: '1' } },
    outcome:
      '403 pods "p" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
  },
  {
    name: 'a selector against it',
    spec: { runtimeClassName: 'vm', nodeSelector: { vm: 'no' } },
    outcome:
      '403 pods "p" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
  },
];

for (const { name, spec, outcome } of runtimes) {
  test(`runtime class: a pod with ${name}`, async () => {
    const reader = objects({
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'vm' },
      handler: 'vm',
      overhead: { podFixed: { cpu: '100m' } },
      scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] },
    });
    const result = await outcomeOf<Pod>(new RuntimeClass(reader), writeOf(pod(spec)));
    assert.deepEqual(typeof result === 'string' ? result : result.spec, outcome);
  });
}

test('pod topology labels: a pod that gets a node gets its zone and region', async () => {
  const labels = { 'topology.kubernetes.io/zone': 'z1', 'topology.kubernetes.io/region': 'r', other: 'x' };
  const plugin = new PodTopologyLabels(objects({ kind: 'Node', metadata: { name: 'n', labels } }));
  const labelsOf = async (write: AdmissionAttributes): Promise<unknown> =>
    (await admittedBy<Pod>(plugin, write)).metadata.labels;
  const binding = (kind: string): AdmissionAttributes => {
    const object: Partial<Binding> = { kind: 'Pod' as 'Binding', target: { kind, name: 'n' } };
    return writeOf({ ...object, metadata: { name: 'p' } }, { subresource: 'binding' });
  };
  const expected = { 'topology.kubernetes.io/zone': 'z1', 'topology.kubernetes.io/region': 'r' };
  assert.deepEqual(
    [
      await labelsOf(binding('Node')),
      await labelsOf(writeOf(pod({ nodeName: 'n' }))),
      await labelsOf(binding('Other')),
      await labelsOf(writeOf(pod({ nodeName: 'gone' }))),
    ],
    [expected, expected, undefined, undefined],
  );
});

test('certificates: the masters group cannot be asked for, and approving takes the right to', async () => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const request = (organization: string) => {
    const der = createCertificateRequest({ commonName: 'x', organizations: [organization] }, keys);
    const spec = {
      signerName: 'kubernetes.io/kube-apiserver-client',
      request: Buffer.from(pemEncode('CERTIFICATE REQUEST', der)).toString('base64'),
    };
    return {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'r' },
      spec,
    };
  };
  const restriction = new CertificateSubjectRestriction();
  assert.equal(typeof (await outcomeOf(restriction, writeOf(request('devs')))), 'object');
  assert.match(
    await refusalOf(restriction, writeOf(request('system:masters'))),
    /use of kubernetes.io\/kube-apiserver-client signer with system:masters group is not allowed/,
  );
  const oldObject = writeOf(request('devs')).object;
  const approval = writeOf(request('devs'), { operation: 'UPDATE', subresource: 'approval', oldObject });
  assert.match(
    await refusalOf(new CertificateApproval(NOBODY), approval),
    /user not permitted to approve requests with signerName/,
  );
  const asked: string[] = [];
  const domainHolder = new CertificateApproval({
    authorize: ({ name }) => {
      asked.push(name);
      return { outcome: name === 'kubernetes.io/*' ? 'allow' : 'noOpinion', reason: '' };
    },
  });
  assert.equal(typeof (await outcomeOf(domainHolder, approval)), 'object');
  assert.deepEqual(asked, ['kubernetes.io/kube-apiserver-client', 'kubernetes.io/*']);
});
