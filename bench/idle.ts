import { ApiBench } from './api-bench.ts';
import type { BenchContext, Workload } from './bench.ts';
import { observeRest, pause } from './cluster-rest.ts';
import type { Row } from './row.ts';

const NODES = 3;

/** A small cluster that nobody asks for anything: leases are renewed, and nothing else is written. */
export const idle: Workload = { name: 'idle', run };

async function run({ size, note }: BenchContext): Promise<readonly Row[]> {
  await using bench = await ApiBench.start(`sim:${NODES}`);
  await pause(size.settleMs);
  const { coreShare, writes } = await observeRest(bench, size.idleMs);
  note(`idle: ${[...writes].map(([what, count]) => `${count} ${what}`).join(', ')}`);
  return [
    {
      name: `an idle cluster of ${NODES} nodes: share of a core`,
      unit: '%',
      target: 1,
      values: [Math.max(coreShare, 0.01)],
    },
  ];
}
