import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import { CONFIG_MAP, EVENT, LEASE, POD, SECRET } from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { startCluster, type TestCluster } from '#testing/testing.ts';
import { customResource, type CustomObject } from './custom-resource.ts';
import { controller, watch, type OperatorController } from './define-controller.ts';
import { NotCachedError, startOperator, type Operator, type OperatorOptions } from './operator.ts';
import { OwnerReferenceError } from './owner-references.ts';

interface Greeting extends CustomObject<{ readonly text: string }, { readonly seen?: string }> {}

const GREETING = customResource<Greeting>({
  group: 'test.example.com',
  version: 'v1',
  kind: 'Greeting',
  plural: 'greetings',
});

const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'greetings.test.example.com' },
  spec: {
    group: 'test.example.com',
    scope: 'Namespaced',
    names: { plural: 'greetings', kind: 'Greeting' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
};

async function withGreetings(): Promise<TestCluster> {
  const cluster = await startCluster({ nodes: 0, hasComponents: false });
  await cluster.apply(DEFINITION);
  await cluster.clock.settle();
  return cluster;
}

function run(
  cluster: TestCluster,
  controllers: readonly OperatorController[],
  options: Partial<OperatorOptions> = {},
): Promise<Operator> {
  return startOperator({ name: 'greeter', connection: cluster.connect(), controllers, ...options });
}

function greet(cluster: TestCluster, text: string, name = 'hello'): Promise<Greeting> {
  return cluster.create(GREETING, { metadata: { name }, spec: { text } });
}

test('operator: reconciles each object, and its owner when what it owns changes', async () => {
  await using cluster = await withGreetings();
  const seen: string[] = [];
  const greetings = controller({
    resource: GREETING,
    owns: [CONFIG_MAP],
    async reconcile(greeting, context) {
      const { name } = greeting.metadata;
      const owned = context.owned(CONFIG_MAP).map(({ data }) => data?.['text']);
      seen.push(`${name}: ${owned.join()}`);
      await context.apply(CONFIG_MAP, { metadata: { name }, data: { text: greeting.spec.text } });
      await context.updateStatus({ seen: greeting.spec.text });
    },
  });
  await using _operator = await run(cluster, [greetings]);
  await greet(cluster, 'good morning');
  await cluster.clock.settle();
  const { metadata, data } = await cluster.get({ resource: CONFIG_MAP, name: 'hello' });
  assert.deepEqual(data, { text: 'good morning' });
  assert.equal(metadata.ownerReferences?.[0]?.kind, 'Greeting');
  assert.equal(metadata.managedFields?.[0]?.manager, 'greeter');
  assert.deepEqual((await cluster.get({ resource: GREETING, name: 'hello' })).status, {
    seen: 'good morning',
  });
  seen.length = 0;
  await cluster.delete('configmap/hello');
  await cluster.clock.settle();
  assert.deepEqual(seen, ['hello: ', 'hello: good morning']);
  assert.ok(await cluster.get({ resource: CONFIG_MAP, name: 'hello' }), 'it is made again');
});

test('operator: an unchanged world is not written to', async () => {
  await using cluster = await withGreetings();
  let passes = 0;
  const greetings = controller({
    resource: GREETING,
    async reconcile({ spec }, context) {
      passes++;
      await context.apply(CONFIG_MAP, { metadata: { name: 'one' }, data: { text: spec.text } });
      await context.updateStatus({ seen: spec.text });
      return { requeueAfter: { minutes: 1 } };
    },
  });
  await using _operator = await run(cluster, [greetings]);
  await greet(cluster, 'once');
  await cluster.clock.settle();
  const before = cluster.timeline().length;
  const passesBefore = passes;
  await cluster.clock.advance({ minutes: 10 });
  assert.equal(passes - passesBefore, 10);
  assert.equal(cluster.timeline().length, before);
});

test('operator: a finalizer is set before the first pass and taken off once its work is done', async () => {
  await using cluster = await withGreetings();
  const log: string[] = [];
  let tries = 0;
  const greetings = controller({
    resource: GREETING,
    finalizer: {
      name: 'test.example.com/farewell',
      async finalize({ metadata }) {
        tries++;
        log.push(`finalize ${metadata.name}`);
        if (tries === 1) {
          throw new Error('not yet');
        }
        return tries === 2 ? { requeueAfter: { seconds: 5 } } : {};
      },
    },
    async reconcile({ metadata }) {
      log.push(`reconcile ${metadata.name} ${metadata.finalizers?.join()}`);
    },
  });
  await using _operator = await run(cluster, [greetings]);
  await greet(cluster, 'hi');
  await cluster.clock.settle();
  assert.equal(log[0], 'reconcile hello test.example.com/farewell');
  log.length = 0;
  await cluster.delete({ resource: GREETING, name: 'hello' });
  await cluster.clock.advance({ seconds: 1 });
  assert.deepEqual(log, ['finalize hello', 'finalize hello']);
  assert.ok(await cluster.get({ resource: GREETING, name: 'hello' }), 'it is held until the work is done');
  await cluster.clock.advance({ seconds: 5 });
  await assert.rejects(cluster.get({ resource: GREETING, name: 'hello' }), /not found/);
});

test('operator: a watched resource reconciles whatever it concerns', async () => {
  await using cluster = await withGreetings();
  const seen: string[] = [];
  const greetings = controller({
    resource: GREETING,
    watches: [
      watch(SECRET, ({ metadata }, cached) =>
        cached(GREETING)
          .list()
          .filter(({ spec }) => spec.text === metadata.name)
          .map((each) => `${each.metadata.namespace}/${each.metadata.name}`),
      ),
    ],
    async reconcile({ metadata }, context) {
      seen.push(`${metadata.name} ${context.cached(SECRET).list().length}`);
    },
  });
  await using _operator = await run(cluster, [greetings]);
  await greet(cluster, 'password', 'a');
  await greet(cluster, 'other', 'b');
  await cluster.clock.settle();
  seen.length = 0;
  await cluster.create(SECRET, { metadata: { name: 'password' } });
  await cluster.clock.settle();
  assert.deepEqual(seen, ['a 1']);
});

test('operator: events are about the object at hand and name the operator', async () => {
  await using cluster = await withGreetings();
  const greetings = controller({
    resource: GREETING,
    async reconcile(_, { event }) {
      event('Warning', 'TooLoud', 'speak softly');
    },
  });
  await using _operator = await run(cluster, [greetings]);
  await greet(cluster, 'HELLO');
  await cluster.clock.settle();
  const events = await cluster.list(EVENT);
  assert.deepEqual(
    events.map(({ type, reason, message, source, involvedObject }) => [
      type,
      reason,
      message,
      source?.component,
      involvedObject.kind,
    ]),
    [['Warning', 'TooLoud', 'speak softly', 'greeter', 'Greeting']],
  );
});

test('operator: what fails is tried again, later each time', async () => {
  await using cluster = await withGreetings();
  const atMs: number[] = [];
  const startMs = cluster.clock.nowMs();
  const greetings = controller({
    resource: GREETING,
    async reconcile(_, context) {
      atMs.push(context.now().getTime() - startMs);
      throw new Error('always');
    },
  });
  await using _operator = await run(cluster, [greetings]);
  await greet(cluster, 'x');
  await cluster.clock.advance({ seconds: 1 });
  assert.deepEqual(atMs, [0, 5, 15, 35, 75, 155, 315, 635]);
});

test('operator: of two that elect a leader one works; when it falls silent the other follows', async () => {
  await using cluster = await withGreetings();
  const by: string[] = [];
  const options = (identity: string): Partial<OperatorOptions> => ({
    leaderElection: { namespace: 'default', identity },
  });
  const greetings = (identity: string): OperatorController =>
    controller({
      resource: GREETING,
      async reconcile({ metadata }) {
        by.push(`${identity} ${metadata.name}`);
      },
    });
  const first = await run(cluster, [greetings('first')], options('first'));
  await cluster.clock.advance({ seconds: 1 });
  await using second = await run(cluster, [greetings('second')], options('second'));
  await greet(cluster, 'x');
  await cluster.clock.advance({ seconds: 20 });
  assert.deepEqual(by, ['first hello']);
  await first.close();
  await cluster.clock.advance({ seconds: 10 });
  assert.ok(second.isLeading);
  assert.deepEqual(by, ['first hello', 'second hello']);
});

test('operator: a mistake of its author is an error that says what to do', async () => {
  await using cluster = await withGreetings();
  const errors: unknown[] = [];
  const noted = async (attempt: () => unknown): Promise<void> => {
    try {
      await attempt();
    } catch (error) {
      errors.push(error);
    }
  };
  const greetings = controller({
    resource: GREETING,
    async reconcile(_, context) {
      await noted(() => context.cached(POD));
      await noted(() =>
        context.apply(CONFIG_MAP, { metadata: { name: 'x', namespace: 'kube-system' }, data: {} }),
      );
    },
  });
  await using _operator = await run(cluster, [greetings]);
  await greet(cluster, 'x');
  await cluster.clock.settle();
  assert.ok(errors[0] instanceof NotCachedError);
  assert.ok(errors[1] instanceof OwnerReferenceError);
});

test('operator: in one namespace, rights in it are enough', async () => {
  await using cluster = await withGreetings();
  const rules = [
    { apiGroups: ['test.example.com'], resources: ['greetings'], verbs: ['list', 'watch'] },
    { apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] },
  ];
  const role = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'greeter' };
  const subjects = [{ kind: 'ServiceAccount', name: 'greeter', namespace: 'default' }];
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  await cluster.apply([
    { apiVersion, kind: 'Role', metadata: { name: 'greeter' }, rules },
    { apiVersion, kind: 'RoleBinding', metadata: { name: 'greeter' }, roleRef: role, subjects },
  ]);
  const seen: string[] = [];
  const greetings = controller({
    resource: GREETING,
    owns: [CONFIG_MAP],
    async reconcile({ metadata }) {
      seen.push(`${metadata.namespace}/${metadata.name}`);
    },
  });
  const connection = cluster.connect({ serviceAccount: 'default/greeter' });
  await using _operator = await run(cluster, [greetings], { connection, namespace: 'default' });
  await greet(cluster, 'here');
  await cluster.create(GREETING, { metadata: { name: 'far', namespace: 'kube-system' }, spec: { text: '' } });
  await cluster.clock.settle();
  assert.deepEqual(seen, ['default/hello']);
});

test('operator: the same seed gives the same history, with an operator and faults on its requests too', async () => {
  const transcript = async (): Promise<readonly string[]> => {
    await using cluster = await startCluster({ nodes: 1, seed: 7 });
    await cluster.apply(DEFINITION);
    const greetings = controller({
      resource: GREETING,
      owns: [CONFIG_MAP],
      async reconcile(greeting, context) {
        const { name } = greeting.metadata;
        await context.apply(CONFIG_MAP, { metadata: { name }, data: { text: greeting.spec.text } });
        await context.updateStatus({ seen: context.now().toISOString() });
        context.event('Normal', 'Greeted', name);
        return { requeueAfter: { minutes: 1 } };
      },
    });
    const leaderElection = { namespace: 'default', identity: 'one' };
    await using _operator = await run(cluster, [greetings], { leaderElection });
    cluster.fault({ resource: 'configmaps', share: 0.3 }, { kind: 'lose-answer' });
    for (const name of ['a', 'b', 'c']) {
      await cluster.apply({
        apiVersion: 'test.example.com/v1',
        kind: 'Greeting',
        metadata: { name },
        spec: { text: name },
      });
    }
    await cluster.clock.advance({ minutes: 2 });
    return cluster.transcript();
  };
  const [first, second] = [await transcript(), await transcript()];
  assert.ok(first.length > 100);
  assert.deepEqual(first, second);
});

test('operator: over HTTPS it is the same', async () => {
  await using cluster = await withGreetings();
  const { connect } = await import('#client/connection.ts');
  const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const directory = mkdtempSync(join(tmpdir(), 'coracle-operator-'));
  try {
    const path = join(directory, 'kubeconfig');
    writeFileSync(path, await cluster.kubeconfig());
    const reconciled = Promise.withResolvers<ApiObject>();
    const greetings = controller({
      resource: GREETING,
      async reconcile(greeting, context) {
        await context.updateStatus({ seen: greeting.spec.text });
        reconciled.resolve(greeting);
      },
    });
    await using connection = connect({ kubeconfig: path, log: SILENT_LOGGER });
    const operator = await startOperator({
      name: 'greeter',
      connection,
      controllers: [greetings],
      leaderElection: { namespace: 'default' },
    });
    await greet(cluster, 'over the wire');
    await reconciled.promise;
    await operator.close();
    const lease = await cluster.get({ resource: LEASE, name: 'greeter' });
    assert.equal(lease.spec.holderIdentity, '', 'given back at the end');
    const { status } = await cluster.get({ resource: GREETING, name: 'hello' });
    assert.deepEqual(status, { seen: 'over the wire' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
