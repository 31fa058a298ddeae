import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { scratchDirectory, type BenchContext, type Workload } from './bench.ts';
import type { Row } from './row.ts';

const ROOT = join(import.meta.dirname, '..');
const QUIET = '--disable-warning=ExperimentalWarning';
const PORT = 26_443;
/** A start that takes longer is not worth measuring. */
const START_MS_MAX = 60_000;
const POLL_MS = 2;
/** `ps` and `/proc` count in ticks of this length. */
const TICK_MS = 10;

/** Starting a cluster in an empty directory, and what it costs while nothing happens. */
export const node: Workload = { name: 'node', run };

async function run(context: BenchContext): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const sources = await startTimes(context, join('bin', 'coracle.mjs'));
  rows.push({ name: 'empty directory to /readyz, from sources', unit: 'ms', values: sources.readyMs });
  const built = spawnSync(process.execPath, [QUIET, 'tools/build.ts'], { cwd: ROOT, stdio: 'ignore' });
  const bundle = join('dist', 'coracle.mjs');
  if (built.status === 0 && existsSync(join(ROOT, bundle))) {
    const times = await startTimes(context, bundle);
    rows.push({ name: 'empty directory to /readyz, built', unit: 'ms', target: 300, values: times.readyMs });
    rows.push({ name: 'resident memory, idle', unit: 'MB', target: 200, values: times.residentMb });
    rows.push({ name: 'processor, idle, of one core', unit: '%', target: 1, values: times.cpuPercent });
  }
  context.note('starts and idling');
  return rows;
}

interface StartTimes {
  readonly readyMs: readonly number[];
  readonly residentMb: readonly number[];
  readonly cpuPercent: readonly number[];
}

async function startTimes({ size }: BenchContext, program: string): Promise<StartTimes> {
  const readyMs: number[] = [];
  const residentMb: number[] = [];
  const cpuPercent: number[] = [];
  for (let round = 0; round < size.rounds; round++) {
    using directory = scratchDirectory();
    const startMs = performance.now();
    const child = spawn(
      process.execPath,
      [
        QUIET,
        program,
        'up',
        '--nodes',
        'sim:1',
        '--port',
        String(PORT),
        '--data-dir',
        join(directory.path, 'd'),
      ],
      {
        cwd: ROOT,
        stdio: 'ignore',
        env: { ...process.env, NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.bench-cache') },
      },
    );
    try {
      await untilReady(child, startMs + START_MS_MAX);
      readyMs.push(performance.now() - startMs);
      if (round === size.rounds - 1) {
        // What a start needs once is let go first.
        await pause(size.idleMs);
        const before = usageOf(child);
        await pause(size.idleMs);
        const after = usageOf(child);
        residentMb.push(after.residentMb);
        cpuPercent.push(((after.cpuMs - before.cpuMs) / size.idleMs) * 100);
      }
    } finally {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
  }
  return { readyMs, residentMb, cpuPercent };
}

async function untilReady(child: ChildProcess, deadlineMs: number): Promise<void> {
  while (!(await isReady())) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      throw new Error(`the cluster did not become ready; exit code ${child.exitCode}`);
    }
    await pause(POLL_MS);
  }
}

function isReady(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  // Its certificate was made a moment ago; whether it is right is not the question here.
  get(
    { host: '127.0.0.1', port: PORT, path: '/readyz', rejectUnauthorized: false, agent: false },
    (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    },
  ).on('error', () => resolve(false));
  return promise;
}

function usageOf({ pid }: ChildProcess): { readonly residentMb: number; readonly cpuMs: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    residentMb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024,
    cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
  };
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
