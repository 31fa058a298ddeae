import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerStatus, Pod } from '#api/types/core.v1.ts';
import { aPod } from '../cluster.fixture.ts';
import { ClusterState } from './cluster-state.ts';

const web = aPod('web', { requests: { cpu: '1' } });
const status = { name: 'main', allocatedResources: { cpu: '2' } };

const later: readonly { name: string; pod: Pod; isAlike: boolean }[] = [
  { name: 'a new status', pod: { ...web, status: { ...web.status, phase: 'Running' } }, isAlike: true },
  { name: 'a node', pod: { ...web, spec: { ...web.spec, nodeName: 'node-1' } }, isAlike: true },
  {
    name: 'another label',
    pod: { ...web, metadata: { ...web.metadata, labels: { color: 'blue' } } },
    isAlike: false,
  },
  {
    name: 'a toleration',
    pod: { ...web, spec: { ...web.spec, tolerations: [{ operator: 'Exists' }] } },
    isAlike: false,
  },
  {
    name: 'more granted than it asks for',
    // The rest of it says nothing here.
    pod: { ...web, status: { ...web.status, containerStatuses: [status as unknown as ContainerStatus] } },
    isAlike: false,
  },
];

for (const { name, pod, isAlike } of later) {
  test(`PodShapes: ${name} ${isAlike ? 'keeps' : 'changes'} the shape, with or without the state before`, () => {
    const { shapes } = new ClusterState();
    const before = shapes.of(web);
    assert.equal(shapes.ofNext(pod, web) === before, isAlike);
    const anew = new ClusterState().shapes;
    assert.equal(anew.of(web) === anew.of(pod), isAlike);
  });
}
