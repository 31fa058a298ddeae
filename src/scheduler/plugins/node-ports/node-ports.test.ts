import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerPort } from '#api/types/core.v1.ts';
import { aNode, aPod } from '../../cluster.fixture.ts';
import { filterAll, stateOf } from '../plugin.fixture.ts';
import { nodePorts } from './node-ports.ts';

function withPort(name: string, port: Partial<ContainerPort>, nodeName?: string) {
  const containers = [{ name: 'main', resources: {}, ports: [{ containerPort: 80, ...port }] }];
  return aPod(name, { spec: { containers }, ...(nodeName === undefined ? {} : { nodeName }) });
}

const cases: readonly {
  name: string;
  held: Partial<ContainerPort>;
  wanted: Partial<ContainerPort>;
  isFree: boolean;
}[] = [
  { name: 'the same port clashes', held: { hostPort: 80 }, wanted: { hostPort: 80 }, isFree: false },
  { name: 'another port does not', held: { hostPort: 80 }, wanted: { hostPort: 81 }, isFree: true },
  {
    name: 'another protocol does not',
    held: { hostPort: 80 },
    wanted: { hostPort: 80, protocol: 'UDP' },
    isFree: true,
  },
  {
    name: 'another address does not',
    held: { hostPort: 80, hostIP: '10.0.0.1' },
    wanted: { hostPort: 80, hostIP: '10.0.0.2' },
    isFree: true,
  },
  {
    name: 'all addresses clash with any',
    held: { hostPort: 80, hostIP: '10.0.0.1' },
    wanted: { hostPort: 80 },
    isFree: false,
  },
  {
    name: 'any address clashes with all',
    held: { hostPort: 80 },
    wanted: { hostPort: 80, hostIP: '10.0.0.1' },
    isFree: false,
  },
];

for (const { name, held, wanted, isFree } of cases) {
  test(`NodePorts: ${name}`, () => {
    const state = stateOf([aNode('a')], [withPort('holder', held, 'a')]);
    assert.deepEqual(filterAll(nodePorts, state, withPort('new', wanted)), {
      a: isFree ? 'ok' : "node(s) didn't have free ports for the requested pod ports",
    });
  });
}

test('NodePorts: a port is free again when its pod is gone, and pods without host ports are not asked', () => {
  const holder = withPort('holder', { hostPort: 80 }, 'a');
  const state = stateOf([aNode('a')], [holder]);
  state.removePod(holder.metadata.uid);
  assert.deepEqual(filterAll(nodePorts, state, withPort('new', { hostPort: 80 })), { a: 'ok' });
  assert.equal(filterAll(nodePorts, state, withPort('plain', {})), 'skip');
});
