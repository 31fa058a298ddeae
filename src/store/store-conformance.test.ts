import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Clock } from '#base/clock.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { LmdbStore } from './lmdb-store.ts';
import { MemoryStore } from './memory-store.ts';
import { STORE_SCENARIOS } from './store-scenarios.fixture.ts';
import { StoreTranscript } from './store-transcript.fixture.ts';
import type { Store } from './store.ts';

const BACKENDS: readonly { name: string; open: (clock: Clock, directory: string) => Promise<Store> }[] = [
  { name: 'memory', open: async (clock) => new MemoryStore({ clock }) },
  { name: 'lmdb', open: (clock, directory) => LmdbStore.open(directory, { clock }) },
];

for (const { name: backend, open } of BACKENDS) {
  for (const { name, run, expected } of STORE_SCENARIOS) {
    test(`${backend} store: ${name}`, async (t) => {
      const directory = await mkdtemp(join(tmpdir(), 'coracle-store-'));
      t.after(() => rm(directory, { recursive: true }));
      const clock = new VirtualClock();
      await using store = await open(clock, directory);
      const transcript = new StoreTranscript(store, clock);
      await run(transcript);
      assert.deepEqual(transcript.lines, linesOf(expected));
    });
  }
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
