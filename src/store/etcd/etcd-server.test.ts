import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemClock } from '#base/clock.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { MemoryStore } from '../memory-store.ts';
import { STORE_SCENARIOS } from '../store-scenarios.fixture.ts';
import { StoreTranscript } from '../store-transcript.fixture.ts';
import { EtcdServer } from './etcd-server.ts';
import { EtcdStore } from './etcd-store.ts';

// Both ends at once: what the store says survives the way out through etcd's words and back in.
for (const { name, run, expected } of STORE_SCENARIOS) {
  test(`etcd face: ${name}`, async () => {
    const clock = new VirtualClock();
    await using store = new MemoryStore({ clock });
    await using server = new EtcdServer({ store, clock, log: SILENT_LOGGER });
    const port = await server.listen('127.0.0.1', 0);
    await using client = await EtcdStore.open({
      endpoints: [`http://127.0.0.1:${port}`],
      clock: new SystemClock(),
    });
    const transcript = new StoreTranscript(client, clock);
    await run(transcript);
    assert.deepEqual(transcript.lines, linesOf(expected));
  });
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
