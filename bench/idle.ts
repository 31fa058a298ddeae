import { ApiBench } from './api-bench.ts';
import type { BenchContext, Workload } from './bench.ts';
import { objectVersions, observeRest, pause } from './cluster-rest.ts';
import type { Row } from './row.ts';

const NODES = 3;

/** A small cluster that nobody asks for anything: leases are renewed, and nothing else is written. */
export const idle: Workload = { name: 'idle', run };

async function run({ size, note }: BenchContext): Promise<readonly Row[]> {
  await using bench = await ApiBench.start(`sim:${NODES}`);
  await pause(size.settleMs);
  const before = await objectVersions(bench);
  const { coreShare, writes } = await observeRest(bench, size.idleMs);
  const after = await objectVersions(bench);
  const written = [...after].filter(([name, version]) => before.get(name) !== version).map(([name]) => name);
  note(`idle: ${writes} writes, to ${written.join(', ')}`);
  const others = written.filter((name) => !name.startsWith('leases '));
  if (others.length > 0) {
    throw new Error(`an idle cluster wrote to ${others.join(', ')}`);
  }
  return [
    {
      name: `an idle cluster of ${NODES} nodes: share of a core`,
      unit: '%',
      target: 1,
      values: [Math.max(coreShare, 0.01)],
    },
  ];
}
