import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  ADD,
  ApiException,
  AppsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  DELETE,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  UPDATE,
  Watch,
  type V1ConfigMap,
  type V1Pod,
} from '@kubernetes/client-node';
import { SystemClock } from '#base/clock.ts';
import { Workplace } from './program.fixture.ts';

const NAMESPACE = 'default';
const place = new Workplace();
const clock = new SystemClock();
const config = new KubeConfig();

before(async () => {
  const { directory } = await place.up('client-node', '--nodes', 'sim:2', '--port', '0');
  config.loadFromFile(join(directory, 'admin.conf'));
});

after(() => place[Symbol.asyncDispose]());

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const endMs = clock.monotonicMs() + 20_000; !(await condition());) {
    assert.ok(clock.monotonicMs() < endMs, 'it did not happen in time');
    await clock.sleep(20);
  }
}

function configMap(name: string, data: Readonly<Record<string, string>>): V1ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: NAMESPACE }, data };
}

test('client-node: an informer follows the pods of a Deployment as it grows and goes', async () => {
  const core = config.makeApiClient(CoreV1Api);
  const apps = config.makeApiClient(AppsV1Api);
  const running = new Set<string>();
  const informer = makeInformer<V1Pod>(config, `/api/v1/namespaces/${NAMESPACE}/pods`, () =>
    core.listNamespacedPod({ namespace: NAMESPACE }),
  );
  const note = ({ metadata, status }: V1Pod): void => {
    if (status?.phase === 'Running') {
      running.add(metadata?.name ?? '');
    }
  };
  informer.on(ADD, note);
  informer.on(UPDATE, note);
  informer.on(DELETE, ({ metadata }: V1Pod) => running.delete(metadata?.name ?? ''));
  await informer.start();
  try {
    const labels = { app: 'web' };
    await apps.createNamespacedDeployment({
      namespace: NAMESPACE,
      body: {
        metadata: { name: 'web' },
        spec: {
          replicas: 3,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'app' }] } },
        },
      },
    });
    await until(() => running.size === 3);
    await apps.deleteNamespacedDeployment({ namespace: NAMESPACE, name: 'web' });
    await until(() => running.size === 0);
  } finally {
    await informer.stop();
  }
});

test('client-node: a watch from a revision brings every later change in order', async () => {
  const core = config.makeApiClient(CoreV1Api);
  const { metadata } = await core.listNamespacedConfigMap({ namespace: NAMESPACE });
  const seen: string[] = [];
  const ended = Promise.withResolvers<unknown>();
  const stop = await new Watch(config).watch(
    `/api/v1/namespaces/${NAMESPACE}/configmaps`,
    { resourceVersion: metadata?.resourceVersion ?? '' },
    (type: string, object: V1ConfigMap) =>
      seen.push(`${type} ${object.metadata?.name} ${object.data?.['a'] ?? ''}`),
    (error: unknown) => ended.resolve(error),
  );
  await core.createNamespacedConfigMap({ namespace: NAMESPACE, body: configMap('seen', { a: '1' }) });
  await core.replaceNamespacedConfigMap({
    namespace: NAMESPACE,
    name: 'seen',
    body: configMap('seen', { a: '2' }),
  });
  await core.deleteNamespacedConfigMap({ namespace: NAMESPACE, name: 'seen' });
  await until(() => seen.length === 3);
  stop.abort();
  await ended.promise;
  assert.deepEqual(seen, ['ADDED seen 1', 'MODIFIED seen 2', 'DELETED seen 2']);
});

test('client-node: server-side apply tells who else owns a field, and takes it when forced', async () => {
  const objects = KubernetesObjectApi.makeApiClient(config);
  const apply = (manager: string, value: string, force: boolean): Promise<V1ConfigMap> =>
    objects.patch<V1ConfigMap>(
      configMap('applied', { a: value }),
      undefined,
      undefined,
      manager,
      force,
      PatchStrategy.ServerSideApply,
    );
  await apply('one', '1', false);
  await assert.rejects(apply('two', '2', false), (error: unknown) => {
    assert.ok(error instanceof ApiException);
    assert.equal(error.code, 409);
    assert.match(String(error.body), /conflict with \\"one\\": \.data\.a/);
    return true;
  });
  const { metadata, data } = await apply('two', '2', true);
  assert.deepEqual(data, { a: '2' });
  assert.deepEqual(
    metadata?.managedFields?.map(({ manager, operation }) => `${manager} ${operation}`),
    ['two Apply'],
  );
});

test('client-node: the three other patches', async () => {
  const core = config.makeApiClient(CoreV1Api);
  await core.createNamespacedConfigMap({ namespace: NAMESPACE, body: configMap('patched', { a: '1' }) });
  const patch = async (strategy: string, body: unknown): Promise<V1ConfigMap['data']> => {
    const { data } = await core.patchNamespacedConfigMap(
      { namespace: NAMESPACE, name: 'patched', body },
      setHeaderOptions('Content-Type', strategy),
    );
    return data;
  };
  assert.deepEqual(await patch(PatchStrategy.MergePatch, { data: { b: '2' } }), { a: '1', b: '2' });
  assert.deepEqual(await patch(PatchStrategy.StrategicMergePatch, { data: { a: null } }), { b: '2' });
  const steps = [
    { op: 'test', path: '/data/b', value: '2' },
    { op: 'replace', path: '/data/b', value: '3' },
  ];
  assert.deepEqual(await patch(PatchStrategy.JsonPatch, steps), { b: '3' });
  await assert.rejects(patch(PatchStrategy.JsonPatch, steps), ApiException, 'the value is another one now');
});

test('client-node: custom resources, chunks, and a Status for every refusal', async () => {
  const objects = KubernetesObjectApi.makeApiClient(config);
  await objects.create({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: { spec: { type: 'object', properties: { size: { type: 'integer', minimum: 1 } } } },
            },
          },
        },
      ],
    },
  } as Parameters<typeof objects.create>[0]);
  const custom = config.makeApiClient(CustomObjectsApi);
  const place_ = { group: 'example.com', version: 'v1', namespace: NAMESPACE, plural: 'widgets' };
  const widget = (name: string, size: number): object => ({
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name },
    spec: { size },
  });
  await until(async () => {
    const made = custom.createNamespacedCustomObject({ ...place_, body: widget('a', 1) });
    return made.then(
      () => true,
      (error: unknown) => error instanceof ApiException && error.code === 409,
    );
  });
  await custom.createNamespacedCustomObject({ ...place_, body: widget('b', 2) });
  const page = (await custom.listNamespacedCustomObject({ ...place_, limit: 1 })) as {
    readonly items: readonly object[];
    readonly metadata: { readonly continue?: string; readonly remainingItemCount?: number };
  };
  assert.equal(page.items.length, 1);
  assert.equal(page.metadata.remainingItemCount, 1);
  await assert.rejects(
    custom.createNamespacedCustomObject({ ...place_, body: widget('c', 0) }),
    (error: unknown) => {
      assert.ok(error instanceof ApiException);
      assert.equal(error.code, 422);
      assert.match(String(error.body), /spec\.size in body should be greater than or equal to 1/);
      return true;
    },
  );
});

test('client-node: who may do what', async () => {
  const authorization = config.makeApiClient(AuthorizationV1Api);
  const { status } = await authorization.createSelfSubjectAccessReview({
    body: { spec: { resourceAttributes: { verb: 'delete', resource: 'nodes' } } },
  });
  assert.equal(status?.allowed, true);
});
