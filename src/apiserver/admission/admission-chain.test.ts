import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import { AdmissionChain } from './admission-chain.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import { PLUGIN_ORDER } from './plugin-order.ts';

const OBJECT: ApiObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', uid: '', resourceVersion: '', creationTimestamp: '' },
};

const CREATE_POD: AdmissionAttributes = {
  operation: 'CREATE',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  resource: { group: '', version: 'v1', resource: 'pods' },
  subresource: '',
  namespace: 'default',
  name: 'p',
  object: OBJECT,
  oldObject: undefined,
  options: {},
  user: { name: 'u', groups: [], extra: {} },
  dryRun: false,
};

/** Appends its name to the object's name, at once or after a turn. */
function appender(name: string, isSlow: boolean, resources: 'all' | readonly string[]): AdmissionPlugin {
  return {
    name,
    scope: { operations: ['CREATE'], resources },
    admit: ({ object }) => {
      const next = object && {
        ...object,
        metadata: { ...object.metadata, name: `${object.metadata.name} ${name}` },
      };
      return isSlow ? Promise.resolve(next) : next;
    },
  };
}

test('admission chain: plugins run in the one order, waiting only for those that wait', async () => {
  const chain = new AdmissionChain([
    appender('Priority', true, ['pods']),
    appender('ServiceAccount', false, 'all'),
    appender('LimitRanger', false, ['pods']),
    appender('NodeRestriction', false, ['nodes', 'pods/status']),
  ]);
  const admitted = await chain.admit(CREATE_POD);
  assert.equal(admitted?.metadata.name, 'p LimitRanger ServiceAccount Priority');
});

test('admission chain: an object nobody changes comes back as it was, without waiting', () => {
  const chain = new AdmissionChain([
    { ...appender('Priority', false, ['pods']), admit: ({ object }) => object },
  ]);
  assert.equal(chain.admit(CREATE_POD), OBJECT);
});

test('admission chain: operations and subresources that nobody handles are known', () => {
  const chain = new AdmissionChain([appender('Priority', false, ['pods'])]);
  const { resource } = CREATE_POD;
  assert.deepEqual(
    [
      chain.handles('CREATE', resource, ''),
      chain.handles('UPDATE', resource, ''),
      chain.handles('CREATE', resource, 'status'),
    ],
    [true, false, false],
  );
});

test('admission chain: a refusal stops the chain', async () => {
  const seen: string[] = [];
  const judge = (name: string, run: () => void | Promise<void>): AdmissionPlugin => ({
    name,
    scope: { operations: ['CREATE'], resources: 'all' },
    validate: () => {
      seen.push(name);
      return run();
    },
  });
  const chain = new AdmissionChain([
    judge('ResourceQuota', () => undefined),
    judge('PodSecurity', () => Promise.resolve()),
    judge('Priority', () => Promise.reject(new Error('no'))),
  ]);
  await assert.rejects(async () => chain.validate(CREATE_POD), { message: 'no' });
  assert.deepEqual(seen, ['PodSecurity', 'Priority']);
});

test('admission chain: no plugin has two places in the order', () => {
  assert.equal(new Set(PLUGIN_ORDER).size, PLUGIN_ORDER.length);
});
