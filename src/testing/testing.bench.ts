// What a test cluster costs. `node src/testing/testing.bench.ts` prints it.
import { SystemClock } from '#base/clock.ts';
import { isAvailable, startCluster, type TestCluster } from './testing.ts';

export interface TestingFigures {
  readonly startMs: number;
  readonly deploymentMs: number;
  readonly forkMs: number;
  readonly resetMs: number;
  readonly hourMs: number;
  readonly megabytesEach: number;
  readonly hundredMs: number;
}

const WEB = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'web:1' }] },
    },
  },
};
const ROUNDS = 7;
const CLUSTERS_KEPT = 10;

/** Medians of warm rounds, on clusters of three nodes. */
export async function measureTesting(): Promise<TestingFigures> {
  const clock = new SystemClock();
  const timed = async <T>(into: number[], run: () => Promise<T>): Promise<T> => {
    const sinceMs = clock.monotonicMs();
    const result = await run();
    into.push(clock.monotonicMs() - sinceMs);
    return result;
  };
  const times = { start: [], deployment: [], fork: [], reset: [], hour: [] } as Record<string, number[]>;
  const of = (name: string): number[] => (times[name] ??= []);
  for (let round = 0; round <= ROUNDS; round++) {
    await using cluster = await timed(of('start'), () => startCluster({ nodes: 3, seed: round }));
    await timed(of('deployment'), () => deploy(cluster));
    await using _branch = await timed(of('fork'), () => cluster.fork());
    await timed(of('hour'), () => cluster.clock.advance({ hours: 1 }));
    await timed(of('reset'), () => cluster.reset());
  }
  return {
    startMs: median(of('start')),
    deploymentMs: median(of('deployment')),
    forkMs: median(of('fork')),
    resetMs: median(of('reset')),
    hourMs: median(of('hour')),
    megabytesEach: await megabytesEach(),
    hundredMs: await hundredAtOnce(clock),
  };
}

async function deploy(cluster: TestCluster): Promise<void> {
  await cluster.apply(WEB);
  await cluster.until('deployment/web', isAvailable);
}

/** Heap and buffers held by each of several clusters with a Deployment of three. */
async function megabytesEach(): Promise<number> {
  await using kept = new AsyncDisposableStack();
  const before = heldBytes();
  for (let index = 0; index < CLUSTERS_KEPT; index++) {
    await deploy(kept.use(await startCluster({ nodes: 3, seed: index })));
  }
  return (heldBytes() - before) / CLUSTERS_KEPT / 1e6;
}

async function hundredAtOnce(clock: SystemClock): Promise<number> {
  const sinceMs = clock.monotonicMs();
  await Promise.all(
    Array.from({ length: 100 }, async (_, seed) => {
      await using cluster = await startCluster({ nodes: 3, seed });
      await deploy(cluster);
    }),
  );
  return clock.monotonicMs() - sinceMs;
}

function heldBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The first round is left out: it compiles. */
function median(times: readonly number[]): number {
  const sorted = times.slice(1).toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

if (import.meta.main) {
  for (const [name, value] of Object.entries(await measureTesting())) {
    process.stdout.write(`${name.padEnd(16)} ${value.toFixed(1)}\n`);
  }
}
