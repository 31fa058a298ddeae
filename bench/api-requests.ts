import { ApiBench, rounds } from './api-bench.ts';
import type { BenchContext, Workload } from './bench.ts';
import type { RequestText } from './keep-alive.ts';
import { formatValue, median, type Row } from './row.ts';
import { sampleConfigMap, samplePod } from './sample-objects.ts';

const CORE = '/api/v1/namespaces/default';

interface RequestRow extends RequestText {
  readonly name: string;
  readonly target: number;
  readonly anchor: 'put' | 'get';
}

/** A thousand pods to get and patch, so that requests meet each other no more than in a real cluster. */
const POD = 'target-{m}';
const PODS = 1000;

const REQUESTS: readonly RequestRow[] = [
  {
    name: 'create ConfigMap of 1.5 KiB',
    method: 'POST',
    path: `${CORE}/configmaps`,
    body: JSON.stringify(sampleConfigMap('map-{n}')),
    target: 6_900,
    anchor: 'put',
  },
  {
    name: 'create small Pod',
    method: 'POST',
    path: `${CORE}/pods`,
    body: JSON.stringify(samplePod('pod-{n}')),
    target: 5_250,
    anchor: 'put',
  },
  { name: 'get Pod', method: 'GET', path: `${CORE}/pods/${POD}`, target: 17_600, anchor: 'get' },
  {
    name: 'patch Pod, merge',
    method: 'PATCH',
    path: `${CORE}/pods/${POD}`,
    contentType: 'application/merge-patch+json',
    body: '{"metadata":{"annotations":{"note":"{n}"}}}',
    target: 4_360,
    anchor: 'put',
  },
  {
    name: 'patch Pod, strategic',
    method: 'PATCH',
    path: `${CORE}/pods/${POD}`,
    contentType: 'application/strategic-merge-patch+json',
    body: '{"metadata":{"annotations":{"other":"{n}"}}}',
    target: 4_360,
    anchor: 'put',
  },
  {
    name: 'apply new ConfigMap',
    method: 'PATCH',
    path: `${CORE}/configmaps/applied-{n}?fieldManager=bench`,
    contentType: 'application/apply-patch+yaml',
    body: JSON.stringify(sampleConfigMap('applied-{n}')),
    target: 6_800,
    anchor: 'put',
  },
];

/** Single requests over kept connections: create, get, patch, apply. */
export const apiRequests: Workload = { name: 'requests', run };

async function run(context: BenchContext): Promise<readonly Row[]> {
  await using bench = await ApiBench.start();
  const rows: Row[] = [];
  const { connections, requests } = context.size;
  await bench.order({
    kind: 'requests',
    method: 'POST',
    path: `${CORE}/pods`,
    body: JSON.stringify(samplePod(POD)),
    connections,
    ...bench.take(PODS),
  });
  for (const { name, target, anchor, ...request } of REQUESTS) {
    const beforeMs = bench.serverCpuMs();
    const values = await rounds(context, async () => {
      const { seconds } = await bench.order({
        kind: 'requests',
        ...request,
        connections,
        ...bench.take(requests),
      });
      return requests / seconds;
    });
    rows.push({ name, unit: '/s', values, target, anchor });
    const cpuUs = ((bench.serverCpuMs() - beforeMs) * 1000) / (requests * (values.length + 1));
    context.note(`${name}: ${formatValue(median(values), '/s')}, ${cpuUs.toFixed(0)} µs of server CPU each`);
  }
  return rows;
}
