import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLabelSelector } from '#api/label-selector.ts';
import { StatusError } from '#api/status-error.ts';
import { describeError } from '#base/log.ts';
import { Client } from '#client/client.ts';
import type { ApiRequest, Transport } from '#client/transport.ts';
import { ServedMetrics } from './served-metrics.ts';

const TIME = '2026-01-01T00:00:00Z';
const TIME_MS = Date.parse(TIME);
const signal = new AbortController().signal;

/** Answers by path; what it does not know is not found. */
function metricsOf(answers: Readonly<Record<string, readonly object[]>>): {
  metrics: ServedMetrics;
  asked: ApiRequest[];
} {
  const asked: ApiRequest[] = [];
  const transport: Transport = {
    request(request) {
      asked.push(request);
      const { resource, namespace = '', name = '', subresource = '' } = request;
      const parts = [resource.group, resource.version, namespace, resource.resource, name, subresource];
      const items = answers[parts.filter((part) => part !== '').join('/')];
      return items === undefined
        ? Promise.reject(
            new StatusError({
              code: 404,
              reason: 'NotFound',
              message: 'the server could not find the requested resource',
            }),
          )
        : Promise.resolve({ items });
    },
    watch: () => assert.fail('metrics are not watched'),
  };
  return { metrics: new ServedMetrics(new Client(transport)), asked };
}

const podMetrics = (name: string, ...cpus: readonly (string | undefined)[]): object => ({
  metadata: { name },
  timestamp: TIME,
  window: '30s',
  containers: cpus.map((cpu, index) => ({ name: `c${index}`, usage: cpu === undefined ? {} : { cpu } })),
});

const ONE_POD = { namespace: 'ns', selector: parseLabelSelector('app=web') };

test('served metrics: the use of pods is that of their containers, and of none that lacks one', async () => {
  const { metrics, asked } = metricsOf({
    'metrics.k8s.io/v1beta1/ns/pods': [
      podMetrics('a', '100m', '1'),
      podMetrics('b', '5n'),
      podMetrics('c', '1', undefined),
    ],
  });
  const sample = (milli: number) => ({ milli, timeMs: TIME_MS, windowMs: 30_000 });
  assert.deepEqual(
    [...(await metrics.resource({ ...ONE_POD, resource: 'cpu' }, signal))],
    [
      ['a', sample(1100)],
      ['b', sample(1)],
    ],
  );
  assert.deepEqual(
    [...(await metrics.resource({ ...ONE_POD, resource: 'cpu', container: 'c0' }, signal)).keys()],
    ['a', 'b', 'c'],
  );
  assert.deepEqual(asked[0]?.query, { labelSelector: 'app=web' });
});

test('served metrics: custom ones in the version that is served, external ones added up', async () => {
  const { metrics, asked } = metricsOf({
    'custom.metrics.k8s.io/v1beta1/ns/pods/*/hits': [
      { describedObject: { name: 'a' }, timestamp: TIME, window: 10, value: '1500m' },
    ],
    'custom.metrics.k8s.io/v1beta1/ns/deployments.apps/web/hits': [{ value: '3' }],
    'custom.metrics.k8s.io/v1beta1/ns/metrics/hits': [{ value: '4' }],
    'external.metrics.k8s.io/v1beta1/ns/queue': [{ value: '1' }, { value: '500m' }],
  });
  const hits = { name: 'hits', selector: { matchLabels: { path: 'x' } } };
  assert.deepEqual(
    [...(await metrics.pods({ ...ONE_POD, metric: hits }, signal))],
    [['a', { milli: 1500, timeMs: TIME_MS, windowMs: 10_000 }]],
  );
  assert.deepEqual(asked.at(-1)?.query, { labelSelector: 'app=web', metricLabelSelector: 'path=x' });
  const object = (kind: string, apiVersion: string) =>
    metrics.object({ namespace: 'ns', object: { kind, apiVersion, name: 'web' }, metric: hits }, signal);
  assert.deepEqual([await object('Deployment', 'apps/v1'), await object('Namespace', 'v1')], [3000, 4000]);
  assert.equal(await metrics.external({ namespace: 'ns', metric: { name: 'queue' } }, signal), 1500);
});

test('served metrics: what is missing is said as upstream says it', async () => {
  const { metrics } = metricsOf({ 'external.metrics.k8s.io/v1beta1/ns/queue': [] });
  await assert.rejects(metrics.resource({ ...ONE_POD, resource: 'cpu' }, signal), (error) => {
    assert.equal(
      describeError(error),
      'unable to fetch metrics from resource metrics API: the server could not find the requested resource',
    );
    return true;
  });
  await assert.rejects(metrics.external({ namespace: 'ns', metric: { name: 'queue' } }, signal), {
    message: 'no metrics returned from external metrics API',
  });
});
