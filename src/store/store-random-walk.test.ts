import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { utf8Encode } from '#base/bytes.ts';
import { nextTurn } from '#base/next-turn.ts';
import { SeededRandom, SystemRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { LmdbStore } from './lmdb-store.ts';
import { MemoryStore } from './memory-store.ts';
import { ModelStore } from './model-store.fixture.ts';
import type { Revision, Store, StoreEvent } from './store.ts';

const SEED = Number(process.env['CORACLE_SEED'] ?? new SystemRandom().int(2 ** 31));
const STEPS = Number(process.env['CORACLE_STEPS'] ?? 400);

const PREFIXES = ['', '/', '/a/', '/a/1', '/b', '/b/', '/\u{1f600}', '/nothing/'];
const KEYS = [
  '/a',
  '/a/',
  '/a/1',
  '/a/10',
  '/a/2',
  '/b',
  '/b/1',
  '/b/2',
  '/\uffee',
  '/\u{1f600}',
  '/\u{1f600}/x',
];

test(`memory store: agrees with the model on a random walk (CORACLE_SEED=${SEED})`, async () => {
  await using store = new MemoryStore({ clock: new VirtualClock() });
  await new Walk(store, new SeededRandom(SEED)).run(STEPS);
});

test(`lmdb store: agrees with the model on a random walk with restarts (CORACLE_SEED=${SEED})`, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-walk-'));
  t.after(() => rm(directory, { recursive: true }));
  const random = new SeededRandom(SEED);
  const model = new ModelStore();
  for (let leg = 0; leg < 4; leg++) {
    await using store = await LmdbStore.open(directory, { clock: new VirtualClock() });
    await new Walk(store, random, model).run(STEPS / 4);
  }
});

/** A watch that remembers what it saw, and may be told to stop reading for a while. */
class Watched {
  readonly prefix: string;
  readonly after: Revision;
  readonly events: StoreEvent[] = [];
  delivered: Revision;
  isPaused = false;
  error: unknown;
  readonly #controller = new AbortController();
  readonly #done: Promise<void>;

  constructor(store: Store, prefix: string, after: Revision) {
    this.prefix = prefix;
    this.after = after;
    this.delivered = after;
    this.#done = this.#follow(store);
  }

  async finish(until: Revision): Promise<void> {
    this.isPaused = false;
    while (this.delivered < until && this.error === undefined) {
      await nextTurn();
    }
    this.#controller.abort();
    await this.#done;
  }

  async #follow(store: Store): Promise<void> {
    try {
      const options = { after: this.after, progress: true };
      for await (const batch of store.watch(this.prefix, options, this.#controller.signal)) {
        while (this.isPaused) {
          await nextTurn();
        }
        assert.ok(batch.revision >= this.delivered, 'what was delivered never goes back');
        this.delivered = batch.revision;
        this.events.push(...batch.events);
      }
    } catch (error) {
      this.error = error;
    }
  }
}

class Walk {
  readonly #store: Store;
  readonly #random: SeededRandom;
  readonly #model: ModelStore;
  readonly #watches: Watched[] = [];

  constructor(store: Store, random: SeededRandom, model = new ModelStore()) {
    this.#store = store;
    this.#random = random;
    this.#model = model;
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await this.#step();
    }
    for (const watched of this.#watches) {
      await this.#checkWatch(watched);
    }
    assert.equal((await this.#store.status()).watchers, 0);
  }

  async #step(): Promise<void> {
    const choice = this.#random.int(100);
    if (choice < 50) {
      await this.#writeBurst();
    } else if (choice < 65) {
      await this.#get();
    } else if (choice < 85) {
      await this.#list();
    } else if (choice < 92 && this.#watches.length < 12) {
      this.#watches.push(new Watched(this.#store, this.#pick(PREFIXES), this.#someRevision()));
    } else if (choice < 95) {
      for (const watched of this.#watches) {
        watched.isPaused = this.#random.int(2) === 0;
      }
    } else if (choice < 97) {
      await this.#compact();
    } else {
      await nextTurn();
    }
  }

  /** Several writes at once are carried out in the order in which they were asked for. */
  async #writeBurst(): Promise<void> {
    const writes = Array.from({ length: 1 + this.#random.int(8) }, () => {
      const key = this.#pick(KEYS);
      const value = utf8Encode(String(this.#random.int(1_000)).repeat(this.#random.int(20)));
      const current = this.#model.get(key)?.modRevision;
      const stale = this.#random.int(10) === 0;
      const expected = this.#random.int(3) === 0 ? undefined : stale ? 1 : current;
      switch (this.#random.int(3)) {
        case 0:
          return [this.#store.create(key, value), this.#model.create(key, value)] as const;
        case 1:
          return [
            this.#store.update(key, value, expected),
            this.#model.update(key, value, expected),
          ] as const;
        default:
          return [this.#store.delete(key, expected), this.#model.delete(key, expected)] as const;
      }
    });
    for (const [real, expected] of writes) {
      assert.deepEqual(plain(await real), plain(expected));
    }
    assert.equal(await this.#store.currentRevision(), this.#model.revision);
  }

  async #get(): Promise<void> {
    const key = this.#pick(KEYS);
    if (this.#random.int(2) === 0) {
      assert.deepEqual(plain(await this.#store.get(key)), plain(this.#model.get(key)));
      return;
    }
    const revision = this.#someRevision();
    await this.#checkRead(revision, async () => {
      assert.deepEqual(
        plain(await this.#store.get(key, { revision })),
        plain(this.#model.get(key, revision)),
      );
    });
  }

  async #list(): Promise<void> {
    const prefix = this.#pick(PREFIXES);
    const after = this.#random.int(3) === 0 ? this.#pick(KEYS) : undefined;
    const limit = this.#random.int(5);
    const revision = this.#random.int(2) === 0 ? undefined : this.#someRevision();
    const asOf = revision ?? this.#model.revision;
    await this.#checkRead(asOf, async () => {
      const page = await this.#store.list(prefix, {
        limit,
        ...(after === undefined ? {} : { after }),
        ...(revision === undefined ? {} : { revision }),
      });
      const [items, remaining] = this.#model.list(prefix, after, limit === 0 ? Infinity : limit, asOf);
      assert.deepEqual(plain(page), plain({ items, remaining, revision: asOf, hasMore: remaining > 0 }));
    });
    assert.equal(
      await this.#store.count(prefix),
      this.#model.list(prefix, undefined, 0, this.#model.revision)[1],
    );
  }

  async #compact(): Promise<void> {
    const revision = Math.max(this.#someRevision() - this.#random.int(50), 1);
    await this.#store.compact(revision);
    this.#model.compacted = Math.max(revision, this.#model.compacted);
  }

  async #checkRead(revision: Revision, read: () => Promise<void>): Promise<void> {
    if (revision < this.#model.compacted) {
      await assert.rejects(read, { code: 'store/compacted' });
    } else {
      await read();
    }
  }

  async #checkWatch(watched: Watched): Promise<void> {
    await watched.finish(this.#model.revision);
    if (watched.error !== undefined) {
      assert.ok(
        watched.delivered < this.#model.compacted,
        'only who needs what was compacted is turned away',
      );
      assert.equal((watched.error as { code?: unknown }).code, 'store/compacted');
    }
    const expected = this.#model.log.filter(
      ({ key, revision }) =>
        key.startsWith(watched.prefix) && revision > watched.after && revision <= watched.delivered,
    );
    assert.deepEqual(plain(watched.events), plain(expected));
  }

  #someRevision(): Revision {
    return 1 + this.#random.int(this.#model.revision);
  }

  #pick(from: readonly string[]): string {
    return from[this.#random.int(from.length)] ?? '';
  }
}

/** Values as text, so that a Buffer and a Uint8Array with the same bytes are equal. */
function plain(answer: unknown): unknown {
  return JSON.parse(
    JSON.stringify(answer ?? null, (_key, value: unknown) =>
      value instanceof Uint8Array ||
      (value !== null && typeof value === 'object' && 'type' in value && value.type === 'Buffer')
        ? Buffer.from((value as { data?: number[] }).data ?? (value as Uint8Array)).toString()
        : value,
    ),
  );
}
