import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TokenRequest } from '#api/types/authentication.v1.ts';
import type { Binding, Pod } from '#api/types/core.v1.ts';
import {
  CONFIG_MAP,
  CUSTOM_RESOURCE_DEFINITION,
  DEPLOYMENT,
  HORIZONTAL_POD_AUTOSCALER,
  NODE,
  POD,
  SERVICE_ACCOUNT,
  SUBJECT_ACCESS_REVIEW,
} from '#api/types/resources.ts';
import type { ResourceType } from '#api/resource-type.ts';
import type { ApiObject } from '#api/object.ts';
import { startInProcessCluster, type InProcessCluster } from './in-process-cluster.ts';
import { outcome } from './outcome.fixture.ts';
import {
  aConfigMap,
  hook,
  mutating,
  patchOf,
  RULE,
  startWebhooks,
  validating,
} from './webhook-server.fixture.ts';

function onto(...resources: readonly string[]) {
  return {
    rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: [...resources] }],
  } as const;
}

async function createPod({ client }: InProcessCluster, name: string): Promise<Pod> {
  await outcome(() =>
    client.of(SERVICE_ACCOUNT).create({ metadata: { namespace: 'default', name: 'default' } }),
  );
  return client.of(POD).create({
    metadata: { namespace: 'default', name },
    spec: { containers: [{ name: 'main', image: 'x' }] },
  });
}

test('webhooks: a scale is sent as the small object it is, and may be changed', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  const deployments = cluster.client.of(DEPLOYMENT);
  await deployments.create({
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'main', image: 'x' }] },
      },
    },
  });
  await mutating(cluster, hook(server, '/change', onto('deployments/scale')));
  await validating(cluster, hook(server, '/check', onto('deployments/scale')));
  server.answers.set('/change', () => patchOf({ op: 'replace', path: '/spec/replicas', value: 3 }));
  await deployments.subresource(
    'update',
    { namespace: 'default', name: 'web', subresource: 'scale' },
    {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { namespace: 'default', name: 'web' },
      spec: { replicas: 5 },
    },
  );
  assert.equal((await deployments.get('default', 'web')).spec.replicas, 3);
  assert.deepEqual(
    server.requests.map(({ kind, resource, subResource, object, oldObject }) => ({
      kind: kind.kind,
      resource: resource.resource,
      subResource,
      wanted: (object as unknown as { spec: { replicas: number } }).spec.replicas,
      before: (oldObject as unknown as { spec: { replicas: number } }).spec.replicas,
    })),
    [5, 3].map((wanted) => ({
      kind: 'Scale',
      resource: 'deployments',
      subResource: 'scale',
      wanted,
      before: 1,
    })),
  );
});

test('webhooks: bindings and evictions are creations of their own kinds', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  await cluster.client.of(NODE).create({
    metadata: { name: 'n', labels: { 'topology.kubernetes.io/zone': 'z' } },
  });
  await createPod(cluster, 'a');
  await mutating(cluster, hook(server, '/bind', onto('pods/binding')));
  await validating(
    cluster,
    hook(server, '/evict', onto('pods/eviction')),
    hook(server, '/pods', onto('pods')),
  );
  server.answers.set('/bind', ({ object }) =>
    patchOf({
      op: 'add',
      path: '/metadata/annotations',
      value: { bound: (object as unknown as Binding).target.name },
    }),
  );
  const pods = cluster.client.of(POD);
  await pods.subresource(
    'create',
    { namespace: 'default', name: 'a', subresource: 'binding' },
    { metadata: { name: 'a' }, target: { kind: 'Node', name: 'n' } },
  );
  const { metadata, spec } = await pods.get('default', 'a');
  assert.equal(spec.nodeName, 'n');
  assert.equal(metadata.annotations?.['bound'], 'n');
  assert.equal(metadata.labels?.['topology.kubernetes.io/zone'], 'z');
  server.answers.set('/evict', () => ({ allowed: false, status: { message: 'stay' } }));
  const evict = (): Promise<string> =>
    outcome(() =>
      pods.subresource(
        'create',
        { namespace: 'default', name: 'a', subresource: 'eviction' },
        { metadata: { name: 'a' } },
      ),
    );
  assert.equal(await evict(), '400 admission webhook "evict.hooks.example" denied the request: stay');
  server.answers.clear();
  assert.equal(await evict(), 'done');
  // Neither shows up as a write of the pod itself.
  assert.deepEqual(server.asked, ['/bind CREATE pods/a', '/evict CREATE pods/a', '/evict CREATE pods/a']);
  assert.deepEqual(
    server.requests.map(({ kind, subResource }) => `${kind.group} ${kind.kind} ${subResource ?? ''}`),
    [' Binding binding', 'policy Eviction eviction', 'policy Eviction eviction'],
  );
});

test('webhooks: mutating ones are told of deletions, and can refuse but not change them', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  const maps = cluster.client.of(CONFIG_MAP);
  await maps.create(aConfigMap('a'));
  await mutating(cluster, hook(server, '/first', { rules: [{ ...RULE, operations: ['DELETE'] }] }));
  server.answers.set('/first', () => patchOf({ op: 'add', path: '/data', value: {} }));
  assert.equal(
    await outcome(() => maps.delete('default', 'a')),
    '500 Internal error occurred: admission webhook "first.hooks.example" attempted to modify the object, which is not supported for this operation',
  );
  server.answers.set('/first', () => ({ allowed: false }));
  assert.equal(
    await outcome(() => maps.delete('default', 'a')),
    '400 admission webhook "first.hooks.example" denied the request without explanation',
  );
  server.answers.clear();
  assert.equal(await outcome(() => maps.delete('default', 'a')), 'done');
});

test('webhooks: a rule for one version takes in the others, and sees the object in its own', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  const rule = (apiVersion: string) => ({
    rules: [
      {
        operations: ['CREATE'],
        apiGroups: ['autoscaling'],
        apiVersions: [apiVersion],
        resources: ['horizontalpodautoscalers'],
      },
    ],
  });
  await mutating(cluster, hook(server, '/one', rule('v1') as Parameters<typeof hook>[2]));
  await validating(
    cluster,
    hook(server, '/two', rule('v2') as Parameters<typeof hook>[2]),
    hook(server, '/exact', { ...(rule('v1') as Parameters<typeof hook>[2]), matchPolicy: 'Exact' }),
  );
  server.answers.set('/one', () =>
    patchOf({ op: 'replace', path: '/spec/targetCPUUtilizationPercentage', value: 33 }),
  );
  const created = await cluster.client.of(HORIZONTAL_POD_AUTOSCALER).create({
    metadata: { namespace: 'default', name: 'a' },
    spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'a', apiVersion: 'apps/v1' } },
  });
  assert.equal(created.spec.metrics?.[0]?.resource?.target.averageUtilization, 33);
  assert.deepEqual(server.asked, [
    '/one CREATE horizontalpodautoscalers/a',
    '/two CREATE horizontalpodautoscalers/a',
  ]);
  const [one, two] = server.requests;
  assert.deepEqual(
    [one?.kind.version, one?.requestKind?.version, one?.resource.version, one?.requestResource?.version],
    ['v1', 'v2', 'v1', 'v2'],
  );
  assert.equal(one?.object?.['apiVersion'], 'autoscaling/v1');
  assert.deepEqual([two?.kind.version, two?.object?.['apiVersion']], ['v2', 'autoscaling/v2']);
});

test('webhooks: custom resources are shown in the version that was asked for', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  const schema = {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
    },
  };
  await cluster.client.of(CUSTOM_RESOURCE_DEFINITION).create({
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'widgets', kind: 'Widget' },
      scope: 'Namespaced',
      versions: [
        { name: 'v1', served: true, storage: true, schema },
        { name: 'v2', served: true, storage: false, schema },
      ],
    },
  });
  await cluster.clock.advance(1000);
  await mutating(
    cluster,
    hook(server, '/v1', {
      rules: [
        { operations: ['CREATE'], apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['widgets'] },
      ],
    }),
  );
  server.answers.set('/v1', () =>
    patchOf(
      { op: 'replace', path: '/spec/size', value: 7 },
      { op: 'add', path: '/spec/unknown', value: 'pruned' },
    ),
  );
  type Widget = ApiObject & { readonly spec: object };
  const type: ResourceType<Widget> = {
    group: 'example.com',
    version: 'v2',
    resource: 'widgets',
    kind: 'Widget',
    isNamespaced: true,
  };
  const created = await cluster.client
    .of(type)
    .create({ metadata: { namespace: 'default', name: 'a' }, spec: { size: 1 } });
  assert.equal(created.apiVersion, 'example.com/v2');
  assert.deepEqual(created.spec, { size: 7 });
  const [asked] = server.requests;
  assert.deepEqual(
    [asked?.kind.version, asked?.requestKind?.version, asked?.object?.['apiVersion']],
    ['v1', 'v2', 'example.com/v1'],
  );
});

test('webhooks: questions that store nothing are asked about, and tokens are shown to nobody', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  const accounts = cluster.client.of(SERVICE_ACCOUNT);
  await accounts.create({ metadata: { namespace: 'default', name: 'default' } });
  const rule = (...resources: readonly string[]) =>
    onto('subjectaccessreviews', 'serviceaccounts/token', ...resources);
  await mutating(cluster, hook(server, '/change', rule()));
  await validating(cluster, hook(server, '/check', rule()));
  server.answers.set('/change', ({ kind }) =>
    kind.kind === 'TokenRequest'
      ? patchOf({ op: 'add', path: '/spec/audiences', value: ['vault'] })
      : patchOf({ op: 'replace', path: '/spec/user', value: 'bob' }),
  );
  const review = await cluster.client.of(SUBJECT_ACCESS_REVIEW).create({
    metadata: { name: '' },
    spec: { user: 'ann', resourceAttributes: { verb: 'get', resource: 'pods' } },
  });
  assert.equal(review.spec.user, 'bob');
  const request = (): Promise<unknown> =>
    accounts.subresource(
      'create',
      { namespace: 'default', name: 'default', subresource: 'token' },
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    );
  const { spec, status } = (await request()) as TokenRequest;
  assert.deepEqual(spec.audiences, ['vault']);
  assert.ok(status.token.length > 100);
  assert.deepEqual(
    server.requests.map(({ kind, resource, subResource = '', name, object }) =>
      [kind.kind, resource.resource, subResource, name, JSON.stringify(object?.['status'])].join(' '),
    ),
    [
      'SubjectAccessReview subjectaccessreviews   {"allowed":false}',
      'SubjectAccessReview subjectaccessreviews   {"allowed":false}',
      'TokenRequest serviceaccounts token default {"token":""}',
      'TokenRequest serviceaccounts token default {"token":"","expirationTimestamp":null}',
    ],
  );
  server.answers.set('/check', () => ({ allowed: false, status: { message: 'no' } }));
  assert.equal(await outcome(request), '400 admission webhook "check.hooks.example" denied the request: no');
});
