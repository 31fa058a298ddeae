import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldErrorText } from '../status-error.ts';
import { validatorFor } from './validators.ts';

const POD = validatorFor({ group: '', version: 'v1', kind: 'Pod' });

const CONTAINER = {
  name: 'c',
  image: 'i',
  imagePullPolicy: 'Always',
  terminationMessagePolicy: 'File',
  resources: {},
};
const SPEC = {
  containers: [CONTAINER],
  restartPolicy: 'Always',
  dnsPolicy: 'ClusterFirst',
  terminationGracePeriodSeconds: 30,
  securityContext: {},
};

const pod = (spec: object, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', ...metadata },
  spec: { ...SPEC, ...spec },
  status: {},
});
const withContainer = (changes: object) => pod({ containers: [{ ...CONTAINER, ...changes }] });
const texts = (errors: ReturnType<typeof POD.validateCreate>) => errors.map(fieldErrorText);

const creates: readonly (readonly [string, object, ...string[]])[] = [
  ['a plain pod', pod({})],
  ['no containers', pod({ containers: [] }), 'spec.containers: Required value'],
  ['no image', withContainer({ image: '' }), 'spec.containers[0].image: Required value'],
  [
    'two containers of one name',
    pod({ containers: [CONTAINER, CONTAINER] }),
    'spec.containers[1].name: Duplicate value: "c"',
  ],
  [
    'an unknown restart policy',
    pod({ restartPolicy: 'Maybe' }),
    'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"',
  ],
  [
    'a mount without its volume',
    withContainer({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    'spec.containers[0].volumeMounts[0].name: Not found: "v"',
  ],
  [
    'a request above its limit',
    withContainer({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
    'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  ],
  [
    'a port out of range and an unknown protocol',
    withContainer({ ports: [{ containerPort: 70_000, protocol: 'ICMP' }] }),
    'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
    'spec.containers[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
  ],
  [
    'a probe that does nothing',
    withContainer({ readinessProbe: {} }),
    'spec.containers[0].readinessProbe: Required value: must specify a handler type',
  ],
  [
    'a variable with a value and a source',
    withContainer({
      env: [
        { name: 'A', value: 'x', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
      ],
    }),
    'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
  ],
  [
    'a volume of two kinds',
    pod({ volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }] }),
    'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
  ],
  [
    'an unknown affinity operator',
    pod({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Is' }] }],
          },
        },
      },
    }),
    'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator',
  ],
  [
    'a toleration without key or Exists',
    pod({ tolerations: [{ effect: 'NoSchedule' }] }),
    'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
  ],
  [
    'an init container with a probe',
    pod({ initContainers: [{ ...CONTAINER, name: 'i', livenessProbe: {} }] }),
    'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
  ],
  [
    'an ephemeral container at birth',
    pod({ ephemeralContainers: [{ ...CONTAINER, name: 'debug' }] }),
    'spec.ephemeralContainers: Forbidden: cannot be set on create',
  ],
  [
    'a node name while gated',
    pod({ nodeName: 'n', schedulingGates: [{ name: 'example.com/g' }] }),
    'spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared',
  ],
  [
    'bad metadata',
    pod({}, { name: 'Bad', labels: { 'a b': 'x' }, finalizers: ['orphan', 'foregroundDeletion'] }),
    "metadata.name: Invalid value: \"Bad\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    "metadata.labels: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
  ],
];

for (const [name, object, ...expected] of creates) {
  test(`pod: create with ${name} is ${expected.length === 0 ? 'accepted' : 'refused'}`, () => {
    assert.deepEqual(texts(POD.validateCreate(object)), expected);
  });
}

const LIVE = pod({
  nodeSelector: { a: '1' },
  tolerations: [{ key: 'k', operator: 'Exists' }],
  activeDeadlineSeconds: 9,
});
const changed = (spec: object) => ({ ...LIVE, spec: { ...LIVE.spec, ...spec } });

const updates: readonly (readonly [string, object, ...RegExp[]])[] = [
  ['nothing', LIVE],
  ['an image', changed({ containers: [{ ...CONTAINER, image: 'j' }] })],
  [
    'another toleration',
    changed({ tolerations: [{ key: 'k', operator: 'Exists' }, { operator: 'Exists' }] }),
  ],
  ['a shorter deadline', changed({ activeDeadlineSeconds: 5 })],
  [
    'a longer deadline',
    changed({ activeDeadlineSeconds: 50 }),
    /must be less than or equal to previous value$/,
  ],
  [
    'no tolerations',
    changed({ tolerations: [] }),
    /existing toleration can not be modified except its tolerationSeconds$/,
  ],
  [
    'a node selector',
    changed({ nodeSelector: { a: '2' } }),
    /^spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`,`spec.initContainers\[\*\].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` \(only additions to existing tolerations\),`spec.terminationGracePeriodSeconds` \(allow it to be set to 1 if it was previously negative\)\nchanged: spec.nodeSelector$/,
  ],
  [
    'one container more',
    changed({ containers: [CONTAINER, { ...CONTAINER, name: 'd' }] }),
    /pod updates may not add or remove containers$/,
  ],
  [
    'its name',
    { ...LIVE, metadata: { ...LIVE.metadata, name: 'q' } },
    /^metadata.name: Invalid value: "q": field is immutable$/,
  ],
];

for (const [name, next, ...expected] of updates) {
  test(`pod: an update of ${name} is ${expected.length === 0 ? 'accepted' : 'refused'}`, () => {
    const found = texts(POD.validateUpdate(next, LIVE));
    assert.equal(found.length, expected.length, found.join('\n'));
    expected.forEach((pattern, index) => assert.match(found[index] ?? '', pattern));
  });
}

test('pod: a gate can go, and a gated pod may be narrowed', () => {
  const gated = pod({ schedulingGates: [{ name: 'g/a' }], nodeSelector: { a: '1' } });
  const next = pod({ nodeSelector: { a: '1', b: '2' } });
  assert.deepEqual(texts(POD.validateUpdate(next, gated)), []);
});

test('pod: a container that has ended for good stays ended', () => {
  const state = (terminated: boolean) => ({
    ...pod({ restartPolicy: 'Never' }),
    status: {
      containerStatuses: [
        { name: 'c', state: terminated ? { terminated: { exitCode: 0 } } : { running: {} } },
      ],
    },
  });
  assert.deepEqual(texts(POD.validateStatusUpdate(state(false), state(true))), [
    'status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state',
  ]);
});
