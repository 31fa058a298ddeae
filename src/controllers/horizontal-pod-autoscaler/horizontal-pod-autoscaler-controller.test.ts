import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HorizontalPodAutoscalerSpec } from '#api/types/autoscaling.v2.ts';
import type { Scale } from '#api/types/autoscaling.v1.ts';
import { HORIZONTAL_POD_AUTOSCALER, POD } from '#api/types/resources.ts';
import { controllerHarness, type ControllerHarness } from '../runner/controller-harness.fixture.ts';
import {
  HorizontalPodAutoscalerController,
  type ScaleAccess,
} from './horizontal-pod-autoscaler-controller.ts';
import { NO_METRICS, type MetricsSource } from './metrics-source.ts';

const LONG_AGO = '2020-01-01T00:00:00Z';

/** A target with as many pods as it has replicas at first, each asking for one CPU, of which it is to use half. */
class Target implements ScaleAccess {
  replicas: number;
  /** CPU of each pod, thousandths; pods beyond the end say nothing. */
  usage: readonly number[];
  external = 0;

  constructor(replicas: number, usage: readonly number[]) {
    this.replicas = replicas;
    this.usage = usage;
  }

  readonly metrics: MetricsSource = {
    ...NO_METRICS,
    resource: () =>
      Promise.resolve(
        new Map(this.usage.map((milli, index) => [`web-${index}`, { milli, timeMs: 0, windowMs: 30_000 }])),
      ),
    external: () => Promise.resolve(this.external),
  };

  get(): Promise<Scale> {
    return Promise.resolve({
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { namespace: 'ns', name: 'web', uid: '', resourceVersion: '', creationTimestamp: '' },
      spec: { replicas: this.replicas },
      status: { replicas: this.replicas, selector: 'app=web' },
    });
  }

  set(_: unknown, { spec }: Scale): Promise<void> {
    this.replicas = spec.replicas ?? 0;
    return Promise.resolve();
  }
}

function start(target: Target, spec: Partial<HorizontalPodAutoscalerSpec> = {}): Promise<ControllerHarness> {
  return controllerHarness(
    (deps) => [
      new HorizontalPodAutoscalerController(deps, { metricsSource: target.metrics, scales: target }),
    ],
    (transport) => {
      for (let index = 0; index < target.replicas; index++) {
        transport.put(POD, {
          metadata: { namespace: 'ns', name: `web-${index}`, labels: { app: 'web' } },
          spec: { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] },
          status: {
            phase: 'Running',
            startTime: LONG_AGO,
            conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: LONG_AGO }],
          },
        });
      }
      transport.put(HORIZONTAL_POD_AUTOSCALER, {
        metadata: { namespace: 'ns', name: 'hpa' },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
          minReplicas: 1,
          maxReplicas: 10,
          metrics: [
            {
              type: 'Resource',
              resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
            },
          ],
          ...spec,
        },
        status: { desiredReplicas: 0 },
      });
    },
  );
}

function conditionsOf({ transport }: ControllerHarness): readonly string[] {
  return (transport.peek(HORIZONTAL_POD_AUTOSCALER, 'ns/hpa')?.status.conditions ?? []).map(
    ({ type, status, reason }) => `${type}=${status} ${reason}`,
  );
}

for (const [name, replicas, usage, expected] of [
  ['twice the target doubles', 2, [1000, 1000], 4],
  ['within a tenth nothing changes', 2, [540, 540], 2],
  ['a pod that says nothing counts as idle on the way up', 2, [1400], 3],
  ['a pod that says nothing counts as busy on the way down', 3, [100, 100], 3],
  ['never above the most', 8, [1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000], 10],
  ['never faster than doubling, or four more', 1, [10_000], 5],
] as const) {
  test(`autoscaler: ${name}`, async () => {
    const target = new Target(replicas, usage);
    await using _ = await start(target);
    assert.equal(target.replicas, expected);
  });
}

test('autoscaler: going down waits for five minutes of low load; conditions and events tell', async () => {
  const target = new Target(4, [100, 100, 100, 100]);
  await using harness = await start(target);
  assert.equal(target.replicas, 4);
  assert.deepEqual(conditionsOf(harness), [
    'ScalingActive=True ValidMetricFound',
    'AbleToScale=True ScaleDownStabilized',
    'ScalingLimited=False DesiredWithinRange',
  ]);
  await harness.clock.advance(290_000);
  assert.equal(target.replicas, 4);
  await harness.clock.advance(30_000);
  assert.equal(target.replicas, 1);
  assert.deepEqual(harness.events, [
    'ns/hpa SuccessfulRescale New size: 1; reason: All metrics below target',
  ]);
  const status = harness.transport.peek(HORIZONTAL_POD_AUTOSCALER, 'ns/hpa')?.status;
  assert.deepEqual(status?.currentMetrics, [
    {
      type: 'Resource',
      resource: { name: 'cpu', current: { averageUtilization: 10, averageValue: '100m' } },
    },
  ]);
});

test('autoscaler: policies bound each step, and a metric of the world outside counts per replica', async () => {
  const target = new Target(2, []);
  target.external = 80_000;
  const metric = { name: 'queue' };
  await using harness = await start(target, {
    metrics: [
      { type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '10' } } },
    ],
    behavior: { scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } },
  });
  const seen: number[] = [target.replicas];
  for (let minute = 0; minute < 3; minute++) {
    await harness.clock.advance(60_000);
    seen.push(target.replicas);
  }
  assert.deepEqual(seen, [3, 4, 5, 6]);
  assert.ok(conditionsOf(harness).includes('ScalingLimited=True ScaleUpLimit'));
});

test('autoscaler: without metrics it says so and leaves the target alone', async () => {
  const target = Object.assign(new Target(2, []), { metrics: NO_METRICS });
  await using harness = await start(target);
  assert.equal(target.replicas, 2);
  assert.deepEqual(conditionsOf(harness), [
    'AbleToScale=True SucceededGetScale',
    'ScalingActive=False FailedGetResourceMetric',
  ]);
  const why =
    'failed to get cpu utilization: unable to fetch metrics from resource metrics API: the server could not find the requested resource';
  assert.deepEqual(harness.events, [
    `ns/hpa FailedGetResourceMetric ${why}`,
    `ns/hpa FailedComputeMetricsReplicas invalid metrics (1 invalid out of 1), first error is: ${why}`,
  ]);
});
