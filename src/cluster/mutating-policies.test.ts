import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, DeepPartial } from '#api/object.ts';
import type { MutatingAdmissionPolicySpec } from '#api/types/admissionregistration.v1.ts';
import { CONFIG_MAP, DEPLOYMENT, NAMESPACE } from '#api/types/resources.ts';
import { bindMutation, unbindMutation } from './admission-policies.fixture.ts';
import { startInProcessCluster, type InProcessCluster } from './in-process-cluster.ts';
import { outcome } from './outcome.fixture.ts';
import { aConfigMap, hook, mutating, patchOf, startWebhooks } from './webhook-server.fixture.ts';

type Spec = DeepPartial<MutatingAdmissionPolicySpec>;

const apply = (expression: string) =>
  ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }) as const;
const patch = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } }) as const;

function labelsOf(object: object | null | undefined): Readonly<Record<string, string>> {
  const { metadata }: { readonly metadata?: Pick<ApiObject['metadata'], 'labels'> } = object ?? {};
  return metadata?.labels ?? {};
}

const LABEL = apply("Object{metadata: Object.metadata{labels: {'made': 'yes'}}}");

/** Labels and data of the map `x` as created, or the refusal. */
async function made({ client }: InProcessCluster): Promise<unknown> {
  const maps = client.of(CONFIG_MAP);
  const heard = await outcome(() => maps.create(aConfigMap('x', { own: 'label' })));
  if (heard !== 'done') {
    return heard;
  }
  const { metadata, data } = await maps.get('default', 'x');
  await maps.delete('default', 'x');
  return { labels: metadata.labels, data };
}

const AS_SENT = { labels: { own: 'label' }, data: { key: 'value' } };
const DENIED = "403 policy 'p' with binding 'p' denied request:";

const changed: readonly (readonly [name: string, spec: Spec, heard: unknown])[] = [
  [
    'a configuration is laid over the object',
    {
      mutations: [
        apply("Object{metadata: Object.metadata{labels: {'made': 'yes'}}, data: {'more': object.data.key}}"),
      ],
    },
    { labels: { own: 'label', made: 'yes' }, data: { key: 'value', more: 'value' } },
  ],
  [
    'operations of a patch',
    {
      mutations: [
        patch(
          "[JSONPatch{op: 'test', path: '/data/key', value: 'value'}, JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: 'c'}, JSONPatch{op: 'remove', path: '/data/key'}, JSONPatch{op: 'move', from: '/metadata/labels/own', path: '/metadata/labels/moved'}]",
        ),
      ],
    },
    { labels: { 'a/b': 'c', moved: 'label' }, data: undefined },
  ],
  [
    'a test that does not hold',
    {
      mutations: [
        patch(
          "[JSONPatch{op: 'remove', path: '/data/key'}, JSONPatch{op: 'test', path: '/data/key', value: 'x'}]",
        ),
      ],
    },
    AS_SENT,
  ],
  [
    'one mutation after the other, with variables',
    {
      variables: [{ name: 'next', expression: "has(object.metadata.labels.made) ? 'second' : 'first'" }],
      mutations: [LABEL, apply('Object{data: {variables.next: variables.next}}')],
    },
    { labels: { own: 'label', made: 'yes' }, data: { key: 'value', second: 'second' } },
  ],
  [
    'conditions that do not hold',
    { matchConditions: [{ name: 'c', expression: "object.data.key == 'other'" }], mutations: [LABEL] },
    AS_SENT,
  ],
  [
    'conditions that fail',
    { matchConditions: [{ name: 'c', expression: 'object.data.none == 1' }], mutations: [LABEL] },
    `${DENIED} expression 'object.data.none == 1' resulted in error: no such key: none`,
  ],
  [
    'an expression that fails',
    { mutations: [apply("Object{data: {'a': object.data.none}}")] },
    `${DENIED} expression 'Object{data: {'a': object.data.none}}' resulted in error: no such key: none`,
  ],
  [
    'a failure that is ignored',
    { failurePolicy: 'Ignore', mutations: [apply("Object{data: {'a': object.data.none}}"), LABEL] },
    { labels: { own: 'label', made: 'yes' }, data: { key: 'value' } },
  ],
  [
    'an operation that does not fit',
    { mutations: [patch("[JSONPatch{op: 'remove', path: '/data/none'}]")] },
    `${DENIED} JSON Patch: error in remove for path: '/data/none': unable to remove nonexistent key: none: missing value`,
  ],
  [
    'a field that is not there',
    { mutations: [apply("Object{data: {'a': 'b'}, other: 1}")] },
    `${DENIED} error applying patch: failed to convert patch object to typed object: .other: field not declared in schema`,
  ],
  [
    'an object under another name',
    { mutations: [apply("Object{metadata: Object.meta{labels: {'a': 'b'}}}")] },
    `${DENIED} type mismatch: unexpected type name "Object.meta", expected "Object.metadata", which matches field name path from root Object type`,
  ],
  [
    'a patch that makes another kind of object',
    { mutations: [patch("[JSONPatch{op: 'add', path: '/other', value: 1}]")] },
    '500 Internal error occurred: strict decoding error: unknown field "other"',
  ],
];

test('mutating policies: what they make of a write', async () => {
  await using cluster = await startInProcessCluster();
  for (const [name, spec, heard] of changed) {
    await bindMutation(cluster, 'p', spec);
    assert.deepEqual(await made(cluster), heard, name);
    await unbindMutation(cluster, 'p');
  }
});

test('mutating policies: lists are merged by their keys, and what only changes as a whole is refused', async () => {
  await using cluster = await startInProcessCluster();
  const matchConstraints = {
    resourceRules: [
      { operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] },
    ],
  } as const;
  const deployment = (name: string) => ({
    metadata: { namespace: 'default', name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'main', image: 'own' }] },
      },
    },
  });
  const inPod = (fields: string): string =>
    `Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{${fields}}}}}`;
  await bindMutation(cluster, 'p', {
    matchConstraints,
    mutations: [
      apply(
        inPod(
          "containers: [Object.spec.template.spec.containers{name: 'sidecar', image: 'made'}, Object.spec.template.spec.containers{name: 'main', imagePullPolicy: 'Never'}]",
        ),
      ),
    ],
  });
  const { spec } = await cluster.client.of(DEPLOYMENT).create(deployment('a'));
  assert.deepEqual(
    spec.template.spec.containers.map(({ name, image, imagePullPolicy, terminationMessagePath }) => ({
      name,
      image,
      imagePullPolicy,
      terminationMessagePath,
    })),
    [
      { name: 'sidecar', image: 'made', imagePullPolicy: 'Always' },
      { name: 'main', image: 'own', imagePullPolicy: 'Never' },
    ].map((container) => ({ ...container, terminationMessagePath: '/dev/termination-log' })),
  );
  await unbindMutation(cluster, 'p');
  await bindMutation(cluster, 'p', {
    matchConstraints,
    mutations: [
      apply(
        inPod(
          "nodeSelector: {'a': 'b'}, containers: [Object.spec.template.spec.containers{name: 'main', args: ['x']}]",
        ),
      ),
    ],
  });
  assert.equal(
    await outcome(() => cluster.client.of(DEPLOYMENT).create(deployment('b'))),
    `${DENIED} error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.template.spec.nodeSelector, .spec.template.spec.containers[0].args`,
  );
});

test('mutating policies: those that ask for it look again after others, webhooks come after all of them', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  const count = patch(
    "[JSONPatch{op: 'add', path: '/metadata/labels/seen', value: (has(object.metadata.labels.seen) ? object.metadata.labels.seen : '') + 'x'}]",
  );
  await bindMutation(cluster, 'a-first', { reinvocationPolicy: 'IfNeeded', mutations: [count] });
  await bindMutation(cluster, 'b-second', { mutations: [LABEL] });
  server.answers.set('/hook', ({ object }) =>
    object !== null && labelsOf(object)['hook'] === undefined
      ? patchOf({ op: 'add', path: '/metadata/labels/hook', value: 'yes' })
      : {},
  );
  await mutating(cluster, hook(server, '/hook'));
  assert.deepEqual(await made(cluster), {
    labels: { own: 'label', seen: 'xx', made: 'yes', hook: 'yes' },
    data: { key: 'value' },
  });
  assert.equal(labelsOf(server.requests[0]?.object)['made'], 'yes');
});

test('mutating policies: parameters are one change each', async () => {
  await using cluster = await startInProcessCluster();
  await cluster.client.of(NAMESPACE).create({ metadata: { name: 'params' } });
  for (const name of ['one', 'two']) {
    await cluster.client
      .of(CONFIG_MAP)
      .create({ metadata: { namespace: 'params', name, labels: { use: 'param' } }, data: { add: name } });
  }
  await bindMutation(
    cluster,
    'p',
    {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      mutations: [apply('Object{data: {params.data.add: params.metadata.namespace}}')],
    },
    {
      paramRef: {
        selector: { matchLabels: { use: 'param' } },
        namespace: 'params',
        parameterNotFoundAction: 'Deny',
      },
    },
  );
  assert.deepEqual(await made(cluster), {
    labels: { own: 'label' },
    data: { key: 'value', one: 'params', two: 'params' },
  });
});
