import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { scratchDirectory, type BenchContext, type Workload } from './bench.ts';
import { LineProcess } from './line-process.ts';
import type { Row } from './row.ts';
import type { ServiceChangeLine } from './service-host.ts';

/** Changes that are measured in one round. */
const CHANGES = 9;

/** One service among many gets its first endpoint: from the request to a connection through the kernel's rules. */
export const services: Workload = { name: 'services', run };

async function run({ size, note }: BenchContext): Promise<readonly Row[]> {
  const namespace = `coracle-bench-${process.pid}`;
  if (process.getuid?.() !== 0 || !runs('nft', '--version') || !runs('ip', 'netns', 'add', namespace)) {
    note('no service rules: that takes root, `nft` and network namespaces');
    return [];
  }
  try {
    using directory = scratchDirectory();
    await using host = new LineProcess(
      join(import.meta.dirname, 'service-host.ts'),
      [directory.path, String(size.services)],
      { prefix: ['ip', 'netns', 'exec', namespace] },
    );
    await host.next();
    const values: number[] = [];
    for (let change = 0; change < CHANGES; change++) {
      values.push((await host.ask<ServiceChangeLine>({})).ms);
    }
    note('a service change');
    return [{ name: `a service change among ${size.services} to live rule`, unit: 'ms', target: 20, values }];
  } finally {
    runs('ip', 'netns', 'delete', namespace);
  }
}

function runs(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
