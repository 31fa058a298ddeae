import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseApiVersion } from '../resource-type.ts';
import { applyDefaults } from './defaults.ts';

interface Case {
  readonly name: string;
  readonly of: readonly [apiVersion: string, kind: string];
  readonly given: object;
  readonly becomes: object;
}

const CONTAINER = {
  image: 'i:1',
  imagePullPolicy: 'IfNotPresent',
  name: 'c',
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
};
const POD_SPEC = {
  containers: [CONTAINER],
  dnsPolicy: 'ClusterFirst',
  restartPolicy: 'Always',
  schedulerName: 'default-scheduler',
  securityContext: {},
  terminationGracePeriodSeconds: 30,
};
const TEMPLATE = { metadata: {}, spec: { containers: [{ name: 'c', image: 'i:1', resources: {} }] } };
const FULL_TEMPLATE = { metadata: {}, spec: POD_SPEC };

const cases: readonly Case[] = [
  {
    name: 'a Pod with less than no time to end',
    of: ['v1', 'Pod'],
    given: { ...TEMPLATE, spec: { ...TEMPLATE.spec, terminationGracePeriodSeconds: -5 }, status: {} },
    becomes: {
      ...FULL_TEMPLATE,
      spec: { ...POD_SPEC, enableServiceLinks: true, terminationGracePeriodSeconds: 1 },
      status: {},
    },
  },
  {
    name: 'a Pod',
    of: ['v1', 'Pod'],
    given: {
      metadata: {},
      spec: {
        hostNetwork: true,
        serviceAccount: 'sa',
        volumes: [{ name: 'v' }, { name: 's', secret: { secretName: 'x' } }],
        containers: [
          {
            name: 'c',
            image: 'registry:5000/i',
            ports: [{ containerPort: 80 }],
            env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
            resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '499100u' } },
            readinessProbe: { httpGet: { port: 80 }, periodSeconds: 3 },
          },
        ],
      },
      status: {},
    },
    becomes: {
      metadata: {},
      spec: {
        ...POD_SPEC,
        enableServiceLinks: true,
        hostNetwork: true,
        serviceAccount: 'sa',
        serviceAccountName: 'sa',
        volumes: [
          { name: 'v', emptyDir: {} },
          { name: 's', secret: { secretName: 'x', defaultMode: 420 } },
        ],
        containers: [
          {
            ...CONTAINER,
            image: 'registry:5000/i',
            imagePullPolicy: 'Always',
            ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
            env: [{ name: 'IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } }],
            resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } },
            readinessProbe: {
              httpGet: { port: 80, path: '/', scheme: 'HTTP' },
              periodSeconds: 3,
              timeoutSeconds: 1,
              successThreshold: 1,
              failureThreshold: 3,
            },
          },
        ],
      },
      status: {},
    },
  },
  {
    name: 'a Deployment',
    of: ['apps/v1', 'Deployment'],
    given: { spec: { selector: {}, template: TEMPLATE, strategy: {} } },
    becomes: {
      spec: {
        selector: {},
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
        template: FULL_TEMPLATE,
      },
    },
  },
  {
    name: 'a Deployment that recreates',
    of: ['apps/v1', 'Deployment'],
    given: {
      spec: {
        replicas: 0,
        revisionHistoryLimit: 2,
        progressDeadlineSeconds: 1,
        strategy: { type: 'Recreate' },
        template: FULL_TEMPLATE,
      },
    },
    becomes: {
      spec: {
        replicas: 0,
        revisionHistoryLimit: 2,
        progressDeadlineSeconds: 1,
        strategy: { type: 'Recreate' },
        template: FULL_TEMPLATE,
      },
    },
  },
  {
    name: 'a Service',
    of: ['v1', 'Service'],
    given: {
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { hostname: 'a' }] } },
      spec: { ports: [{ port: 80, targetPort: 0 }], type: 'LoadBalancer', sessionAffinity: 'ClientIP' },
    },
    becomes: {
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }, { hostname: 'a' }] } },
      spec: {
        ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }],
        type: 'LoadBalancer',
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
        externalTrafficPolicy: 'Cluster',
        internalTrafficPolicy: 'Cluster',
        allocateLoadBalancerNodePorts: true,
      },
    },
  },
  {
    name: 'a Job',
    of: ['batch/v1', 'Job'],
    given: { metadata: {}, spec: { template: { ...TEMPLATE, metadata: { labels: { a: 'b' } } } } },
    becomes: {
      metadata: { labels: { a: 'b' } },
      spec: {
        template: { ...FULL_TEMPLATE, metadata: { labels: { a: 'b' } } },
        completions: 1,
        parallelism: 1,
        backoffLimit: 6,
        completionMode: 'NonIndexed',
        suspend: false,
        podReplacementPolicy: 'TerminatingOrFailed',
      },
    },
  },
  {
    name: 'a Namespace',
    of: ['v1', 'Namespace'],
    given: { metadata: { name: 'n' }, spec: {}, status: {} },
    becomes: {
      metadata: { name: 'n', labels: { 'kubernetes.io/metadata.name': 'n' } },
      spec: {},
      status: { phase: 'Active' },
    },
  },
  {
    name: 'a RoleBinding',
    of: ['rbac.authorization.k8s.io/v1', 'RoleBinding'],
    given: { roleRef: { apiGroup: '', kind: 'Role', name: 'r' }, subjects: [{ kind: 'User', name: 'u' }] },
    becomes: {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [{ kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' }],
    },
  },
  {
    name: 'a StatefulSet that only names its strategy',
    of: ['apps/v1', 'StatefulSet'],
    given: { spec: { template: TEMPLATE, updateStrategy: { type: 'RollingUpdate' } } },
    becomes: {
      spec: {
        template: FULL_TEMPLATE,
        podManagementPolicy: 'OrderedReady',
        replicas: 1,
        revisionHistoryLimit: 10,
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        updateStrategy: { type: 'RollingUpdate' },
      },
    },
  },
  {
    name: 'a PersistentVolume',
    of: ['v1', 'PersistentVolume'],
    given: { spec: { hostPath: { path: '/x' } }, status: {} },
    becomes: {
      spec: {
        persistentVolumeReclaimPolicy: 'Retain',
        volumeMode: 'Filesystem',
        hostPath: { path: '/x', type: '' },
      },
      status: { phase: 'Pending' },
    },
  },
  {
    name: 'a ResourceClaim',
    of: ['resource.k8s.io/v1', 'ResourceClaim'],
    given: {
      spec: {
        devices: {
          requests: [
            { name: 'a', exactly: { deviceClassName: 'c', tolerations: [{ key: 'k' }] } },
            { name: 'b', firstAvailable: [{ name: 'x', deviceClassName: 'c', allocationMode: 'All' }] },
          ],
        },
      },
    },
    becomes: {
      spec: {
        devices: {
          requests: [
            {
              name: 'a',
              exactly: {
                deviceClassName: 'c',
                allocationMode: 'ExactCount',
                count: 1,
                tolerations: [{ key: 'k', operator: 'Equal' }],
              },
            },
            { name: 'b', firstAvailable: [{ name: 'x', deviceClassName: 'c', allocationMode: 'All' }] },
          ],
        },
      },
    },
  },
  {
    name: 'a ConfigMap, which has none',
    of: ['v1', 'ConfigMap'],
    given: { data: {} },
    becomes: { data: {} },
  },
];

for (const { name, of, given, becomes } of cases) {
  test(`applyDefaults: ${name}`, () => {
    const [apiVersion, kind] = of;
    const gvk = { ...parseApiVersion(apiVersion), kind };
    const object = applyDefaults(given, gvk);
    assert.deepEqual(object, becomes);
    assert.equal(applyDefaults(object, gvk), object, 'a second time changes nothing');
  });
}
