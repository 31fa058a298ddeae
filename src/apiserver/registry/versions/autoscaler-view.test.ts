import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import { autoscalerFromStorage, autoscalerToStorage } from './autoscaler-view.ts';

const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
const CURRENT = 'autoscaling.alpha.kubernetes.io/current-metrics';
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions';
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';

const CPU = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
};
const QUEUE = {
  type: 'External',
  external: {
    metric: { name: 'queue', selector: { matchLabels: { a: 'b' } } },
    target: { type: 'AverageValue', averageValue: '30' },
  },
};
const HITS = {
  type: 'Object',
  object: {
    describedObject: { apiVersion: 'v1', kind: 'Service', name: 's' },
    target: { type: 'Value', value: '5' },
    metric: { name: 'hits' },
  },
};
const SPEC = { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 3, minReplicas: 1 };

const STORED = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'a', annotations: { mine: 'x', [METRICS]: 'old' } },
  spec: {
    ...SPEC,
    metrics: [QUEUE, HITS, CPU],
    behavior: {
      scaleDown: {
        stabilizationWindowSeconds: 60,
        policies: [{ type: 'Pods', value: 1, periodSeconds: 15 }],
      },
    },
  },
  status: {
    desiredReplicas: 2,
    currentMetrics: [
      {
        type: 'Resource',
        resource: { name: 'cpu', current: { averageUtilization: 40, averageValue: '4m' } },
      },
    ],
    conditions: [
      { type: 'AbleToScale', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'r' },
    ],
  },
};

function fromStorage(object: object): { readonly metadata: ApiObject['metadata'] } {
  return autoscalerFromStorage(object as ApiObject);
}

test('autoscaler v1: what it has no fields for stands in annotations, in the form of that time', () => {
  assert.deepEqual(fromStorage(STORED), {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: {
      name: 'a',
      annotations: {
        mine: 'x',
        [METRICS]:
          '[{"type":"External","external":{"metricName":"queue","metricSelector":{"matchLabels":{"a":"b"}},"targetAverageValue":"30"}},' +
          '{"type":"Object","object":{"target":{"kind":"Service","name":"s","apiVersion":"v1"},"metricName":"hits","targetValue":"5"}}]',
        [CURRENT]:
          '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":40,"currentAverageValue":"4m"}}]',
        [BEHAVIOR]:
          '{"ScaleUp":null,"ScaleDown":{"StabilizationWindowSeconds":60,"SelectPolicy":null,"Policies":[{"Type":"Pods","Value":1,"PeriodSeconds":15}],"Tolerance":null}}',
        [CONDITIONS]:
          '[{"type":"AbleToScale","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z","reason":"r"}]',
      },
    },
    spec: { ...SPEC, targetCPUUtilizationPercentage: 70 },
    status: { desiredReplicas: 2, currentCPUUtilizationPercentage: 40 },
  });
});

test('autoscaler v1: nothing is lost on the way there and back', () => {
  const { annotations: _given, ...metadata } = STORED.metadata;
  const expected = { ...STORED, metadata: { ...metadata, annotations: { mine: 'x' } } };
  assert.deepEqual(autoscalerToStorage(fromStorage(STORED) as ApiObject), expected);
});

test('autoscaler v1: without any metric the CPU is meant, and annotations that are no JSON say nothing', () => {
  const given = {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'a', annotations: { [METRICS]: '{', [BEHAVIOR]: '{}', [CURRENT]: '[1]' } },
    spec: SPEC,
    status: { currentCPUUtilizationPercentage: 5 },
  };
  assert.deepEqual(autoscalerToStorage(given as unknown as ApiObject), {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'a' },
    spec: {
      ...SPEC,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
        },
      ],
    },
    status: {
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 5 } } }],
    },
  });
});
