import assert from 'node:assert/strict';
import { test } from 'node:test';
import { structOfKind } from '#api/schema/schema.ts';
import { defined } from '#base/assert.ts';
import { encodeJson } from './canonical.ts';
import { decodeJson, duplicatesIn } from './json-decode.ts';
import { decodeObject, type FieldValidation } from './typed-decode.ts';

const POD = defined(structOfKind('', 'v1', 'Pod'), 'Pod');
const DEPLOYMENT = defined(structOfKind('apps', 'v1', 'Deployment'), 'Deployment');
const SECRET = defined(structOfKind('', 'v1', 'Secret'), 'Secret');
const CONFIG_MAP = defined(structOfKind('', 'v1', 'ConfigMap'), 'ConfigMap');
const ROLE = defined(structOfKind('rbac.authorization.k8s.io', 'v1', 'Role'), 'Role');
const REVISION = defined(structOfKind('apps', 'v1', 'ControllerRevision'), 'ControllerRevision');
const LEASE = defined(structOfKind('coordination.k8s.io', 'v1', 'Lease'), 'Lease');

function decode(value: unknown, struct = POD, fieldValidation: FieldValidation = 'Strict') {
  return decodeObject(value, struct, { fieldValidation });
}

const normal: readonly { name: string; struct: typeof POD; given: object; becomes: object }[] = [
  {
    name: 'structs are present, empty optional values are gone, required ones stay',
    struct: POD,
    given: {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'a', labels: {}, annotations: null, generateName: '' },
      spec: {
        hostNetwork: false,
        terminationGracePeriodSeconds: 0,
        volumes: [{ name: 'v', emptyDir: {} }],
        containers: [{ name: 'c', env: [], ports: [{ containerPort: 80, hostPort: 0 }] }],
      },
    },
    becomes: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a' },
      spec: {
        volumes: [{ name: 'v', emptyDir: {} }],
        containers: [{ name: 'c', ports: [{ containerPort: 80 }], resources: {} }],
        terminationGracePeriodSeconds: 0,
      },
      status: {},
    },
  },
  {
    name: 'quantities are canonical, numbers too, and map keys sorted',
    struct: POD,
    given: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'c', resources: { limits: { memory: '1024Mi', cpu: 0.5 } } }] },
      status: {},
    },
    becomes: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'c', resources: { limits: { cpu: '500m', memory: '1Gi' } } }] },
      status: {},
    },
  },
  {
    name: 'times are cut to the precision of their type',
    struct: LEASE,
    given: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'a', creationTimestamp: '2026-01-02T03:04:05.678+01:00' },
      spec: { renewTime: '2026-01-02T03:04:05.678Z' },
    },
    becomes: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'a', creationTimestamp: '2026-01-02T02:04:05Z' },
      spec: { renewTime: '2026-01-02T03:04:05.678000Z' },
    },
  },
  {
    name: 'a required list that is absent is empty',
    struct: ROLE,
    given: { metadata: { name: 'a' } },
    becomes: { metadata: { name: 'a' }, rules: [] },
  },
];

for (const { name, struct, given, becomes } of normal) {
  test(`decodeObject: ${name}`, () => {
    const { object } = decode(given, struct);
    assert.equal(JSON.stringify(object), JSON.stringify(becomes));
    assert.equal(JSON.stringify(decode(object, struct).object), JSON.stringify(becomes), 'a fixed point');
  });
}

const head = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } };
const wrong: readonly (readonly [object, string, typeof POD?])[] = [
  [
    { ...head, spec: { replicas: 'three' } },
    'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
  ],
  [
    { ...head, spec: { replicas: 1.5 } },
    'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
  ],
  [
    { ...head, spec: { template: { spec: { containers: [{ env: [{ value: 1 }] }] } } } },
    'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string',
  ],
  [
    { ...head, metadata: { labels: { app: true } } },
    'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string',
  ],
  [
    { ...head, spec: { template: { spec: { containers: 'x' } } } },
    'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
  ],
  [
    { ...head, spec: [] },
    'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec',
  ],
  [
    { ...head, spec: { replica: 1, template: { spec: { containers: [{ imagePulPolicy: 'x' }] } } } },
    'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.template.spec.containers[0].imagePulPolicy", unknown field "spec.replica"',
  ],
  [
    { metadata: {}, data: { a: 'not base64!' } },
    'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 3',
    SECRET,
  ],
  [
    { spec: { containers: [{ resources: { limits: { cpu: 'lots' } } }] } },
    `Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`,
    POD,
  ],
];

for (const [given, message, struct = DEPLOYMENT] of wrong) {
  test(`decodeObject: refuses ${JSON.stringify(given).slice(0, 90)}`, () => {
    assert.throws(() => decode(given, struct), { reason: 'BadRequest', message });
  });
}

test('decodeObject: with Warn unknown and duplicate fields are reported as they stand in the text, and pruned', () => {
  const text = '{"metadata":{"name":"a","nmae":"b"},"data":{"k":"u","k":"v"},"__proto":1}';
  const given = decodeJson(text);
  const source = duplicatesIn(text, given);
  const { object, warnings } = decodeObject(given, CONFIG_MAP, { fieldValidation: 'Warn', source });
  assert.deepEqual(warnings, [
    'unknown field "metadata.nmae"',
    'duplicate field "data.k"',
    'unknown field "__proto"',
  ]);
  assert.deepEqual(object, { metadata: { name: 'a' }, data: { k: 'v' } });
  assert.deepEqual(decode(given, CONFIG_MAP, 'Ignore').warnings, []);
});

test('decodeObject: a label named __proto__ is kept as data', () => {
  const text = '{"metadata":{"labels":{"__proto__":"x"}}}';
  assert.equal(encodeJson(decode(decodeJson(text), CONFIG_MAP).object), text);
});

test('decodeObject: an integer that a number cannot hold is refused in a field and kept in free JSON', () => {
  assert.throws(() => decode(decodeJson('{"metadata":{"generation":9007199254740993}}'), CONFIG_MAP), {
    message:
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number 9007199254740993 into Go struct field ObjectMeta.metadata.generation of type int64',
  });
  const text = '{"metadata":{},"data":{"deep":[9007199254740993]},"revision":1}';
  assert.equal(encodeJson(decode(decodeJson(text), REVISION).object), text);
});
