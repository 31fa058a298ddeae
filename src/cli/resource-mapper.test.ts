import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RESOURCES } from '#api/resource-table.ts';
import type { ApiResource } from './discovery.ts';
import { parseResourceArguments } from './resource-arguments.ts';
import { pathOf, ResourceMapper } from './resource-mapper.ts';

const MAPPER = new ResourceMapper(
  RESOURCES.map((info): ApiResource => ({
    ...info,
    isNamespaced: info.namespaced,
    subresources: Object.keys(info.subresources),
  })),
);

const NAMES: readonly (readonly [string, string])[] = [
  ['po', '/v1/pods'],
  ['Pod', '/v1/pods'],
  ['deploy', 'apps/v1/deployments'],
  ['deployments.apps', 'apps/v1/deployments'],
  ['deployments.v1.apps', 'apps/v1/deployments'],
  ['events', '/v1/events'],
  ['events.events.k8s.io', 'events.k8s.io/v1/events'],
  ['ing', 'networking.k8s.io/v1/ingresses'],
];

for (const [name, expected] of NAMES) {
  test(`resource mapper: ${name} is ${expected}`, () => {
    const { group, version, resource } = MAPPER.resource(name);
    assert.equal(`${group}/${version}/${resource}`, expected);
  });
}

test('resource mapper: a category stands for its members, a stranger for nothing', () => {
  const names = MAPPER.expand('all').map(({ resource }) => resource);
  assert.ok(names.includes('pods') && names.includes('deployments') && !names.includes('configmaps'));
  assert.throws(() => MAPPER.resource('nope'), /the server doesn't have a resource type "nope"/);
});

test('resource mapper: paths', () => {
  const pods = MAPPER.resource('pods');
  assert.equal(
    pathOf(pods, { namespace: 'a', name: 'b', subresource: 'log' }),
    '/api/v1/namespaces/a/pods/b/log',
  );
  assert.equal(pathOf(pods), '/api/v1/pods');
  assert.equal(pathOf(MAPPER.resource('nodes'), { namespace: 'a', name: 'n' }), '/api/v1/nodes/n');
});

test('resource arguments: types with names, or slashed pairs, but not both', () => {
  assert.deepEqual(parseResourceArguments(['pods,svc']), [
    { type: 'pods', names: [] },
    { type: 'svc', names: [] },
  ]);
  assert.deepEqual(parseResourceArguments(['pod', 'a', 'b']), [{ type: 'pod', names: ['a', 'b'] }]);
  assert.deepEqual(parseResourceArguments(['pod/a', 'svc/b']), [
    { type: 'pod', names: ['a'] },
    { type: 'svc', names: ['b'] },
  ]);
  assert.throws(
    () => parseResourceArguments(['pod/a', 'svc']),
    /there is no need to specify a resource type/,
  );
  assert.throws(() => parseResourceArguments(['pod/a/b']), /must have a single resource and name/);
});
