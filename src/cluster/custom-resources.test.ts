import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, NewObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { isNotFound, StatusError } from '#api/status-error.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from '#api/types/apiextensions.v1.ts';
import { CONFIG_MAP, CUSTOM_RESOURCE_DEFINITION, NAMESPACE } from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { isRecord } from '#codec/own-property.ts';
import { ComponentSet } from './component-set.ts';
import { startInProcessCluster, type InProcessCluster } from './in-process-cluster.ts';

interface Crontab extends ApiObject {
  readonly spec: { readonly schedule?: string; readonly replicas?: number; readonly [more: string]: unknown };
  readonly status?: { readonly replicas?: number };
}

const CRONTAB: ResourceType<Crontab> = {
  group: 'stable.example.com',
  version: 'v1',
  resource: 'crontabs',
  kind: 'CronTab',
  isNamespaced: true,
};
const CRONTAB_V2: ResourceType<Crontab> = { ...CRONTAB, version: 'v2' };

const SCHEMA: JSONSchemaProps = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['schedule'],
      properties: {
        schedule: { type: 'string', pattern: '^[0-9* ]+$' },
        replicas: { type: 'integer', minimum: 1, default: 1 },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string' }, number: { type: 'integer' } },
          },
        },
      },
    },
    status: { type: 'object', properties: { replicas: { type: 'integer' } } },
  },
};

const V1: CustomResourceDefinitionVersion = {
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema: SCHEMA },
  subresources: {
    status: {},
    scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
  },
  selectableFields: [{ jsonPath: '.spec.schedule' }],
};

function aDefinition(
  plural: string,
  kind: string,
  versions: readonly CustomResourceDefinitionVersion[] = [V1],
): NewObject<CustomResourceDefinition> {
  return {
    metadata: { name: `${plural}.stable.example.com` },
    spec: { group: 'stable.example.com', scope: 'Namespaced', names: { plural, kind }, versions },
  };
}

async function define(cluster: InProcessCluster, ...args: Parameters<typeof aDefinition>): Promise<void> {
  await cluster.client.of(CUSTOM_RESOURCE_DEFINITION).create(aDefinition(...args));
  await cluster.clock.settle();
}

const conditionsOf = ({ status }: CustomResourceDefinition): readonly string[] =>
  (status.conditions ?? []).map(({ type, status: value, reason = '' }) => `${type}=${value} ${reason}`);

/** The conditions of a definition once this one is among them; a watch tells, however many turns that takes. */
async function conditionsWith(
  { client }: InProcessCluster,
  name: string,
  condition: string,
): Promise<readonly string[]> {
  const found = new AbortController();
  const query = { fieldSelector: `metadata.name=${name}` };
  try {
    for await (const event of client.of(CUSTOM_RESOURCE_DEFINITION).watch('', query, found.signal)) {
      assert.ok(event.type === 'ADDED' || event.type === 'MODIFIED', event.type);
      const conditions = conditionsOf(event.object);
      if (conditions.includes(condition)) {
        return conditions;
      }
    }
  } finally {
    found.abort();
  }
  throw new Error(`the watch of ${name} ended`);
}

async function refusal(run: Promise<unknown>): Promise<string> {
  try {
    await run;
    return 'allowed';
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return `${error.code} ${error.message}`;
  }
}

function aCrontab(name: string, spec: Crontab['spec'] = { schedule: '* *' }): NewObject<Crontab> {
  return { metadata: { name, namespace: 'default' }, spec };
}

test('custom resources: a definition is accepted, established and given its defaults', async () => {
  await using cluster = await startInProcessCluster();
  await define(cluster, 'crontabs', 'CronTab');
  const definition = await cluster.client
    .of(CUSTOM_RESOURCE_DEFINITION)
    .get('', 'crontabs.stable.example.com');
  assert.deepEqual(conditionsOf(definition), [
    'NamesAccepted=True NoConflicts',
    'Established=True InitialNamesAccepted',
  ]);
  assert.deepEqual(definition.status.acceptedNames, {
    plural: 'crontabs',
    singular: 'crontab',
    kind: 'CronTab',
    listKind: 'CronTabList',
  });
  assert.deepEqual(definition.status.storedVersions, ['v1']);
  assert.deepEqual(definition.spec.conversion, { strategy: 'None' });
});

test('custom resources: names that another definition has wait until they are free', async () => {
  await using cluster = await startInProcessCluster();
  const definitions = cluster.client.of(CUSTOM_RESOURCE_DEFINITION);
  await define(cluster, 'crontabs', 'CronTab');
  await define(cluster, 'others', 'CronTab');
  const waiting = await conditionsWith(cluster, 'others.stable.example.com', 'Established=False NotAccepted');
  assert.deepEqual(waiting, ['NamesAccepted=False ListKindConflict', 'Established=False NotAccepted']);
  await definitions.delete('', 'crontabs.stable.example.com');
  const accepted = await conditionsWith(
    cluster,
    'others.stable.example.com',
    'Established=True InitialNamesAccepted',
  );
  assert.deepEqual(accepted, ['NamesAccepted=True NoConflicts', 'Established=True InitialNamesAccepted']);
});

test('custom resources: objects are pruned, defaulted, validated and counted in generations', async () => {
  await using cluster = await startInProcessCluster();
  await define(cluster, 'crontabs', 'CronTab');
  const crontabs = cluster.client.of(CRONTAB);
  const made = await crontabs.create(aCrontab('a', { schedule: '* *', unknown: 1 }));
  assert.deepEqual(made.spec, { schedule: '* *', replicas: 1 });
  assert.equal(made.metadata.generation, 1);
  assert.equal(
    await refusal(crontabs.create(aCrontab('b', { schedule: 'no', replicas: 0 }))),
    '422 CronTab.stable.example.com "b" is invalid: [spec.schedule: Invalid value: "no": spec.schedule in body should match \'^[0-9* ]+$\', spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1]',
  );
  assert.equal(
    await refusal(crontabs.create(aCrontab('b', {}))),
    '422 CronTab.stable.example.com "b" is invalid: spec.schedule: Required value',
  );
  const patched = await crontabs.patch('default', 'a', { spec: { replicas: 3 } }, { type: 'merge' });
  assert.deepEqual([patched.spec.replicas, patched.metadata.generation], [3, 2]);
  assert.match(
    await refusal(crontabs.patch('default', 'a', { spec: {} }, { type: 'strategic' })),
    /^415 .*application\/json-patch\+json, application\/merge-patch\+json, application\/apply-patch\+yaml$/,
  );
});

test('custom resources: status and scale are written apart from the rest', async () => {
  await using cluster = await startInProcessCluster();
  await define(cluster, 'crontabs', 'CronTab');
  const crontabs = cluster.client.of(CRONTAB);
  const made = await crontabs.create({ ...aCrontab('a'), status: { replicas: 9 } });
  assert.equal(made.status, undefined, 'a client cannot create a status');
  const status = await crontabs.patch(
    'default',
    'a',
    { spec: { replicas: 5 }, status: { replicas: 2 } },
    { type: 'merge', subresource: 'status' },
  );
  assert.deepEqual([status.spec.replicas, status.status?.replicas, status.metadata.generation], [1, 2, 1]);
  const scaled = await cluster.transport.request({
    verb: 'patch',
    resource: CRONTAB,
    namespace: 'default',
    name: 'a',
    subresource: 'scale',
    body: { spec: { replicas: 4 } },
    patchType: 'merge',
  });
  assert(isRecord(scaled));
  assert.deepEqual([scaled['spec'], scaled['status']], [{ replicas: 4 }, { replicas: 2 }]);
  assert.equal((await crontabs.get('default', 'a')).spec.replicas, 4);
});

test('custom resources: scale can be written before it can be read', async () => {
  await using cluster = await startInProcessCluster();
  const open: JSONSchemaProps = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  await define(cluster, 'crontabs', 'CronTab', [
    { ...V1, schema: { openAPIV3Schema: open }, selectableFields: [] },
  ]);
  await cluster.client.of(CRONTAB).create(aCrontab('a'));
  const scale = (verb: 'get' | 'patch', more: object = {}): Promise<unknown> =>
    cluster.transport.request({
      verb,
      resource: CRONTAB,
      namespace: 'default',
      name: 'a',
      subresource: 'scale',
      ...more,
    });
  assert.equal(
    await refusal(scale('get')),
    '500 Internal error occurred: the spec replicas field ".spec.replicas" does not exist',
  );
  await scale('patch', { body: { spec: { replicas: 4 } }, patchType: 'merge' });
  assert.deepEqual(((await scale('get')) as { spec: unknown }).spec, { replicas: 4 });
  assert.equal(
    await refusal(cluster.client.of(CRONTAB).create(aCrontab('b', { schedule: '*', replicas: -1 }))),
    '422 CronTab.stable.example.com "b" is invalid: .spec.replicas: Invalid value: -1: should be a non-negative integer',
  );
});

test('custom resources: watches end when the definition changes, and not when it is on its way out', async () => {
  await using cluster = await startInProcessCluster();
  await define(cluster, 'crontabs', 'CronTab');
  const definitions = cluster.client.of(CUSTOM_RESOURCE_DEFINITION);
  const crontabs = cluster.client.of(CRONTAB);
  const watch = async (): Promise<readonly string[]> => {
    const seen: string[] = [];
    for await (const event of crontabs.watch('default', {}, new AbortController().signal)) {
      seen.push(event.type === 'BOOKMARK' ? event.type : `${event.type} ${event.object.metadata.name}`);
    }
    return seen;
  };
  const first = watch();
  await crontabs.create(aCrontab('a'));
  await cluster.clock.settle();
  const versions = [{ ...V1, deprecated: true }];
  await definitions.patch('', 'crontabs.stable.example.com', { spec: { versions } }, { type: 'merge' });
  assert.deepEqual(await first, ['ADDED a']);
  const second = watch();
  await cluster.clock.settle();
  await definitions.delete('', 'crontabs.stable.example.com');
  assert.deepEqual(await second, ['ADDED a', 'DELETED a']);
});

test('custom resources: rules are kept, and what was broken before only warns', async () => {
  await using cluster = await startInProcessCluster();
  const ruled = (rule?: string): CustomResourceDefinitionVersion => ({
    ...V1,
    selectableFields: [],
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: {
          spec: {
            type: 'object',
            properties: {
              schedule: { type: 'string' },
              replicas: {
                type: 'integer',
                ...(rule === undefined ? {} : { 'x-kubernetes-validations': [{ rule }] }),
              },
            },
          },
        },
      },
    },
  });
  await define(cluster, 'crontabs', 'CronTab', [ruled()]);
  const crontabs = cluster.client.of(CRONTAB);
  await crontabs.create(aCrontab('a', { schedule: '*', replicas: 9 }));
  const definitions = cluster.client.of(CUSTOM_RESOURCE_DEFINITION);
  const change = (rule: string): Promise<unknown> =>
    definitions.patch(
      '',
      'crontabs.stable.example.com',
      { spec: { versions: [ruled(rule)] } },
      { type: 'merge' },
    );
  assert.match(
    await refusal(change('self < "5"')),
    /compilation failed: ERROR: <input>:1:6: found no matching/,
  );
  await change('self < 5');
  const patch = (spec: object): Promise<Crontab> =>
    crontabs.patch('default', 'a', { spec }, { type: 'merge' });
  assert.equal((await patch({ schedule: '**' })).spec.schedule, '**');
  assert.equal(
    await refusal(patch({ replicas: 8 })),
    '422 CronTab.stable.example.com "a" is invalid: spec.replicas: Invalid value: 8: failed rule: self < 5',
  );
  await patch({ replicas: 4 });
});

test('custom resources: server-side apply knows the keys of lists', async () => {
  await using cluster = await startInProcessCluster();
  await define(cluster, 'crontabs', 'CronTab');
  const crontabs = cluster.client.of(CRONTAB);
  const apply = (manager: string, ports: object): Promise<Crontab> =>
    crontabs.patch(
      'default',
      'a',
      {
        apiVersion: 'stable.example.com/v1',
        kind: 'CronTab',
        metadata: { name: 'a', namespace: 'default' },
        spec: { schedule: '*', ports: [ports] },
      },
      { type: 'apply', fieldManager: manager },
    );
  await apply('one', { name: 'web', number: 80 });
  const both = await apply('two', { name: 'metrics', number: 9090 });
  assert.deepEqual(both.spec['ports'], [
    { name: 'web', number: 80 },
    { name: 'metrics', number: 9090 },
  ]);
  assert.equal(
    await refusal(apply('two', { name: 'web', number: 81 })),
    '409 Apply failed with 1 conflict: conflict with "one": .spec.ports[name="web"].number',
  );
  const label = (labels?: Record<string, string>): Promise<Crontab> =>
    crontabs.patch(
      'default',
      'a',
      {
        apiVersion: 'stable.example.com/v1',
        kind: 'CronTab',
        metadata: { name: 'a', ...(labels === undefined ? {} : { labels }) },
      },
      { type: 'apply', fieldManager: 'labeller' },
    );
  assert.deepEqual((await label({ a: 'b' })).metadata.labels, { a: 'b' });
  assert.equal((await label()).metadata.labels, undefined, 'the last label goes, and the metadata stay');
});

test('custom resources: every version shows the same objects, and fields can be selected by', async () => {
  await using cluster = await startInProcessCluster();
  await define(cluster, 'crontabs', 'CronTab', [V1, { ...V1, name: 'v2', storage: false }]);
  await cluster.client.of(CRONTAB_V2).create(aCrontab('a'));
  await cluster.client.of(CRONTAB).create(aCrontab('b', { schedule: '1' }));
  const shown = await cluster.client.of(CRONTAB_V2).list('default');
  assert.deepEqual(
    shown.items.map(({ apiVersion, metadata }) => `${metadata.name} ${apiVersion}`),
    ['a stable.example.com/v2', 'b stable.example.com/v2'],
  );
  const selected = await cluster.client.of(CRONTAB).list('default', { fieldSelector: 'spec.schedule=1' });
  assert.deepEqual(
    selected.items.map(({ metadata }) => metadata.name),
    ['b'],
  );
});

test('custom resources: objects stored in another version, under another schema, are brought up to date', async () => {
  await using cluster = await startInProcessCluster();
  await define(cluster, 'crontabs', 'CronTab', [V1, { ...V1, name: 'v1beta1', storage: false }]);
  const definitions = cluster.client.of(CUSTOM_RESOURCE_DEFINITION);
  await cluster.client.of(CRONTAB).create(aCrontab('a'));
  const open: JSONSchemaProps = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: { schedule: { type: 'string' }, color: { type: 'string', default: 'red' } },
      },
    },
  };
  const versions = [
    { ...V1, storage: false },
    { ...V1, name: 'v1beta1', schema: { openAPIV3Schema: open }, selectableFields: [] },
  ];
  const changed = await definitions.patch(
    '',
    'crontabs.stable.example.com',
    { spec: { versions } },
    { type: 'merge' },
  );
  assert.deepEqual(changed.status.storedVersions, ['v1', 'v1beta1']);
  const beta = await cluster.client.of({ ...CRONTAB, version: 'v1beta1' }).get('default', 'a');
  assert.deepEqual(
    [beta.apiVersion, beta.spec],
    ['stable.example.com/v1beta1', { schedule: '* *' }],
    'what is read has the defaults of the version it was written in',
  );
  const betas = cluster.client.of({ ...CRONTAB, version: 'v1beta1' });
  const rewritten = await betas.update(beta);
  assert.deepEqual(rewritten.spec, { schedule: '* *', color: 'red' });
  assert.notEqual(rewritten.metadata.resourceVersion, beta.metadata.resourceVersion, 'storage is migrated');
  const again = await betas.update(rewritten);
  assert.equal(again.metadata.resourceVersion, rewritten.metadata.resourceVersion);
  assert.equal(
    await refusal(
      definitions.patch(
        '',
        'crontabs.stable.example.com',
        { spec: { versions: versions.slice(1) } },
        { type: 'merge' },
      ),
    ).then((text) => text.slice(0, 151)),
    '422 CustomResourceDefinition.apiextensions.k8s.io "crontabs.stable.example.com" is invalid: status.storedVersions[0]: Invalid value: "v1": missing from',
  );
});

test('custom resources: a definition goes when its last object is gone, and nothing new comes meanwhile', async () => {
  await using cluster = await startInProcessCluster();
  await define(cluster, 'crontabs', 'CronTab');
  const definitions = cluster.client.of(CUSTOM_RESOURCE_DEFINITION);
  const crontabs = cluster.client.of(CRONTAB);
  await crontabs.create(aCrontab('plain'));
  await crontabs.create({
    ...aCrontab('held'),
    metadata: { ...aCrontab('held').metadata, finalizers: ['example.com/hold'] },
  });
  await definitions.delete('', 'crontabs.stable.example.com');
  await cluster.clock.settle();
  const terminating = await definitions.get('', 'crontabs.stable.example.com');
  assert(conditionsOf(terminating).includes('Terminating=True InstanceDeletionInProgress'));
  const left = await crontabs.list('default');
  assert.deepEqual(
    left.items.map(({ metadata }) => metadata.name),
    ['held'],
  );
  assert.equal(
    await refusal(crontabs.create(aCrontab('new'))),
    '405 create not allowed while custom resource definition is terminating',
  );
  await crontabs.patch('default', 'held', { metadata: { finalizers: [] } }, { type: 'merge' });
  await cluster.clock.advance(2_000);
  await assert.rejects(definitions.get('', 'crontabs.stable.example.com'), isNotFound);
  await assert.rejects(crontabs.list('default'), isNotFound);
});

test('custom resources: a wrong definition is refused with everything that is wrong with it', async () => {
  await using cluster = await startInProcessCluster();
  const create = (definition: NewObject<CustomResourceDefinition>): Promise<string> =>
    refusal(cluster.client.of(CUSTOM_RESOURCE_DEFINITION).create(definition));
  const head = '422 CustomResourceDefinition.apiextensions.k8s.io "crontabs.stable.example.com" is invalid: ';
  assert.equal(
    await create(aDefinition('crontabs', 'CronTab', [{ name: 'v1', served: true, storage: true }])),
    `${head}spec.versions[0].schema.openAPIV3Schema: Required value`,
  );
  const untyped: JSONSchemaProps = { type: 'object', properties: { spec: {} } };
  assert.equal(
    await create(
      aDefinition('crontabs', 'CronTab', [
        { ...V1, schema: { openAPIV3Schema: untyped }, selectableFields: [] },
      ]),
    ),
    `${head}spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields`,
  );
  const named = aDefinition('crontabs', 'CronTab');
  assert.match(
    await create({ ...named, metadata: { name: 'wrong' } }),
    /metadata\.name: Invalid value: "wrong": must be spec\.names\.plural\+"\."\+spec\.group$/,
  );
});

test('custom resources: controllers collect their dependents and empty their namespaces', async () => {
  await using cluster = await startInProcessCluster();
  const { client, clock } = cluster;
  await using components = new ComponentSet(
    { plane: cluster.plane, clock, random: cluster.random, log: SILENT_LOGGER, metrics: cluster.metrics },
    { rootCaPem: '', podCidr: '10.244.0.0/16' },
  );
  components.start();
  await client.of(NAMESPACE).create({ metadata: { name: 'ns' } });
  await define(cluster, 'crontabs', 'CronTab');
  const owner = await client.of(CRONTAB).create(aCrontab('owner'));
  await client.of(CRONTAB).create({ ...aCrontab('inside'), metadata: { name: 'inside', namespace: 'ns' } });
  const { apiVersion, kind, metadata } = owner;
  await client.of(CONFIG_MAP).create({
    metadata: {
      name: 'owned',
      namespace: 'default',
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid }],
    },
  });
  await clock.advance(1_000);
  await client.of(CRONTAB).delete('default', 'owner');
  await client.of(NAMESPACE).delete('', 'ns');
  await clock.advance(10_000);
  await assert.rejects(client.of(CONFIG_MAP).get('default', 'owned'), isNotFound);
  await assert.rejects(client.of(NAMESPACE).get('', 'ns'), isNotFound);
  assert.deepEqual((await client.of(CRONTAB).list('')).items, []);
});
