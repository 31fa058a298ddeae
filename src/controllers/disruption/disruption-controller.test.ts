import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodDisruptionBudgetSpec } from '#api/types/policy.v1.ts';
import { POD, POD_DISRUPTION_BUDGET, REPLICA_SET } from '#api/types/resources.ts';
import { aPod } from '../pods/pod.fixture.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { controllerReference } from '../runner/controller-reference.ts';
import { DisruptionController } from './disruption-controller.ts';

// R is a ready pod, n one that is not; they belong to a ReplicaSet of `replicas`, or to nobody without.
const rows: readonly {
  spec: PodDisruptionBudgetSpec;
  pods: string;
  replicas?: number;
  allowed: number;
  told: string;
}[] = [
  { spec: { minAvailable: 2 }, pods: 'RRR', replicas: 3, allowed: 1, told: '3/2 of 3 SufficientPods' },
  { spec: { minAvailable: 2 }, pods: 'RRn', replicas: 3, allowed: 0, told: '2/2 of 3 InsufficientPods' },
  { spec: { minAvailable: '50%' }, pods: 'RRR', replicas: 3, allowed: 1, told: '3/2 of 3 SufficientPods' },
  { spec: { maxUnavailable: 1 }, pods: 'RRR', replicas: 3, allowed: 1, told: '3/2 of 3 SufficientPods' },
  { spec: { maxUnavailable: 1 }, pods: 'RR', replicas: 3, allowed: 0, told: '2/2 of 3 InsufficientPods' },
  { spec: { maxUnavailable: '100%' }, pods: 'Rn', replicas: 2, allowed: 1, told: '1/0 of 2 SufficientPods' },
  { spec: { maxUnavailable: 1 }, pods: 'R', allowed: 0, told: '0/0 of 0 SyncFailed' },
  { spec: { minAvailable: 1 }, pods: 'RR', allowed: 1, told: '2/1 of 2 SufficientPods' },
];

for (const { spec, pods, replicas, allowed, told } of rows) {
  test(`disruption: ${JSON.stringify(spec)} with ${pods} of ${replicas ?? 'nobody'} allows ${allowed}`, async () => {
    const labels = { app: 'web' };
    await using harness = await controllerHarness(
      (deps) => [new DisruptionController(deps)],
      (transport) => {
        const set = transport.put(REPLICA_SET, {
          metadata: { namespace: 'ns', name: 'web' },
          spec: { replicas: replicas ?? 0 },
        });
        for (const [index, letter] of Array.from(pods).entries()) {
          const pod = aPod({
            name: `p${index}`,
            labels,
            ...(letter === 'R' ? { readySince: '2026-01-01T00:00:00Z' } : {}),
          });
          const ownerReferences = replicas === undefined ? [] : [controllerReference(set)];
          transport.put(POD, { ...pod, metadata: { ...pod.metadata, ownerReferences } });
        }
        const status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
        transport.put(POD_DISRUPTION_BUDGET, {
          metadata: { namespace: 'ns', name: 'web' },
          spec: { ...spec, selector: { matchLabels: labels } },
          status,
        });
      },
    );
    await harness.clock.advance(100);
    const status = harness.transport.peek(POD_DISRUPTION_BUDGET, 'ns/web')?.status;
    assert.ok(status);
    const { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed, conditions = [] } = status;
    assert.equal(`${currentHealthy}/${desiredHealthy} of ${expectedPods} ${conditions[0]?.reason}`, told);
    assert.equal(disruptionsAllowed, allowed);
  });
}

test('disruption: an eviction that led to nothing is forgotten after two minutes', async () => {
  const labels = { app: 'web' };
  await using harness = await controllerHarness(
    (deps) => [new DisruptionController(deps)],
    (transport) => {
      transport.put(POD, aPod({ name: 'p', labels, readySince: '2026-01-01T00:00:00Z' }));
      transport.put(POD_DISRUPTION_BUDGET, {
        metadata: { namespace: 'ns', name: 'web' },
        spec: { minAvailable: 0, selector: { matchLabels: labels } },
        status: {
          disruptionsAllowed: 0,
          currentHealthy: 0,
          desiredHealthy: 0,
          expectedPods: 0,
          disruptedPods: { p: '2026-01-01T00:00:00Z' },
        },
      });
    },
  );
  const allowed = () => harness.transport.peek(POD_DISRUPTION_BUDGET, 'ns/web')?.status.disruptionsAllowed;
  await harness.clock.advance(60_000);
  assert.equal(allowed(), 0);
  await harness.clock.advance(61_000);
  assert.equal(allowed(), 1);
});
