import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '#api/types/core.v1.ts';
import { aNode, aPod } from '../cluster.fixture.ts';
import { ClusterState } from './cluster-state.ts';
import { CPU } from './resource-ids.ts';

function withAllocatable(name: string, allocatable: Readonly<Record<string, string>>): Node {
  const node = aNode(name);
  return { ...node, status: { ...node.status, allocatable } };
}

/** Cores and pods that a node has, and what is taken of the cores. */
function facts({ nodes }: ClusterState, name: string): readonly (number | undefined)[] {
  const row = nodes.rowOf(name) ?? -1;
  const { allocatable, requested } = nodes.column(CPU);
  return [allocatable[row], nodes.podLimit[row], requested[row]];
}

test('NodeTable: a resource that a node no longer reports is gone', () => {
  const state = new ClusterState();
  state.nodes.set(withAllocatable('a', { cpu: '2', pods: '10' }));
  assert.deepEqual(facts(state, 'a'), [2000, 10, 0]);
  state.nodes.set(withAllocatable('a', { memory: '1Gi' }));
  assert.deepEqual(facts(state, 'a'), [0, 0, 0]);
});

test('NodeTable: pods seen before their node count once it is known', () => {
  const state = new ClusterState();
  state.setPod(aPod('early', { nodeName: 'a', requests: { cpu: '500m' } }));
  assert.equal(state.nodes.nodeCount, 0);
  state.nodes.set(aNode('a', { cpu: '2' }));
  assert.deepEqual(facts(state, 'a'), [2000, 110, 500]);
});

test('NodeTable: pods that outlive their node count again when it comes back', () => {
  const state = new ClusterState();
  state.nodes.set(aNode('a', { cpu: '2' }));
  state.setPod(aPod('web', { nodeName: 'a', requests: { cpu: '1' } }));
  state.nodes.remove('a');
  state.nodes.set(aNode('a', { cpu: '4' }));
  assert.deepEqual(facts(state, 'a'), [4000, 110, 1000]);
});

test('NodeTable: the row of a node that went away serves the next one, clean', () => {
  const state = new ClusterState();
  state.nodes.set(aNode('old', { cpu: '2', labels: { zone: 'a' } }));
  const row = state.nodes.rowOf('old');
  const topology = state.nodes.topology('zone');
  state.nodes.remove('old');
  state.nodes.set(aNode('new', { cpu: '1' }));
  assert.equal(state.nodes.rowOf('new'), row);
  assert.deepEqual([facts(state, 'new'), topology.domainOf[row ?? -1]], [[1000, 110, 0], -1]);
});

test('NodeTable: tells which part of a node changed', () => {
  const { nodes } = new ClusterState();
  const none = { isNew: false, allocatable: false, labels: false, taints: false };
  assert.deepEqual(nodes.set(aNode('a')), { ...none, isNew: true });
  assert.deepEqual(nodes.set(aNode('a')), none);
  assert.deepEqual(nodes.set(aNode('a', { cpu: '5' })), { ...none, allocatable: true });
  assert.deepEqual(nodes.set(aNode('a', { cpu: '5', isCordoned: true })), { ...none, taints: true });
  assert.deepEqual(nodes.set(aNode('a', { cpu: '5', isCordoned: true, labels: { x: 'y' } })), {
    ...none,
    labels: true,
  });
});

test('ClusterState: what was only imagined leaves no trace', () => {
  const state = new ClusterState();
  state.nodes.set(aNode('a'));
  const placed = state.assume(aPod('web', { requests: { cpu: '1' } }), 'a');
  const seen = state.imagine(({ remove, add }) => {
    remove(placed);
    add(state.describe(aPod('other', { requests: { cpu: '3' } }), placed.row));
    return facts(state, 'a');
  });
  assert.deepEqual(
    [seen, facts(state, 'a')],
    [
      [4000, 110, 3000],
      [4000, 110, 1000],
    ],
  );
});
