import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, ResourceRequirements } from '../types/core.v1.ts';
import { defaultPodResources } from './pod-level-defaults.ts';

function podOf(...containers: readonly ResourceRequirements[]): Pod {
  const spec = { containers: containers.map((resources, index) => ({ name: `c${index}`, resources })) };
  // Nothing else of a pod is looked at.
  return { spec } as unknown as Pod;
}

test('resources of a pod: what is requested is what its containers request together, or else the limit', () => {
  const pod = podOf({ requests: { cpu: '100m' } }, { requests: { cpu: '200m' } });
  assert.deepEqual(defaultPodResources(pod, { limits: { cpu: '1', memory: '1Gi' } }), {
    limits: { cpu: '1', memory: '1Gi' },
    requests: { cpu: '300m', memory: '1Gi' },
  });
});

test('resources of a pod: what is said stays, and without limits nothing follows', () => {
  const said = { limits: { cpu: '1' }, requests: { cpu: '500m' } };
  assert.equal(defaultPodResources(podOf({}), said), said);
  const requested = { requests: { cpu: '500m' } };
  assert.equal(defaultPodResources(podOf({ limits: { cpu: '1' } }), requested), requested);
});

test('resources of a pod: huge pages are limited to what its containers may use', () => {
  const pod = podOf({ limits: { 'hugepages-2Mi': '4Mi' } });
  assert.deepEqual(defaultPodResources(pod, { requests: { cpu: '1' } }), {
    requests: { cpu: '1', 'hugepages-2Mi': '4Mi' },
    limits: { 'hugepages-2Mi': '4Mi' },
  });
});

test('resources of a pod: a limit of something that pods have none of is no request', () => {
  const limited = { limits: { storage: '1' } };
  assert.equal(defaultPodResources(podOf({}), limited), limited);
});
