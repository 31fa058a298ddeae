import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod } from '#api/types/core.v1.ts';
import { SeededRandom } from '#base/random.ts';
import { aNode, aPod } from '../cluster.fixture.ts';
import { nodeAffinity } from '../plugins/node-affinity/node-affinity.ts';
import { nodeResourcesFit } from '../plugins/node-resources-fit/node-resources-fit.ts';
import { contextOf, stateOf } from '../plugins/plugin.fixture.ts';
import { adaptiveNodesToFind } from '../profile.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { unschedulableMessage } from './diagnosis.ts';
import { Nominations } from './nominations.ts';
import { NodeSelection, type NodesToFind } from './node-selection.ts';
import type { Plugin } from './plugin.ts';

function aSelection(nodesToFind: NodesToFind = (count) => count, extra: readonly Plugin[] = []) {
  const nominations = new Nominations();
  const plugins = [nodeResourcesFit(), ...extra].map((plugin) => ({ plugin, weight: 1 }));
  return {
    nominations,
    selection: new NodeSelection({ plugins, nominations, random: new SeededRandom(3), nodesToFind }),
  };
}

function chosen(selection: NodeSelection, state: ClusterState, pod: Pod): string | undefined {
  const selected = selection.select(contextOf(state, pod));
  return selected.kind === 'found' ? state.nodes.nameOf(selected.row) : undefined;
}

const nodes = (count: number, facts: Parameters<typeof aNode>[1] = {}): readonly Node[] =>
  Array.from({ length: count }, (_, index) => aNode(`node-${index}`, facts));

test('NodeSelection: nodes with the same score are all chosen now and then', () => {
  const { selection } = aSelection();
  const state = stateOf(nodes(4));
  const names = new Set(Array.from({ length: 100 }, () => chosen(selection, state, aPod('web'))));
  assert.equal(names.size, 4);
});

test('NodeSelection: what is known of a shape follows every change of a node', () => {
  const { selection } = aSelection();
  const state = stateOf([aNode('a', { cpu: '2' })]);
  const pod = aPod('web', { requests: { cpu: '1' } });
  assert.equal(chosen(selection, state, pod), 'a');
  const first = state.assume(pod, 'a');
  const second = state.assume(aPod('web-2', { requests: { cpu: '1' } }), 'a');
  const third = aPod('web-3', { requests: { cpu: '1' } });
  assert.equal(chosen(selection, state, third), undefined);
  state.forget(second.uid);
  assert.equal(chosen(selection, state, third), 'a');
  state.nodes.set(aNode('a', { cpu: '1' }));
  assert.equal(chosen(selection, state, third), undefined);
  state.nodes.set(aNode('b'));
  assert.equal(chosen(selection, state, third), 'b');
  state.nodes.remove('b');
  state.removePod(first.uid);
  assert.equal(chosen(selection, state, third), 'a');
});

test('NodeSelection: a promised node is kept free from pods that may not have it', () => {
  const { selection, nominations } = aSelection();
  const state = stateOf([aNode('a', { cpu: '1' })]);
  const vip = aPod('vip', { requests: { cpu: '1' }, priority: 10 });
  nominations.set(vip, 'a');
  assert.equal(chosen(selection, state, aPod('low', { requests: { cpu: '1' }, priority: 1 })), undefined);
  assert.equal(chosen(selection, state, aPod('higher', { requests: { cpu: '1' }, priority: 11 })), 'a');
  assert.equal(chosen(selection, state, vip), 'a');
});

test('NodeSelection: a pod takes the node promised to it, even when another is better', () => {
  const { selection, nominations } = aSelection();
  const state = stateOf([aNode('small', { cpu: '2' }), aNode('large', { cpu: '64' })]);
  const pod = aPod('web', { requests: { cpu: '1' } });
  assert.equal(chosen(selection, state, pod), 'large');
  nominations.set(pod, 'small');
  assert.equal(chosen(selection, state, pod), 'small');
  state.nodes.remove('small');
  assert.equal(chosen(selection, state, pod), 'large');
});

test('NodeSelection: with a limit the search stops early and goes on from there', () => {
  const { selection } = aSelection(() => 10);
  const state = stateOf(nodes(30));
  const seen = new Set<string | undefined>();
  for (let round = 0; round < 60; round++) {
    const selected = selection.select(contextOf(state, aPod('web')));
    assert.equal(selected.kind === 'found' ? selected.feasibleCount : 0, 10);
    seen.add(selected.kind === 'found' ? state.nodes.nameOf(selected.row) : undefined);
  }
  assert.ok(seen.size > 20, `only ${seen.size} nodes had a chance`);
});

test('NodeSelection: a plugin that rejects the pod as such speaks for all nodes', () => {
  const rejection = { plugin: 'Never', reasons: ['never'], isResolvable: false };
  const { selection } = aSelection(undefined, [{ name: 'Never', preFilter: () => ({ rejection }) }]);
  const selected = selection.select(contextOf(stateOf(nodes(2)), aPod('web')));
  assert.deepEqual(selected.kind === 'none' && [selected.diagnosis.preFilter, selected.diagnosis.nodeCount], [
    rejection,
    2,
  ]);
});

const adaptive: readonly [nodes: number, percentage: number, enough: number][] = [
  [50, 0, 50],
  [100, 0, 100],
  [1000, 0, 420],
  [5000, 0, 500],
  [10_000, 0, 500],
  [1000, 30, 300],
  [200, 10, 100],
];

for (const [nodeCount, percentage, enough] of adaptive) {
  test(`adaptiveNodesToFind: ${percentage} % of ${nodeCount} nodes means ${enough}`, () => {
    assert.equal(adaptiveNodesToFind(percentage)(nodeCount), enough);
  });
}

test('NodeSelection: a pod of a DaemonSet looks at its own node only', () => {
  const { selection } = aSelection(undefined, [nodeAffinity]);
  const state = stateOf([aNode('a', { cpu: '1' }), aNode('b'), aNode('c')]);
  const pinned = (cpu: string): Pod =>
    aPod('agent', {
      requests: { cpu },
      spec: {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] }],
            },
          },
        },
      },
    });
  assert.equal(chosen(selection, state, pinned('1')), 'a');
  const selected = selection.select(contextOf(state, pinned('2')));
  assert.ok(selected.kind === 'none');
  assert.equal(
    unschedulableMessage(selected.diagnosis, ''),
    "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
  );
});
