import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from './row.ts';

/** Sizes of a run. The small one shows in seconds that every workload still runs. */
export interface BenchSize {
  readonly rounds: number;
  /** Requests of one round of a throughput row. */
  readonly requests: number;
  readonly connections: number;
  /** Pods of the list, scheduling and deletion rows. */
  readonly pods: number;
  readonly nodes: number;
  /** Share of the nodes and pods that upstream's workloads for its scheduler have. */
  readonly schedulerPerf: number;
  /** Pods of one Deployment, and objects of the namespace that is deleted. */
  readonly replicas: number;
  /** Nodes of the largest cluster. */
  readonly manyNodes: number;
  readonly services: number;
  readonly watchers: number;
  /** Objects of 50 KB that a slow reader lists. */
  readonly largeObjects: number;
  /** Objects created while the watchers look. */
  readonly changes: number;
  /** How long an idle cluster is looked at. */
  readonly idleMs: number;
  /** How long a cluster may come to rest before that. */
  readonly settleMs: number;
}

export const FULL_SIZE: BenchSize = {
  rounds: 5,
  requests: 5_000,
  connections: 32,
  pods: 5_000,
  nodes: 1_000,
  schedulerPerf: 1,
  replicas: 10_000,
  manyNodes: 5_000,
  services: 10_000,
  watchers: 200,
  largeObjects: 2_000,
  changes: 2_000,
  idleMs: 15_000,
  settleMs: 60_000,
};

export const SMALL_SIZE: BenchSize = {
  rounds: 1,
  requests: 200,
  connections: 4,
  pods: 50,
  nodes: 5,
  schedulerPerf: 0.002,
  replicas: 60,
  manyNodes: 20,
  services: 20,
  watchers: 5,
  largeObjects: 20,
  changes: 20,
  idleMs: 200,
  settleMs: 8_000,
};

/** What a workload gets to work with. */
export interface BenchContext {
  readonly size: BenchSize;
  readonly note: (text: string) => void;
}

export interface Workload {
  readonly name: string;
  run(context: BenchContext): Promise<readonly Row[]>;
}

/** A directory on a real disk: fsync on a memory file system would say nothing. Removed when disposed. */
export function scratchDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'coracle-bench-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
