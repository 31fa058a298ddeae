import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerStatus, PodStatus } from '#api/types/core.v1.ts';
import { aPod } from '../cluster.fixture.ts';
import { accountedSpec } from './accounted-spec.ts';
import { podRequests } from './pod-requests.ts';

const INFEASIBLE: Partial<PodStatus> = {
  conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }],
};

const cases: readonly {
  name: string;
  asks: string;
  granted?: string;
  inForce?: string;
  status?: Partial<PodStatus>;
  counts: number;
}[] = [
  { name: 'before the node has said anything', asks: '1', counts: 1000 },
  { name: 'at rest', asks: '1', granted: '1', inForce: '1', counts: 1000 },
  { name: 'growing: the node has not granted it yet', asks: '2', granted: '1', inForce: '1', counts: 2000 },
  { name: 'shrinking: more is still in force', asks: '1', granted: '1', inForce: '2', counts: 2000 },
  {
    name: 'growth that is not possible',
    asks: '9',
    granted: '1',
    inForce: '1',
    status: INFEASIBLE,
    counts: 1000,
  },
];

for (const { name, asks, granted, inForce, status, counts } of cases) {
  test(`accountedSpec: a container ${name}`, () => {
    const containerStatus = {
      name: 'main',
      ...(granted === undefined ? {} : { allocatedResources: { cpu: granted } }),
      ...(inForce === undefined ? {} : { resources: { requests: { cpu: inForce } } }),
    } as unknown as ContainerStatus; // The rest of it says nothing here.
    const pod = aPod('web', {
      requests: { cpu: asks },
      status: { containerStatuses: [containerStatus], ...status },
    });
    const spec = accountedSpec(pod);
    assert.equal(podRequests(spec).amounts.get('cpu'), counts);
    assert.equal(spec === pod.spec, asks === `${counts / 1000}`, 'the same spec unless it differs');
  });
}
