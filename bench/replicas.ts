import { ApiBench } from './api-bench.ts';
import type { BenchContext, Workload } from './bench.ts';
import { storeRevision } from './cluster-rest.ts';
import type { Row } from './row.ts';
import { sampleDeployment } from './sample-objects.ts';

const NAMESPACE = '/namespaces/default';

/** One Deployment, from its creation until a watcher has seen every pod of it Running on a simulated node. */
export const replicas: Workload = { name: 'replicas', run };

async function run({ size, note }: BenchContext): Promise<readonly Row[]> {
  const count = size.replicas;
  await using bench = await ApiBench.start(`sim:${size.nodes}`);
  await bench.accountExists();
  const before = await storeRevision(bench);
  const beforeMs = bench.serverCpuMs();
  const { seconds } = await bench.order({
    kind: 'until-seen',
    method: 'POST',
    path: `/apis/apps/v1${NAMESPACE}/deployments`,
    body: JSON.stringify(sampleDeployment('replicas', count)),
    watchPath: `/api/v1${NAMESPACE}/pods?watch=true&fieldSelector=status.phase%3DRunning`,
    needle: '{"type":"ADDED"',
    wanted: count,
    connections: 1,
    first: 0,
    count: 1,
  });
  const cpuUs = ((bench.serverCpuMs() - beforeMs) * 1000) / count;
  note(`replicas: ${(count / seconds).toFixed(0)} /s, ${cpuUs.toFixed(0)} µs of server CPU each`);
  const writes = ((await storeRevision(bench)) - before) / count;
  note(`replicas: ${writes.toFixed(2)} writes each`);
  return [
    {
      name: `${count} replicas of a Deployment until Running`,
      unit: '/s',
      target: 1_000,
      values: [count / seconds],
    },
  ];
}
