import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import type { AuditEvent } from '#apiserver/audit/audit-event.ts';
import { PolicyEvaluator } from '#apiserver/audit/audit-policy.ts';
import { Auditor, type AuditSink } from '#apiserver/audit/auditor.ts';
import { parseAuditPolicy } from '#apiserver/audit/policy-file.ts';
import { CLUSTER_ROLE_BINDING, CONFIG_MAP, NAMESPACE, POD, SERVICE_ACCOUNT } from '#api/types/resources.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { controllerUser } from './component-users.ts';
import { startHttpsCluster, type HttpsCluster } from './https-cluster.fixture.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const NOT_THE_SERVERS_OWN = `
- level: None
  users: ["system:apiserver", "kubernetes-admin"]
`;

interface Audited extends AsyncDisposable {
  readonly https: HttpsCluster;
  readonly events: AuditEvent[];
  readonly metrics: MetricsRegistry;
}

/** @param rules in YAML; requests of the server itself and of the test's own client are left out */
async function startAudited(rules: string, more = ''): Promise<Audited> {
  const clock = new VirtualClock();
  const metrics = new MetricsRegistry();
  const events: AuditEvent[] = [];
  const sink: AuditSink = {
    name: 'memory',
    process: (event) => events.push(event),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const text = `apiVersion: audit.k8s.io/v1\nkind: Policy\n${more}rules:${NOT_THE_SERVERS_OWN}${rules}`;
  const policy = new PolicyEvaluator(parseAuditPolicy(text, assert.fail));
  const auditor = new Auditor({ policy, sinks: [sink], clock, metrics, onFailure: assert.fail });
  const https = await startHttpsCluster({ clock, auditor });
  await https.cluster.client.of(CLUSTER_ROLE_BINDING).create({
    metadata: { name: 'admins' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'admins' }],
  });
  return { https, events, metrics, [Symbol.asyncDispose]: () => https[Symbol.asyncDispose]() };
}

function aMap(name: string): object {
  const metadata = { name, managedFields: [] };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { word: 'hidden' } };
}

test('audit: a request is recorded as it comes and when it is done, without a body at level Metadata', async () => {
  await using audited = await startAudited('- level: Metadata');
  const headers = {
    'user-agent': 'tester/1.0',
    'audit-id': 'my-id',
    'x-forwarded-for': '10.0.0.9, nonsense',
  };
  const answer = await audited.https
    .user('ann', 'admins')
    .ask('POST', `${MAPS}?fieldManager=x`, { headers, body: aMap('m') });
  assert.equal(answer.headers['audit-id'], 'my-id');
  const [received, complete] = audited.events;
  const shared = {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: 'my-id',
    requestURI: `${MAPS}?fieldManager=x`,
    verb: 'create',
    user: { username: 'ann', groups: ['admins', 'system:authenticated'], extra: received?.user.extra },
    sourceIPs: ['10.0.0.9', '127.0.0.1'],
    userAgent: 'tester/1.0',
    requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
    stageTimestamp: '2026-01-01T00:00:00.000000Z',
  };
  const objectRef = { resource: 'configmaps', namespace: 'default', apiVersion: 'v1' };
  assert.deepEqual(received, { ...shared, stage: 'RequestReceived', objectRef });
  assert.deepEqual(complete, {
    ...shared,
    stage: 'ResponseComplete',
    objectRef: { ...objectRef, name: 'm' },
    responseStatus: { metadata: {}, code: 201 },
    annotations: {
      'authorization.k8s.io/decision': 'allow',
      'authorization.k8s.io/reason':
        'RBAC: allowed by ClusterRoleBinding "admins" of ClusterRole "cluster-admin" to Group "admins"',
    },
  });
  assert.deepEqual(Object.keys(complete ?? {}).slice(0, 9), [
    'kind',
    'apiVersion',
    'level',
    'auditID',
    'stage',
    'requestURI',
    'verb',
    'user',
    'sourceIPs',
  ]);
});

const BODIES: readonly [level: string, request: string | undefined, response: string | undefined][] = [
  ['Metadata', undefined, undefined],
  ['Request', 'hidden', undefined],
  ['RequestResponse', 'hidden', 'hidden'],
];

test('audit: bodies are recorded from the level on that asks for them', async () => {
  for (const [level, request, response] of BODIES) {
    await using audited = await startAudited(`- {level: ${level}, omitManagedFields: true}`);
    const ann = audited.https.user('ann', 'admins');
    await ann.ask('POST', MAPS, { body: aMap('m') });
    await ann.ask('GET', MAPS);
    const [create, list] = audited.events.filter(({ stage }) => stage === 'ResponseComplete');
    const word = (value: unknown): unknown => (value as { data?: { word?: string } } | undefined)?.data?.word;
    assert.deepEqual([word(create?.requestObject), word(create?.responseObject)], [request, response], level);
    assert.ok(!JSON.stringify([create, list]).includes('managedFields'));
    const items = (list?.responseObject as { items?: readonly unknown[] } | undefined)?.items;
    assert.equal(items?.length, response === undefined ? undefined : 1);
  }
});

test('audit: patches are recorded as they were sent, deletions with their options', async () => {
  await using audited = await startAudited('- {level: Request, omitStages: [RequestReceived]}');
  const ann = audited.https.user('ann', 'admins');
  await ann.ask('POST', MAPS, { body: aMap('m') });
  const patch = [{ op: 'add', path: '/data/more', value: 'x' }];
  await ann.ask('PATCH', `${MAPS}/m`, {
    headers: { 'content-type': 'application/json-patch+json' },
    body: patch,
  });
  await ann.ask('DELETE', `${MAPS}/m`, {
    body: { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 },
  });
  const [, patched, deleted] = audited.events;
  assert.deepEqual(patched?.requestObject, patch);
  assert.deepEqual(deleted?.requestObject, {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    gracePeriodSeconds: 0,
  });
  assert.deepEqual([deleted?.responseStatus?.status, deleted?.responseStatus?.code], ['Success', 200]);
});

test('audit: refusals say why, and strangers are recorded without a name', async () => {
  await using audited = await startAudited('- {level: Metadata, omitStages: [RequestReceived]}');
  await audited.https.user('eve').ask('GET', MAPS);
  await audited.https.user('eve').ask('GET', MAPS, { headers: { authorization: 'Bearer nonsense' } });
  const [forbidden] = audited.events;
  assert.deepEqual(
    [forbidden?.responseStatus?.code, forbidden?.responseStatus?.reason, forbidden?.responseStatus?.status],
    [403, 'Forbidden', 'Failure'],
  );
  assert.match(forbidden?.responseStatus?.message ?? '', /User "eve" cannot list resource "configmaps"/);
  assert.equal(forbidden?.annotations?.['authorization.k8s.io/decision'], 'forbid');
  await using unknown = await startAudited('- level: Metadata');
  const request = unknown.https.stranger('GET', MAPS, { authorization: 'Bearer nonsense' });
  request.end();
  await once(request, 'response');
  assert.deepEqual(
    unknown.events.map(({ stage, user, responseStatus }) => ({ stage, user, responseStatus })),
    [
      {
        stage: 'ResponseStarted',
        user: {},
        responseStatus: { metadata: {}, message: 'Authentication failed, attempted: bearer', code: 401 },
      },
    ],
  );
});

test('audit: somebody who acts as another is recorded as both', async () => {
  await using audited = await startAudited('- {level: Metadata, omitStages: [RequestReceived]}');
  const headers = {
    'impersonate-user': 'bob',
    'impersonate-group': 'devs',
    'impersonate-uid': 'u-1',
    'impersonate-extra-reason': 'curious',
  };
  await audited.https.user('ann', 'admins').ask('GET', MAPS, { headers });
  await audited.https.user('eve').ask('GET', MAPS, { headers });
  await audited.https.user('amy', 'admins').ask('GET', MAPS, { headers: { 'impersonate-user': 'bob' } });
  const [acting, refused, constrained] = audited.events;
  assert.deepEqual(constrained?.authenticationMetadata, { impersonationConstraint: 'impersonate:user-info' });
  assert.equal(acting?.authenticationMetadata, undefined);
  assert.equal(acting?.user.username, 'ann');
  assert.deepEqual(acting?.impersonatedUser, {
    username: 'bob',
    uid: 'u-1',
    groups: ['devs', 'system:authenticated'],
    extra: { reason: ['curious'] },
  });
  assert.match(acting?.responseStatus?.message ?? '', /User "bob" cannot list/);
  assert.equal(refused?.impersonatedUser, undefined);
  assert.match(
    refused?.responseStatus?.message ?? '',
    /User "eve" cannot impersonate-on:user-info:list resource "configmaps"/,
  );
});

test('audit: a watch is recorded when it begins and when it ends', async () => {
  await using audited = await startAudited('- level: Metadata');
  const watch = audited.https.user('ann', 'admins').open('GET', `${MAPS}?watch=1&timeoutSeconds=1`);
  watch.end();
  const [stream] = (await once(watch, 'response')) as [IncomingMessage];
  const stages = (): readonly string[] => audited.events.map(({ stage }) => stage);
  assert.deepEqual(stages(), ['RequestReceived', 'ResponseStarted']);
  const ended = once(stream.resume(), 'end');
  await audited.https.cluster.clock.advance(1_000);
  await ended;
  await audited.https.cluster.clock.settle();
  assert.deepEqual(stages(), ['RequestReceived', 'ResponseStarted', 'ResponseComplete']);
  assert.equal(audited.events[2]?.stageTimestamp, '2026-01-01T00:00:01.000000Z');
});

test('audit: components in this process are recorded too, and rules decide for each request', async () => {
  await using audited = await startAudited(`
- {level: None, resources: [{group: "", resources: [configmaps]}]}
- level: RequestResponse
  users: ["system:serviceaccount:kube-system:deployment-controller"]
  omitStages: [RequestReceived]
`);
  const { plane } = audited.https.cluster;
  const controller = plane.clientOf(controllerUser('deployment-controller'), 'kube-controller-manager');
  await assert.rejects(controller.of(CONFIG_MAP).list('default'), /forbidden/);
  await assert.rejects(controller.of(NAMESPACE).list(''), /forbidden/);
  const [event, ...others] = audited.events;
  assert.equal(others.length, 0);
  assert.deepEqual(
    [event?.requestURI, event?.verb, event?.userAgent, event?.sourceIPs, event?.responseStatus?.code],
    ['/api/v1/namespaces', 'list', 'kube-controller-manager', ['::1'], 403],
  );
  assert.equal((event?.responseObject as { reason?: string } | undefined)?.reason, 'Forbidden');
  assert.match(audited.metrics.render(), /apiserver_audit_event_total 1\n/);
});

test('audit: admission annotates', async () => {
  await using audited = await startAudited('- {level: Metadata, omitStages: [RequestReceived]}');
  const { client } = audited.https.cluster;
  await client.of(NAMESPACE).create({
    metadata: {
      name: 'strict',
      labels: {
        'pod-security.kubernetes.io/enforce': 'privileged',
        'pod-security.kubernetes.io/audit': 'restricted',
      },
    },
  });
  await client.of(SERVICE_ACCOUNT).create({ metadata: { name: 'default', namespace: 'strict' } });
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  };
  await audited.https.user('ann', 'admins').ask('POST', '/api/v1/namespaces/strict/pods', { body: pod });
  assert.equal((await client.of(POD).list('strict')).items.length, 1);
  const annotations = audited.events[0]?.annotations ?? {};
  assert.equal(annotations['pod-security.kubernetes.io/enforce-policy'], 'privileged:latest');
  assert.match(
    annotations['pod-security.kubernetes.io/audit-violations'] ?? '',
    /^would violate PodSecurity "restricted:latest"/,
  );
});
