import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewObject } from '#api/object.ts';
import { StatusError } from '#api/status-error.ts';
import type { TokenRequest, TokenReview } from '#api/types/authentication.v1.ts';
import type { Node, Pod, ResourceQuota } from '#api/types/core.v1.ts';
import type { ClusterRole } from '#api/types/rbac.v1.ts';
import {
  CLUSTER_ROLE,
  CLUSTER_ROLE_BINDING,
  CONFIG_MAP,
  LEASE,
  LIMIT_RANGE,
  NAMESPACE,
  NODE,
  POD,
  RESOURCE_QUOTA,
  SECRET,
  SERVICE_ACCOUNT,
  TOKEN_REVIEW,
} from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';
import { nodeUser } from './component-users.ts';
import { startInProcessCluster } from './in-process-cluster.ts';
import type { UserInfo } from '#apiserver/authn/user.ts';

function user(name: string, ...groups: readonly string[]): UserInfo {
  return { name, groups: [...groups, 'system:authenticated'], extra: {} };
}

function aPod(name: string, spec: object = {}): NewObject<Pod> {
  const containers = [{ name: 'c', image: 'example/image' }];
  return { metadata: { name, namespace: 'default' }, spec: { containers, ...spec } };
}

async function refusal(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
    return 'allowed';
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return `${error.code} ${error.message}`;
  }
}

async function withDefaultAccount(client: Client): Promise<void> {
  await client.of(SERVICE_ACCOUNT).create({ metadata: { name: 'default', namespace: 'default' } });
}

test('secured requests: a user may do what a role allows, from the moment it is bound', async () => {
  await using cluster = await startInProcessCluster();
  const eve = cluster.plane.clientOf(user('eve'), 'test');
  const list = (): Promise<string> => refusal(() => eve.of(CONFIG_MAP).list('default'));
  assert.equal(
    await list(),
    '403 configmaps is forbidden: User "eve" cannot list resource "configmaps" in API group "" in the namespace "default"',
  );
  await cluster.client.of(CLUSTER_ROLE_BINDING).create({
    metadata: { name: 'eve-views' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'eve' }],
  });
  assert.equal(await list(), 'allowed');
});

test('secured requests: nobody grants what they do not hold', async () => {
  await using cluster = await startInProcessCluster();
  await cluster.client.of(CLUSTER_ROLE).create({
    metadata: { name: 'creator' },
    rules: [{ verbs: ['create'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'] }],
  });
  await cluster.client.of(CLUSTER_ROLE_BINDING).create({
    metadata: { name: 'eve-creates' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'creator' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'eve' }],
  });
  const eve = cluster.plane.clientOf(user('eve'), 'test');
  const role: NewObject<ClusterRole> = {
    metadata: { name: 'greedy' },
    rules: [{ verbs: ['get'], apiGroups: [''], resources: ['secrets'] }],
  };
  assert.equal(
    await refusal(() => eve.of(CLUSTER_ROLE).create(role)),
    '403 clusterroles.rbac.authorization.k8s.io "greedy" is forbidden: user "eve" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
  );
});

test('secured requests: a pod leaves admission with an account, a token, tolerations and a priority', async () => {
  await using cluster = await startInProcessCluster();
  await withDefaultAccount(cluster.client);
  const { spec } = await cluster.client.of(POD).create(aPod('p'));
  assert.equal(spec.serviceAccountName, 'default');
  assert.match(spec.volumes?.[0]?.name ?? '', /^kube-api-access-/);
  assert.equal(
    spec.containers[0]?.volumeMounts?.[0]?.mountPath,
    '/var/run/secrets/kubernetes.io/serviceaccount',
  );
  assert.deepEqual(
    [spec.tolerations?.length, spec.priority, spec.preemptionPolicy],
    [2, 0, 'PreemptLowerPriority'],
  );
});

test('secured requests: limits fill in and bound what pods say', async () => {
  await using cluster = await startInProcessCluster();
  await withDefaultAccount(cluster.client);
  await cluster.client.of(LIMIT_RANGE).create({
    metadata: { name: 'l', namespace: 'default' },
    spec: { limits: [{ type: 'Container', default: { cpu: '500m' }, max: { cpu: '1' } }] },
  });
  const { spec } = await cluster.client.of(POD).create(aPod('p'));
  assert.deepEqual(spec.containers[0]?.resources.limits, { cpu: '500m' });
  const greedy = [{ name: 'c', image: 'i', resources: { limits: { cpu: '2' } } }];
  assert.equal(
    await refusal(() => cluster.client.of(POD).create(aPod('q', { containers: greedy }))),
    '403 pods "q" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
  );
});

test('secured requests: a quota holds however many writes come at once', async () => {
  await using cluster = await startInProcessCluster();
  await withDefaultAccount(cluster.client);
  const quota: NewObject<ResourceQuota> = {
    metadata: { name: 'q', namespace: 'default' },
    spec: { hard: { pods: '3' } },
  };
  const created = await cluster.client.of(RESOURCE_QUOTA).create(quota);
  const status = { hard: { pods: '3' }, used: { pods: '0' } };
  await cluster.client.of(RESOURCE_QUOTA).updateStatus({ ...created, status });
  const names = Array.from({ length: 8 }, (_, index) => `p${index}`);
  const outcomes = await Promise.all(
    names.map((name) => refusal(() => cluster.client.of(POD).create(aPod(name)))),
  );
  assert.equal(outcomes.filter((outcome) => outcome === 'allowed').length, 3);
  assert.ok(
    outcomes.includes(
      '403 pods "p7" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3',
    ),
    outcomes.join('\n'),
  );
  assert.deepEqual((await cluster.client.of(RESOURCE_QUOTA).get('default', 'q')).status.used, { pods: '3' });
});

test('secured requests: a token asked for is good until its pod is gone', async () => {
  await using cluster = await startInProcessCluster();
  await withDefaultAccount(cluster.client);
  await cluster.client.of(POD).create(aPod('p'));
  const target = { namespace: 'default', name: 'default', subresource: 'token' };
  const spec = { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p' } };
  const { status } = await cluster.client.of(SERVICE_ACCOUNT).subresource<TokenRequest>('create', target, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec,
  });
  const review = async (): Promise<string> => {
    const body: NewObject<TokenReview> = { metadata: {}, spec: { token: status.token } };
    const answer = await cluster.client.of(TOKEN_REVIEW).create(body);
    return answer.status.user.username ?? answer.status.error ?? '';
  };
  assert.equal(await review(), 'system:serviceaccount:default:default');
  await cluster.client.of(POD).delete('default', 'p', { gracePeriodSeconds: 0 });
  assert.equal(await review(), '[invalid bearer token, service account token has been invalidated]');
});

test('secured requests: a node works for its own pods only', async () => {
  await using cluster = await startInProcessCluster();
  await withDefaultAccount(cluster.client);
  const kubelet = cluster.plane.clientOf(nodeUser('n1'), 'kubelet');
  const node: NewObject<Node> = { metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1' } } };
  const registered = await kubelet.of(NODE).create(node);
  assert.deepEqual(registered.spec.taints, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
  await kubelet.of(LEASE).create({ metadata: { name: 'n1', namespace: 'kube-node-lease' } });
  assert.match(
    await refusal(() => kubelet.of(NODE).create({ metadata: { name: 'n2' } })),
    /^403 nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"/,
  );
  const secret = { metadata: { name: 's', namespace: 'default' }, data: {} };
  await cluster.client.of(SECRET).create(secret);
  const read = (): Promise<string> => refusal(() => kubelet.of(SECRET).get('default', 's'));
  assert.equal(
    await read(),
    `403 secrets "s" is forbidden: User "system:node:n1" cannot get resource "secrets" in API group "" in the namespace "default": no relationship found between node 'n1' and this object`,
  );
  await cluster.client
    .of(POD)
    .create(aPod('p', { nodeName: 'n1', volumes: [{ name: 'v', secret: { secretName: 's' } }] }));
  assert.equal(await read(), 'allowed');
  const token = (spec: object): Promise<string> => {
    const target = { namespace: 'default', name: 'default', subresource: 'token' };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
    return refusal(() => kubelet.of(SERVICE_ACCOUNT).subresource('create', target, body));
  };
  assert.match(await token({}), /node requested token not bound to a pod$/);
  const { uid } = (await cluster.client.of(POD).get('default', 'p')).metadata;
  assert.equal(await token({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid } }), 'allowed');
});

test('secured requests: a namespace enforces the level it is labelled with, and takes nothing when it is not there', async () => {
  await using cluster = await startInProcessCluster();
  const labels = { 'pod-security.kubernetes.io/enforce': 'baseline' };
  await cluster.client.of(NAMESPACE).create({ metadata: { name: 'strict', labels } });
  await cluster.client.of(SERVICE_ACCOUNT).create({ metadata: { name: 'default', namespace: 'strict' } });
  const pod = { ...aPod('p', { hostNetwork: true }), metadata: { name: 'p', namespace: 'strict' } };
  assert.equal(
    await refusal(() => cluster.client.of(POD).create(pod)),
    '403 pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
  );
  const lost = { metadata: { name: 'c', namespace: 'nowhere' } };
  assert.equal(
    await refusal(() => cluster.client.of(CONFIG_MAP).create(lost)),
    '404 namespaces "nowhere" not found',
  );
  assert.match(
    await refusal(() => cluster.client.of(NAMESPACE).delete('', 'kube-system')),
    /this namespace may not be deleted/,
  );
});
