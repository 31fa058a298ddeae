import { ApiBench } from './api-bench.ts';
import type { BenchContext, Workload } from './bench.ts';
import type { Row } from './row.ts';
import { sampleConfigMap, samplePod } from './sample-objects.ts';

const NAMESPACE = 'doomed';
const CORE = `/api/v1/namespaces/${NAMESPACE}`;

/** A namespace full of Pods that run, ConfigMaps and Secrets, from its deletion until a watcher has seen it go. */
export const namespaceDeletion: Workload = { name: 'namespace-deletion', run };

async function run({ size, note }: BenchContext): Promise<readonly Row[]> {
  const { connections, nodes, replicas } = size;
  await using bench = await ApiBench.start(`sim:${nodes}`);
  await bench.order({
    kind: 'until-seen',
    method: 'POST',
    path: '/api/v1/namespaces',
    body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }),
    watchPath: `${CORE}/serviceaccounts?watch=true`,
    needle: '{"type":"ADDED"',
    connections: 1,
    first: 0,
    count: 1,
  });
  const count = Math.floor(replicas / 3);
  await bench.order({
    kind: 'until-seen',
    method: 'POST',
    path: `${CORE}/pods`,
    body: JSON.stringify(samplePod('pod-{n}')),
    watchPath: `${CORE}/pods?watch=true&fieldSelector=status.phase%3DRunning`,
    needle: '{"type":"ADDED"',
    connections,
    ...bench.take(count),
  });
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'secret-{n}' },
    data: { key: 'dmFsdWU=' },
  };
  for (const [path, body] of [
    ['configmaps', sampleConfigMap('settings-{n}')],
    ['secrets', secret],
  ] as const) {
    await bench.order({
      kind: 'requests',
      method: 'POST',
      path: `${CORE}/${path}`,
      body: JSON.stringify(body),
      connections,
      ...bench.take(count),
    });
  }
  const beforeMs = bench.serverCpuMs();
  const { seconds } = await bench.order({
    kind: 'until-seen',
    method: 'DELETE',
    path: `/api/v1/namespaces/${NAMESPACE}`,
    watchPath: `/api/v1/namespaces?watch=true&fieldSelector=metadata.name%3D${NAMESPACE}`,
    needle: '{"type":"DELETED"',
    connections: 1,
    first: 0,
    count: 1,
  });
  const cpuUs = ((bench.serverCpuMs() - beforeMs) * 1000) / (count * 3);
  note(`namespace deletion: ${seconds.toFixed(1)} s, ${cpuUs.toFixed(0)} µs of server CPU each object`);
  return [
    {
      name: `a namespace of ${count * 3} objects until gone`,
      unit: 'ms',
      target: 10_000,
      values: [seconds * 1000],
    },
  ];
}
