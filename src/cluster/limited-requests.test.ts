import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import type { FlowSchema } from '#api/types/flowcontrol.v1.ts';
import { CLUSTER_ROLE_BINDING, FLOW_SCHEMA, PRIORITY_LEVEL_CONFIGURATION } from '#api/types/resources.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { answerOf, startHttpsCluster, type HttpsCluster } from './https-cluster.fixture.ts';

const TRIES_MAX = 100;
const MAPS = '/api/v1/namespaces/default/configmaps';

async function startLimited(): Promise<HttpsCluster> {
  const https = await startHttpsCluster({ limits: { inFlight: { reading: 5, mutating: 5 } } });
  await https.cluster.client.of(CLUSTER_ROLE_BINDING).create({
    metadata: { name: 'everybody' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:authenticated' }],
  });
  await https.cluster.clock.settle();
  return https;
}

/** A schema for one user, and a level of one seat of the server's ten, without queues. */
async function giveOneSeat({ cluster: { client } }: HttpsCluster, user: string): Promise<void> {
  await client.of(PRIORITY_LEVEL_CONFIGURATION).create({
    metadata: { name: 'narrow' },
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: 1,
        borrowingLimitPercent: 0,
        limitResponse: { type: 'Reject' },
      },
    },
  });
  await client.of(FLOW_SCHEMA).create({ metadata: { name: 'narrow' }, spec: schemaSpec('narrow', user) });
}

function schemaSpec(level: string, user: string): FlowSchema['spec'] {
  const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true };
  return {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence: 10,
    rules: [{ subjects: [{ kind: 'User', user: { name: user } }], resourceRules: [all] }],
  };
}

function danglingOf(schema: FlowSchema): string {
  const { conditions = [] } = schema.status;
  return conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`).join();
}

test('limited requests: the default objects are there and answers say by UID which ones decided', async () => {
  await using https = await startLimited();
  const { client } = https.cluster;
  const levels = await client.of(PRIORITY_LEVEL_CONFIGURATION).list('');
  const schemas = await client.of(FLOW_SCHEMA).list('');
  assert.deepEqual([levels.items.length, schemas.items.length], [8, 11]);
  assert.deepEqual(new Set(schemas.items.map(danglingOf)), new Set(['Dangling=False Found']));
  const uidOf = (
    list: { items: readonly { metadata: { name: string; uid: string } }[] },
    name: string,
  ): string => list.items.find(({ metadata }) => metadata.name === name)?.metadata.uid ?? '';
  const { headers } = await https.user('eve').ask('GET', MAPS);
  assert.equal(headers['x-kubernetes-pf-flowschema-uid'], uidOf(schemas, 'global-default'));
  assert.equal(headers['x-kubernetes-pf-prioritylevel-uid'], uidOf(levels, 'global-default'));
  const admin = await https.user('root', 'system:masters').ask('GET', MAPS);
  assert.equal(admin.headers['x-kubernetes-pf-flowschema-uid'], uidOf(schemas, 'exempt'));
});

test('limited requests: a full level refuses in upstream’s words, and others are not touched', async () => {
  await using https = await startLimited();
  await giveOneSeat(https, 'eve');
  const eve = https.user('eve');
  const slow = eve.open('POST', MAPS, { 'content-type': 'application/json' });
  const refused = await untilRefused(slow, () => eve.ask('GET', MAPS));
  assert.equal(refused.code, 429);
  assert.equal(refused.body, 'Too many requests, please try again later.\n');
  assert.equal(refused.headers['retry-after'], '1');
  assert.equal(refused.headers['content-type'], 'text/plain; charset=utf-8');
  assert.match(String(refused.headers['x-kubernetes-pf-prioritylevel-uid']), /^[-0-9a-f]{36}$/);
  assert.equal((await https.user('bob').ask('GET', MAPS)).code, 200);
  const metrics = https.cluster.metrics.render();
  assert.match(metrics, /apiserver_current_inflight_requests\{request_kind="mutating"\} 1\n/);
  assert.match(
    metrics,
    /apiserver_request_terminations_total\{component="apiserver",code="429",group="",resource="configmaps",scope="namespace",subresource="",verb="LIST",version="v1"\} 1\n/,
  );
  slow.end(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } }));
  assert.equal((await answerOf(slow)).code, 201);
  assert.equal((await eve.ask('GET', MAPS)).code, 200);
});

/** The head of a request with a body to come takes its seat once it has arrived. */
async function untilRefused<T extends { readonly code: number | undefined }>(
  slow: { flushHeaders(): void },
  ask: () => Promise<T>,
): Promise<T> {
  slow.flushHeaders();
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const answer = await ask();
    if (answer.code === 429) {
      return answer;
    }
  }
  throw new Error('no request was refused');
}

test('limited requests: a watch gives its seat back once it has begun', async () => {
  await using https = await startLimited();
  await giveOneSeat(https, 'eve');
  const eve = https.user('eve');
  const watch = eve.open('GET', `${MAPS}?watch=1`);
  watch.end();
  const [stream] = (await once(watch, 'response')) as [IncomingMessage];
  assert.equal(stream.statusCode, 200);
  assert.equal((await eve.ask('GET', MAPS)).code, 200);
  stream.destroy();
});

test('limited requests: deleted objects of the server come back, changed ones stay where an administrator says so', async () => {
  await using https = await startLimited();
  const { client, clock } = https.cluster;
  const levels = client.of(PRIORITY_LEVEL_CONFIGURATION);
  await levels.delete('', 'catch-all');
  const change = { spec: { limited: { nominalConcurrencyShares: 7 } } };
  await levels.patch('', 'workload-low', change, { type: 'merge' });
  await levels.patch(
    '',
    'workload-high',
    { ...change, metadata: { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'false' } } },
    { type: 'merge' },
  );
  await clock.advance(60_000);
  const sharesOf = async (name: string): Promise<number | undefined> =>
    (await levels.get('', name)).spec.limited?.nominalConcurrencyShares;
  assert.deepEqual(
    await Promise.all(['catch-all', 'workload-low', 'workload-high'].map(sharesOf)),
    [5, 100, 7],
  );
});

test('limited requests: a schema says whether its level is there', async () => {
  await using https = await startLimited();
  const { client, clock } = https.cluster;
  const schemas = client.of(FLOW_SCHEMA);
  await schemas.create({ metadata: { name: 'lost' }, spec: schemaSpec('nowhere', 'eve') });
  await clock.settle();
  const lost = await schemas.get('', 'lost');
  assert.equal(danglingOf(lost), 'Dangling=True NotFound');
  assert.equal(
    lost.status.conditions?.[0]?.message,
    'This FlowSchema references the PriorityLevelConfiguration object named "nowhere" but there is no such object',
  );
  assert.deepEqual(
    lost.metadata.managedFields?.map(({ manager, operation, subresource }) => [
      manager,
      operation,
      subresource,
    ]),
    [
      ['api-priority-and-fairness-config-consumer-v1', 'Apply', 'status'],
      ['test', 'Update', undefined],
    ],
  );
});

test('limited requests: a request ends when its time is over', async () => {
  await using https = await startLimited();
  const { clock } = https.cluster;
  const eve = https.user('eve');
  const wrong = await eve.ask('GET', `${MAPS}?timeout=soon`);
  assert.equal(wrong.code, 400);
  assert.match(wrong.body, /invalid timeout specified in the request URL - time: invalid duration/);
  const slow = eve.open('POST', `${MAPS}?timeout=2s`, { 'content-type': 'application/json' });
  slow.flushHeaders();
  const answer = answerOf(slow);
  // The head travels over a real socket; the server's timer is there once it has arrived.
  while (clock.nextDueMs() === undefined || (clock.nextDueMs() ?? 0) > clock.nowMs() + 2_000) {
    await clock.settle();
  }
  await clock.advance(2_000);
  const { code, body } = await answer;
  assert.equal(code, 504);
  const { reason, message } = JSON.parse(body);
  const isServed = (): boolean =>
    !/apiserver_current_inflight_requests\{request_kind="mutating"\} 0\n/.test(
      https.cluster.metrics.render(),
    );
  for (let tries = 0; isServed(); tries++) {
    assert.ok(tries < TRIES_MAX, 'a body that never ends keeps its seat');
    await clock.settle();
  }
  assert.deepEqual(
    [reason, message],
    ['Timeout', 'Timeout: request did not complete within the allotted timeout'],
  );
});

test('limited requests: without priority and fairness two counters remain', async () => {
  await using https = await startHttpsCluster({
    limits: { priorityAndFairness: false, inFlight: { reading: 1, mutating: 1 } },
  });
  const { client } = https.cluster;
  assert.equal((await client.of(FLOW_SCHEMA).list('')).items.length, 0);
  const answer = await https.user('eve').ask('GET', '/version');
  assert.deepEqual([answer.code, answer.headers['x-kubernetes-pf-flowschema-uid']], [200, undefined]);
});

test('limited requests: time of their own lets requests outlast leaps of a virtual clock', async () => {
  const trafficClock = new VirtualClock();
  await using https = await startHttpsCluster({ trafficClock });
  const root = https.user('root', 'system:masters');
  const slow = root.open('POST', MAPS, { 'content-type': 'application/json' });
  slow.flushHeaders();
  const isServed = (): boolean =>
    /apiserver_current_inflight_requests\{request_kind="mutating"\} 1\n/.test(https.cluster.metrics.render());
  for (let tries = 0; !isServed(); tries++) {
    assert.ok(tries < TRIES_MAX, 'the request does not arrive');
    await https.cluster.clock.settle();
  }
  await https.cluster.clock.advance(3_600_000);
  slow.end(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } }));
  assert.equal((await answerOf(slow)).code, 201);
});
