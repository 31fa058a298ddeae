import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, ResourceRequirements } from '#api/types/core.v1.ts';
import { aContainer, aPod } from '../pod/pod.fixture.ts';
import { containerResources, podCgroupPath, podResources } from './linux-resources.ts';
import { computeQosClass } from './qos.ts';

const GIB = 2 ** 30;

/** A pod of one container per entry; its class is worked out, as the server does it. */
function podOf(...resources: readonly ResourceRequirements[]): Pod {
  const containers = resources.map((each, index) => aContainer({ name: `c${index}`, resources: each }));
  const pod = aPod({ containers }) as unknown as Pod;
  return { ...pod, status: { ...pod.status, qosClass: computeQosClass(pod) } };
}

test("resources: requests and limits become the kernel's numbers", () => {
  const cases: readonly (readonly [string, ResourceRequirements, object])[] = [
    ['BestEffort', {}, { cpuShares: 2, oomScoreAdj: 1000 }],
    ['Burstable', { requests: { cpu: '250m', memory: '1Gi' } }, { cpuShares: 256, oomScoreAdj: 875 }],
    [
      'Guaranteed',
      { limits: { cpu: '500m', memory: '64Mi' } },
      {
        cpuShares: 512,
        cpuPeriod: 100_000,
        cpuQuota: 50_000,
        memoryLimitInBytes: 64 * 2 ** 20,
        memorySwapLimitInBytes: 64 * 2 ** 20,
        oomScoreAdj: -997,
      },
    ],
    [
      'Burstable',
      { limits: { cpu: '1m' } },
      { cpuShares: 2, cpuPeriod: 100_000, cpuQuota: 1000, oomScoreAdj: 999 },
    ],
  ];
  for (const [qosClass, resources, expected] of cases) {
    const pod = podOf(resources);
    const [container] = pod.spec.containers;
    assert.ok(container !== undefined);
    assert.equal(pod.status.qosClass, qosClass);
    assert.deepEqual(containerResources(pod, container, 8 * GIB), expected);
  }
});

test('resources: a pod has a limit only where each of its containers has one', () => {
  const limited = { limits: { cpu: '1', memory: '1Gi' } };
  assert.deepEqual(podResources(podOf(limited, limited)), {
    cpuShares: 2048,
    cpuPeriod: 100_000,
    cpuQuota: 200_000,
    memoryLimitInBytes: 2 * GIB,
  });
  assert.deepEqual(podResources(podOf(limited, {})), { cpuShares: 1024 });
  const pod = podOf({}, {});
  const own = { requests: { cpu: '500m' }, limits: { cpu: '1', memory: '1Gi' } };
  assert.deepEqual(podResources({ ...pod, spec: { ...pod.spec, resources: own } }), {
    cpuShares: 512,
    cpuPeriod: 100_000,
    cpuQuota: 100_000,
    memoryLimitInBytes: GIB,
  });
});

test('resources: the cgroup of a pod lies with its class', () => {
  assert.equal(podCgroupPath(podOf({})), '/kubepods/besteffort/poduid-web');
  assert.equal(podCgroupPath(podOf({ limits: { cpu: '1', memory: '1Gi' } })), '/kubepods/poduid-web');
});
