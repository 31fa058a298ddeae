import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { StatusError } from '#api/status-error.ts';
import type {
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
  WebhookClientConfig,
} from '#api/types/apiextensions.v1.ts';
import { CUSTOM_RESOURCE_DEFINITION } from '#api/types/resources.ts';
import { startConversionServer, type ConversionServer, type Fields } from './conversion-server.fixture.ts';
import { startInProcessCluster, type InProcessCluster } from './in-process-cluster.ts';

interface Endpoint extends ApiObject {
  readonly spec: Fields;
}

const V1: ResourceType<Endpoint> = {
  group: 'example.com',
  version: 'v1',
  resource: 'endpoints',
  kind: 'Endpoint',
  isNamespaced: true,
};
const V2: ResourceType<Endpoint> = { ...V1, version: 'v2' };

function version(name: string, properties: JSONSchemaProps['properties'], storage = false) {
  const schema: JSONSchemaProps = {
    type: 'object',
    properties: { spec: { type: 'object', properties: { note: { type: 'string' }, ...properties } } },
  };
  return { name, served: true, storage, schema: { openAPIV3Schema: schema } };
}

const TEXT = { type: 'string' } as const;
const TWO = [
  version('v1', { hostPort: { ...TEXT, maxLength: 20 } }, true),
  version('v2', { host: TEXT, port: { ...TEXT, pattern: '^[0-9]+$' }, zone: { ...TEXT, default: 'a' } }),
];

async function define(
  { client, clock }: InProcessCluster,
  versions: readonly CustomResourceDefinitionVersion[],
  clientConfig?: WebhookClientConfig,
): Promise<void> {
  await client.of(CUSTOM_RESOURCE_DEFINITION).create({
    metadata: { name: 'endpoints.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'endpoints', kind: 'Endpoint' },
      versions,
      ...(clientConfig === undefined
        ? {}
        : {
            conversion: { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } },
          }),
    },
  });
  await clock.settle();
}

function at({ port, caBundle }: ConversionServer): WebhookClientConfig {
  return { url: `https://127.0.0.1:${port}/convert`, caBundle };
}

function named(name: string, spec: Fields, metadata: object = {}) {
  return { metadata: { name, namespace: 'default', ...metadata }, spec };
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

test('conversion: a webhook makes each version from the one that is stored, lists in one go', async () => {
  await using server = await startConversionServer();
  await using cluster = await startInProcessCluster();
  await define(cluster, TWO, at(server));
  const [first, second] = [cluster.client.of(V1), cluster.client.of(V2)];
  await first.create(named('one', { hostPort: 'a:1' }));
  const made = await second.create(named('two', { host: 'b', port: '2' }));
  assert.deepEqual([made.apiVersion, made.spec], ['example.com/v2', { host: 'b', port: '2' }]);
  assert.deepEqual((await first.get('default', 'two')).spec, { hostPort: 'b:2' });
  assert.deepEqual((await second.get('default', 'one')).spec, { host: 'a', port: '1' });
  server.asked.length = 0;
  await first.create(named('three', { hostPort: 'c:3' }));
  await first.create(named('four', { hostPort: 'd:4' }));
  const { items } = await second.list('default');
  assert.deepEqual(
    items.map(({ metadata, spec }) => `${metadata.name} ${String(spec['host'])}`),
    ['four d', 'one a', 'three c', 'two b'],
  );
  assert.deepEqual(server.asked, ['four,three → example.com/v2'], 'what was converted once is remembered');
});

test('conversion: every request is defaulted and checked by its own version', async () => {
  await using server = await startConversionServer();
  await using cluster = await startInProcessCluster();
  await define(cluster, TWO, at(server));
  const [first, second] = [cluster.client.of(V1), cluster.client.of(V2)];
  assert.equal(
    await refusal(second.create(named('bad', { host: 'a', port: 'x' }))),
    `422 Endpoint.example.com "bad" is invalid: spec.port: Invalid value: "x": spec.port in body should match '^[0-9]+$'`,
  );
  await first.create(named('one', { hostPort: 'a:x' }));
  const shown = await second.get('default', 'one');
  assert.deepEqual(shown.spec, { host: 'a', port: 'x' }, 'what is stored is shown, valid or not');
  const kept = await second.patch('default', 'one', { spec: { note: 'n' } }, { type: 'merge' });
  assert.equal(kept.spec['note'], 'n', 'and what did not change does not block an update');
});

test('conversion: watches show every change in their version', async () => {
  await using server = await startConversionServer();
  await using cluster = await startInProcessCluster();
  await define(cluster, TWO, at(server));
  const first = cluster.client.of(V1);
  await first.create(named('one', { hostPort: 'a:1' }));
  const seen: string[] = [];
  const aborting = new AbortController();
  const watching = (async () => {
    for await (const event of cluster.client.of(V2).watch('default', {}, aborting.signal)) {
      if (event.type !== 'BOOKMARK') {
        const { metadata, spec } = event.object;
        seen.push(`${event.type} ${metadata.name} ${String(spec['host'])}`);
      }
      if (seen.length === 3) {
        aborting.abort();
      }
    }
  })();
  await first.patch('default', 'one', { spec: { hostPort: 'b:1' } }, { type: 'merge' });
  await first.delete('default', 'one');
  await watching;
  assert.deepEqual(seen.slice(-2), ['MODIFIED one b', 'DELETED one b']);
});

test('conversion: answers that are none are told, and nothing is made of them', async () => {
  await using server = await startConversionServer();
  await using cluster = await startInProcessCluster();
  await define(cluster, TWO, at(server));
  await cluster.client.of(V1).create(named('one', { hostPort: 'a:1' }, { labels: { a: 'b' } }));
  const second = cluster.client.of(V2);
  const { convert, answer } = server;
  const head = '500 conversion webhook for example.com/v1, Kind=Endpoint';
  const cases: readonly [said: string, change: Partial<ConversionServer>][] = [
    [
      `${head} failed: no`,
      { answer: (response) => ({ ...response, result: { status: 'Failure', message: 'no' } }) },
    ],
    [`${head} failed: response.result.status was '', not 'Success'`, { answer: ({ uid }) => ({ uid }) }],
    [`${head} failed: no response provided`, { answer: () => undefined }],
    [
      `${head} returned 0 objects, expected 1`,
      { answer: (response) => ({ ...response, convertedObjects: [] }) },
    ],
    [
      `${head} returned invalid object at index 0: invalid groupVersion (expected example.com/v2, received example.com/v1)`,
      { convert: (object) => object },
    ],
    [
      `${head} returned invalid object at index 0: must have the same name: one != other`,
      {
        convert: (object, apiVersion) => ({
          ...object,
          apiVersion,
          metadata: { ...object.metadata, name: 'other' },
        }),
      },
    ],
    [
      `${head} returned invalid object at index 0: missing metadata in converted object`,
      { convert: ({ kind, spec }, apiVersion) => ({ apiVersion, kind, spec }) },
    ],
  ];
  for (const [said, change] of cases) {
    Object.assign(server, change);
    assert.equal(await refusal(second.get('default', 'one')), said);
    Object.assign(server, { convert, answer });
  }
  server.convert = (object, apiVersion) => ({
    ...(convert(object, apiVersion) as Endpoint),
    metadata: { ...object.metadata, labels: { c: 'd' }, generation: 9, finalizers: ['x.y/z'] },
  });
  const { metadata } = await second.get('default', 'one');
  assert.deepEqual(
    [metadata.labels, metadata.generation, metadata.finalizers],
    [{ c: 'd' }, 1, undefined],
    'labels may change, and nothing else of the metadata',
  );
});

test('conversion: a webhook may be a Service, and one that is not there is named', async () => {
  await using server = await startConversionServer();
  const services = {
    resolve: (_: string, name: string, port: number) =>
      name === 'converter' ? { host: '127.0.0.1', port } : 'gone',
  };
  await using cluster = await startInProcessCluster({ services });
  const service = { namespace: 'default', name: 'converter', port: server.port, path: '/convert' };
  await define(cluster, TWO, { service, caBundle: server.caBundle });
  await cluster.client.of(V1).create(named('one', { hostPort: 'a:1' }));
  assert.deepEqual((await cluster.client.of(V2).get('default', 'one')).spec, { host: 'a', port: '1' });
  await cluster.client
    .of(CUSTOM_RESOURCE_DEFINITION)
    .patch(
      '',
      'endpoints.example.com',
      { spec: { conversion: { webhook: { clientConfig: { service: { name: 'nobody' } } } } } },
      { type: 'merge' },
    );
  assert.match(
    await refusal(cluster.client.of(V2).get('default', 'one')),
    /^500 conversion webhook for example\.com\/v1, Kind=Endpoint failed: gone$/,
  );
});

test('conversion: who owns a field is told in the version that each manager writes in', async () => {
  await using server = await startConversionServer();
  await using cluster = await startInProcessCluster();
  await define(cluster, TWO, at(server));
  const [first, second] = [cluster.client.of(V1), cluster.client.of(V2)];
  const apply = (
    version: ResourceType<Endpoint>,
    manager: string,
    spec: Fields,
    force = false,
  ): Promise<Endpoint> =>
    cluster.client
      .of(version)
      .patch(
        'default',
        'one',
        { apiVersion: `example.com/${version.version}`, kind: 'Endpoint', metadata: { name: 'one' }, spec },
        { type: 'apply', fieldManager: manager, force },
      );
  const owners = ({ metadata }: Endpoint): readonly string[] =>
    (metadata.managedFields ?? []).map(
      ({ manager, apiVersion, fieldsV1 }) =>
        `${manager} ${apiVersion} ${Object.keys((fieldsV1 as { 'f:spec': object })['f:spec']).join()}`,
    );
  await apply(V1, 'old', { hostPort: 'a:1', note: 'n' });
  assert.equal(
    await refusal(apply(V2, 'new', { host: 'b' })),
    '409 Apply failed with 1 conflict: conflict with "old": .spec.hostPort',
  );
  assert.deepEqual(owners(await apply(V2, 'new', { host: 'b' }, true)), [
    'new example.com/v2 f:host',
    'old example.com/v1 f:note',
  ]);
  await second.patch('default', 'one', { spec: { note: 'm' } }, { type: 'merge', fieldManager: 'patcher' });
  const last = await first.get('default', 'one');
  assert.deepEqual(owners(last), ['new example.com/v2 f:host', 'patcher example.com/v2 f:note,f:zone']);
  assert.deepEqual(last.spec, { hostPort: 'b:1', note: 'm' });
  const moved = await apply(V1, 'new', { note: 'x' }, true);
  assert.deepEqual(owners(moved), ['new example.com/v1 f:note', 'patcher example.com/v2 f:zone']);
});

test('conversion: without one, versions share their fields and have only those of their own schema', async () => {
  await using cluster = await startInProcessCluster();
  await define(cluster, [
    version('v1', { old: TEXT }, true),
    version('v2', { new: { ...TEXT, default: 'x' } }),
  ]);
  const [first, second] = [cluster.client.of(V1), cluster.client.of(V2)];
  const made = await second.create(named('two', { note: 'n', new: 'y', old: 'z' }));
  assert.deepEqual(made.spec, { note: 'n' }, 'the stored version has no place for what is new');
  await first.create(named('one', { note: 'n', old: 'o' }));
  assert.deepEqual((await second.get('default', 'one')).spec, { note: 'n' });
  assert.deepEqual((await first.get('default', 'one')).spec, { note: 'n', old: 'o' });
});
