import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLUSTER_ROLE, CLUSTER_ROLE_BINDING, CONFIG_MAP } from '#api/types/resources.ts';
import { startHttpsCluster } from './https-cluster.fixture.ts';

const RBAC = 'rbac.authorization.k8s.io';

test('named lists: who may list one object may list it by its name, in one namespace or all', async () => {
  await using https = await startHttpsCluster();
  const { client } = https.cluster;
  for (const name of ['mine', 'other']) {
    await client.of(CONFIG_MAP).create({ metadata: { namespace: 'default', name } });
  }
  await client.of(CLUSTER_ROLE).create({
    metadata: { name: 'one' },
    rules: [{ verbs: ['list'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'] }],
  });
  await client.of(CLUSTER_ROLE_BINDING).create({
    metadata: { name: 'one' },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'one' },
    subjects: [{ apiGroup: RBAC, kind: 'User', name: 'eve' }],
  });
  const eve = https.user('eve');
  const list = async (path: string): Promise<string> => {
    const { code, body } = await eve.ask('GET', path);
    const { items = [] } = JSON.parse(body) as { items?: readonly { metadata: { name: string } }[] };
    return [code, ...items.map(({ metadata }) => metadata.name)].join(' ');
  };
  const named = 'configmaps?fieldSelector=metadata.name%3D';
  assert.equal(await list(`/api/v1/namespaces/default/${named}mine`), '200 mine');
  assert.equal(await list(`/api/v1/${named}mine`), '200 mine');
  assert.equal(await list(`/api/v1/namespaces/default/${named}other`), '403');
  assert.equal(await list('/api/v1/namespaces/default/configmaps'), '403');
});
