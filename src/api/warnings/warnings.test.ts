import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defined } from '#base/assert.ts';
import { kindDeprecation } from './kind-deprecations.ts';
import { warnerOf } from './kind-warnings.ts';

const META = { name: 'a', generation: 1 };
const CONTAINER = { name: 'c', resources: {} };

function pod(spec: object, metadata: object = {}): object {
  return { metadata: { ...META, ...metadata }, spec: { containers: [CONTAINER], ...spec } };
}

function deployment(spec: object, metadata: object = {}): object {
  return {
    metadata: META,
    spec: { template: { metadata, spec: { containers: [CONTAINER], ...spec } } },
  };
}

interface Case {
  readonly kind: string;
  readonly object: object;
  readonly previous?: object;
  readonly says: readonly string[];
}

const WITH_PORTS = [
  { containerPort: 80, protocol: 'TCP' },
  { containerPort: 80, protocol: 'TCP' },
  { containerPort: 80, protocol: 'TCP', hostPort: 8080 },
  { containerPort: 81, protocol: 'TCP', hostIP: '127.0.0.1' },
];

const CASES: readonly Case[] = [
  { kind: '/Pod', object: pod({}), says: [] },
  {
    kind: '/Pod',
    object: pod({}, { name: 'a.b' }),
    says: [
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
    ],
  },
  {
    kind: '/Pod',
    object: pod({
      nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
      topologySpreadConstraints: [{ topologyKey: 'failure-domain.beta.kubernetes.io/zone' }],
      terminationGracePeriodSeconds: -1,
    }),
    says: [
      'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
      'spec.topologySpreadConstraints[0].topologyKey: failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
      'spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod',
      'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
    ],
  },
  {
    kind: '/Pod',
    object: pod({
      hostAliases: [{ ip: '10.0.0.1' }, { ip: '10.0.0.1' }],
      imagePullSecrets: [{ name: 's' }, { name: 's' }, {}],
      volumes: [{ name: 'v', gitRepo: {} }],
    }),
    says: [
      'spec.volumes[0].gitRepo: deprecated in v1.11',
      'spec.hostAliases[1].ip: duplicate ip "10.0.0.1"',
      'spec.imagePullSecrets[1].name: duplicate name "s"',
      'spec.imagePullSecrets[2].name: invalid empty name ""',
    ],
  },
  {
    kind: '/Pod',
    object: pod({
      containers: [
        {
          ...CONTAINER,
          resources: { limits: { memory: '1500m', cpu: '100m' }, requests: { memory: '1.5Gi' } },
          env: [
            { name: 'A', value: '1' },
            { name: 'A', value: '$(A)2' },
            { name: 'A', value: '3' },
          ],
          ports: WITH_PORTS,
        },
      ],
    }),
    says: [
      'spec.containers[0].resources.limits[memory]: fractional byte value "1500m" is invalid, must be an integer',
      'spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply',
      'spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]',
      'spec.containers[0].ports[2]: overlapping port definition with spec.containers[0].ports[0]',
      'spec.containers[0].ports[2]: overlapping port definition with spec.containers[0].ports[1]',
      'spec.containers[0].ports[3]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:81 Protocol:TCP HostIP:127.0.0.1}',
    ],
  },
  { kind: '/Pod', object: pod({ terminationGracePeriodSeconds: -1 }), previous: pod({}), says: [] },
  {
    kind: 'apps/Deployment',
    object: deployment({}, { annotations: { 'container.apparmor.security.beta.kubernetes.io/c': 'x' } }),
    says: [
      'spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated since v1.30; use the "appArmorProfile" field instead',
    ],
  },
  {
    kind: 'apps/Deployment',
    object: deployment({ terminationGracePeriodSeconds: -1 }),
    previous: deployment({}),
    says: [],
  },
  {
    kind: 'batch/CronJob',
    object: {
      metadata: META,
      spec: {
        schedule: 'TZ=UTC * * * * *',
        jobTemplate: { spec: { template: { metadata: {}, spec: { containers: [CONTAINER] } } } },
      },
    },
    says: [
      'CRON_TZ or TZ used in spec.spec.schedule is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
    ],
  },
  {
    kind: '/Service',
    object: {
      metadata: META,
      spec: {
        type: 'ClusterIP',
        clusterIP: '010.0.0.1',
        clusterIPs: ['010.0.0.1', 'FD00::1'],
        externalIPs: ['192.0.2.1'],
        externalName: 'x',
        trafficDistribution: 'PreferClose',
      },
    },
    says: [
      'spec.clusterIPs[0]: non-standard IP address "010.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"',
      'spec.clusterIPs[1]: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")',
      'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
      'spec.externalName is ignored when spec.type is not "ExternalName"',
      'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
    ],
  },
  {
    kind: '/PersistentVolumeClaim',
    object: {
      metadata: { ...META, annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' } },
      spec: { resources: { requests: { storage: '500m' } } },
    },
    says: [
      'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
      'spec.resources.requests[storage]: fractional byte value "500m" is invalid, must be an integer',
    ],
  },
  {
    kind: '/PersistentVolume',
    object: { metadata: META, spec: { persistentVolumeReclaimPolicy: 'Recycle', rbd: {} } },
    says: [
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      'spec.rbd: deprecated in v1.28, non-functional in v1.31+',
    ],
  },
  {
    kind: '/Secret',
    object: { metadata: META, type: 'kubernetes.io/tls', data: { 'tls.crt': '', 'tls.key': '' } },
    says: ['tls: failed to find any PEM data in certificate input'],
  },
  {
    kind: 'networking.k8s.io/Ingress',
    object: { metadata: { ...META, annotations: { 'kubernetes.io/ingress.class': 'x' } }, spec: {} },
    says: [
      'annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead',
    ],
  },
  {
    kind: 'storage.k8s.io/StorageClass',
    object: {
      metadata: META,
      allowedTopologies: [{ matchLabelExpressions: [{ key: 'beta.kubernetes.io/arch', values: ['x'] }] }],
    },
    says: [
      'allowedTopologies[0].matchLabelExpressions[0].key: deprecated since v1.14; use "kubernetes.io/arch" instead',
    ],
  },
];

for (const [index, { kind, object, previous, says }] of CASES.entries()) {
  test(`warnings: of ${kind}, case ${index}, there are ${says.length}`, () => {
    const [group = '', name = ''] = kind.split('/');
    const warner = defined(warnerOf({ group, version: 'v1', kind: name }), kind);
    assert.deepEqual(warner(object, previous), says);
  });
}

test('warnings: a kind with a successor is named with it', () => {
  assert.equal(
    kindDeprecation({ group: '', version: 'v1', kind: 'Endpoints' }),
    'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  );
  assert.equal(kindDeprecation({ group: '', version: 'v1', kind: 'Pod' }), undefined);
});
