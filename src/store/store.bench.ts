// How fast the stores are. `node src/store/store.bench.ts` prints the real sizes; the unit tests run tiny ones.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '#base/clock.ts';
import type { Clock } from '#base/clock.ts';
import { LmdbStore } from './lmdb-store.ts';
import { MemoryStore } from './memory-store.ts';
import type { Store } from './store.ts';

export interface StoreBenchSizes {
  readonly creates: number;
  readonly listKeys: number;
  readonly gets: number;
  readonly watchers: number;
  /** Watchers of prefixes that nothing is written to. */
  readonly bystanders: number;
}

export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** Sizes that say something; a run takes a few seconds. */
export const STORE_BENCH_SIZES: StoreBenchSizes = {
  creates: 20_000,
  listKeys: 10_000,
  gets: 50_000,
  watchers: 200,
  bystanders: 10_000,
};

/** About what a small pod takes. */
const VALUE_BYTES = 1_000;
const RUNS = 5;

/** Runs every measurement on both backends and returns medians. */
export async function benchStores(sizes: StoreBenchSizes, clock: Clock): Promise<BenchRow[]> {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-bench-'));
  try {
    await using memory = new MemoryStore({ clock });
    const rows = await benchStore('memory', memory, sizes, clock);
    const path = join(directory, 'lmdb');
    {
      await using lmdb = await LmdbStore.open(path, { clock });
      rows.push(...(await benchStore('lmdb', lmdb, sizes, clock)));
    }
    rows.push(
      row(
        'lmdb open an empty store',
        await openMs(() => join(directory, String(clock.monotonicMs())), clock),
        'ms',
      ),
    );
    rows.push(row(`lmdb open ${keysOf(sizes)} keys`, await openMs(() => path, clock), 'ms'));
    return rows;
  } finally {
    await rm(directory, { recursive: true });
  }
}

function keysOf({ creates, listKeys }: StoreBenchSizes): number {
  return 3 * creates + listKeys;
}

async function benchStore(
  name: string,
  store: Store,
  sizes: StoreBenchSizes,
  clock: Clock,
): Promise<BenchRow[]> {
  const create = (folder: string, count: number, concurrency: number): Promise<number> =>
    createRate(store, clock, folder, { count, concurrency });
  const rows = [
    row(`${name} creates, 1 at a time`, await create('alone', sizes.creates, 1), '/s'),
    row(`${name} creates, 64 at a time`, await create('crowd', sizes.creates, 64), '/s'),
  ];
  await create('list', sizes.listKeys, 64);
  const getRate = await perSecond(sizes.gets, clock, async () => {
    for (let i = 0; i < sizes.gets; i++) {
      await store.get(`/registry/crowd/default/item-${(i * 7_919) % sizes.creates}`);
    }
  });
  rows.push(row(`${name} gets`, getRate, '/s'));
  const listMs = await medianMs(clock, async () => void (await store.list('/registry/list/')));
  rows.push(row(`${name} list of ${sizes.listKeys}`, listMs, 'ms'));
  rows.push(...(await benchWatches(name, store, sizes, clock)));
  return rows;
}

/** From the answer to a write until the last of many watchers has its event. */
async function benchWatches(
  name: string,
  store: Store,
  sizes: StoreBenchSizes,
  clock: Clock,
): Promise<BenchRow[]> {
  const controller = new AbortController();
  const after = await store.currentRevision();
  let arrived = 0;
  let wake: () => void = () => undefined;
  const follow = async (prefix: string): Promise<void> => {
    for await (const batch of store.watch(prefix, { after }, controller.signal)) {
      arrived += batch.events.length;
      wake();
    }
  };
  const followers = [
    ...Array.from({ length: sizes.watchers }, () => follow('/registry/fan-out/')),
    ...Array.from({ length: sizes.bystanders }, (_, i) => follow(`/registry/other/ns-${i}/`)),
  ];
  let writes = 0;
  const fanOutMs = await medianMs(clock, async () => {
    await store.create(`/registry/fan-out/item-${writes++}`, new Uint8Array(VALUE_BYTES));
    while (arrived < writes * sizes.watchers) {
      await new Promise<void>((resolve) => (wake = resolve));
    }
  });
  const watchedRate = await createRate(store, clock, 'watched', { count: sizes.creates, concurrency: 64 });
  controller.abort();
  await Promise.all(followers);
  return [
    row(`${name} create until ${sizes.watchers} watchers know`, fanOutMs, 'ms'),
    row(`${name} creates beside ${sizes.bystanders} other watches`, watchedRate, '/s'),
  ];
}

function createRate(
  store: Store,
  clock: Clock,
  folder: string,
  { count, concurrency }: { readonly count: number; readonly concurrency: number },
): Promise<number> {
  const value = new Uint8Array(VALUE_BYTES);
  let next = 0;
  return perSecond(count, clock, async () => {
    const writer = async (): Promise<void> => {
      while (next < count) {
        await store.create(`/registry/${folder}/default/item-${next++}`, value);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, writer));
  });
}

async function openMs(pathOf: () => string, clock: Clock): Promise<number> {
  let store: Store | undefined;
  const ms = await medianMs(clock, async () => {
    store = await LmdbStore.open(pathOf(), { clock });
    return async () => store?.close();
  });
  return ms;
}

async function perSecond(count: number, clock: Clock, run: () => Promise<void>): Promise<number> {
  const startMs = clock.monotonicMs();
  await run();
  return (count / (clock.monotonicMs() - startMs)) * 1_000;
}

/** The median of a few runs; what `run` returns is called after each, outside the measurement. */
async function medianMs(clock: Clock, run: () => Promise<void | (() => Promise<void>)>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const startMs = clock.monotonicMs();
    const clean = await run();
    times.push(clock.monotonicMs() - startMs);
    await clean?.();
  }
  return times.toSorted((a, b) => a - b)[RUNS >> 1] ?? NaN;
}

function row(name: string, value: number, unit: string): BenchRow {
  return { name, value, unit };
}

if (import.meta.main) {
  for (const { name, value, unit } of await benchStores(STORE_BENCH_SIZES, new SystemClock())) {
    console.log(`${name.padEnd(45)} ${value.toFixed(unit === 'ms' ? 2 : 0).padStart(10)} ${unit}`);
  }
}
