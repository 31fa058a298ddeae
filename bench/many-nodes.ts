import { ApiBench } from './api-bench.ts';
import type { BenchContext, Workload } from './bench.ts';
import { observeRest, pause } from './cluster-rest.ts';
import type { Row } from './row.ts';

/** From the start of a cluster's process until all its nodes are registered, and what it takes at rest. */
export const manyNodes: Workload = { name: 'many-nodes', run };

async function run({ size, note }: BenchContext): Promise<readonly Row[]> {
  const count = size.manyNodes;
  const startMs = performance.now();
  await using bench = await ApiBench.start(`sim:${count}`);
  await bench.order({
    kind: 'until-seen',
    method: 'GET',
    path: '/version',
    watchPath: '/api/v1/nodes?watch=true',
    needle: '{"type":"ADDED"',
    wanted: count,
    connections: 1,
    first: 0,
    count: 1,
  });
  const registeredMs = performance.now() - startMs;
  const cpuMs = bench.serverCpuMs();
  note(
    `many nodes: ${registeredMs.toFixed(0)} ms, ${((cpuMs * 1000) / count).toFixed(0)} µs of server CPU each`,
  );
  await pause(size.settleMs);
  const { coreShare, writes } = await observeRest(bench, size.idleMs);
  note(`many nodes at rest: ${writes} writes`);
  return [
    { name: `${count} simulated nodes until registered`, unit: 'ms', target: 20_000, values: [registeredMs] },
    { name: 'resident memory with them', unit: 'MB', target: 8_000, values: [bench.serverResidentMb()] },
    { name: 'share of a core at rest with them', unit: '%', values: [coreShare] },
  ];
}
