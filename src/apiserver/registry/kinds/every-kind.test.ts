import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import { RESOURCES, type ResourceInfo } from '#api/resource-table.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { SERVICE_ACCOUNT } from '#api/types/resources.ts';
import { hasOwnRules } from '#api/validation/validators.ts';
import { defined } from '#base/assert.ts';
import { startInProcessCluster, type InProcessCluster } from '#cluster/in-process-cluster.ts';
import { isServed } from '../registry.ts';
import { hasExpressions } from './admission-configurations.ts';
import { goodObject } from './good-objects.fixture.ts';

let cluster: InProcessCluster;

before(async () => {
  cluster = await startInProcessCluster();
  await cluster.client.of(SERVICE_ACCOUNT).create({ metadata: { namespace: 'default', name: 'default' } });
});

after(async () => {
  await cluster[Symbol.asyncDispose]();
});

const SERVED = RESOURCES.filter(isServed);

function typeOf({ group, version, resource, kind, namespaced }: ResourceInfo): ResourceType<ApiObject> {
  return { group, version, resource, kind, isNamespaced: namespaced };
}

for (const info of SERVED) {
  const title = `${info.kind}.${info.group}`;
  test(`${title}: has rules, and a good object passes create and update`, async () => {
    const isChecked = hasOwnRules(info) || hasExpressions(info) || info.kind === 'CustomResourceDefinition';
    assert.ok(isChecked, `no rules are registered for ${title}`);
    const objects = cluster.client.of(typeOf(info));
    const { name, body } = defined(goodObject(info), `a good ${title}`);
    const metadata = { name, ...(info.namespaced ? { namespace: 'default' } : {}) };
    await objects.create({ metadata, ...body });
    const patch = { metadata: { labels: { a: 'b' } } };
    await objects.patch(metadata.namespace ?? '', name, patch, { type: 'merge', dryRun: true });
  });
}
