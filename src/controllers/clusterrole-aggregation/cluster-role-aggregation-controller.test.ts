import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewObject } from '#api/object.ts';
import type { ClusterRole, PolicyRule } from '#api/types/rbac.v1.ts';
import { CLUSTER_ROLE } from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { startInProcessCluster } from '#cluster/in-process-cluster.ts';
import { createControllers } from '../all-controllers.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { ClusterRoleAggregationController } from './cluster-role-aggregation-controller.ts';

function rule(resource: string): PolicyRule {
  return { verbs: ['get'], apiGroups: [''], resources: [resource] };
}

function role(
  name: string,
  rules: readonly PolicyRule[],
  labels: Record<string, string> = {},
): NewObject<ClusterRole> {
  return { metadata: { name, labels }, rules };
}

const GATHERING: NewObject<ClusterRole> = {
  ...role('all', []),
  aggregationRule: {
    clusterRoleSelectors: [
      { matchLabels: { to: 'all' } },
      { matchExpressions: [{ key: 'also', operator: 'Exists' }] },
    ],
  },
};

test('cluster role aggregation: rules come from every selected role, by name, each once, and go with them', async () => {
  await using harness = await controllerHarness(
    (deps) => [new ClusterRoleAggregationController(deps)],
    (transport) => {
      transport.put(CLUSTER_ROLE, GATHERING);
      transport.put(CLUSTER_ROLE, role('b', [rule('pods'), rule('nodes')], { to: 'all' }));
      transport.put(CLUSTER_ROLE, role('a', [rule('secrets'), rule('pods')], { also: '' }));
      transport.put(CLUSTER_ROLE, role('c', [rule('events')]));
    },
  );
  const resources = () =>
    harness.transport.peek(CLUSTER_ROLE, 'all')?.rules?.flatMap((of) => of.resources ?? []);
  await harness.clock.advance(100);
  assert.deepEqual(resources(), ['secrets', 'pods', 'nodes']);
  assert.deepEqual(harness.writes(), ['update clusterroles all']);
  harness.transport.drop(CLUSTER_ROLE, 'b');
  harness.transport.put(CLUSTER_ROLE, role('c', [rule('events')], { to: 'all' }));
  await harness.clock.advance(100);
  assert.deepEqual(resources(), ['secrets', 'pods', 'events']);
});

test('cluster role aggregation: the default roles are already as they should be', async () => {
  await using cluster = await startInProcessCluster();
  const { client, clock, informers, random, metrics } = cluster;
  const deps = { client, informers, clock, random, metrics, log: SILENT_LOGGER };
  const before = (await client.of(CLUSTER_ROLE).get('', 'admin')).metadata.resourceVersion;
  await using controllers = createControllers({ ...deps, rootCaPem: 'PEM' });
  informers.start();
  controllers.start();
  await clock.advance(1_000);
  assert.equal((await client.of(CLUSTER_ROLE).get('', 'admin')).metadata.resourceVersion, before);
  await client
    .of(CLUSTER_ROLE)
    .create(role('mine', [rule('widgets')], { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' }));
  await clock.advance(1_000);
  const { rules } = await client.of(CLUSTER_ROLE).get('', 'admin');
  assert.ok(rules?.some(({ resources }) => resources?.includes('widgets')));
});
