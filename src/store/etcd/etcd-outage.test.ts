import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Encode } from '#base/bytes.ts';
import { SystemClock } from '#base/clock.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { MemoryStore } from '../memory-store.ts';
import { showEvents } from '../store-transcript.fixture.ts';
import { EtcdServer } from './etcd-server.ts';
import { EtcdStore } from './etcd-store.ts';
import type { Store } from '../store.ts';

test('etcd store: a watch goes on over a restart of the member and misses nothing', async () => {
  const clock = new VirtualClock();
  await using store = new MemoryStore({ clock });
  const first = new EtcdServer({ store, clock, log: SILENT_LOGGER });
  const port = await first.listen('127.0.0.1', 0);
  await using client = await open(`http://127.0.0.1:${port}`);
  const seen = follow(client, 4);
  await client.create('/a', utf8Encode('1'));
  await first.close();
  await store.create('/b', utf8Encode('2'));
  await using second = new EtcdServer({ store, clock, log: SILENT_LOGGER });
  await second.listen('127.0.0.1', port);
  // A write on the dying connection may or may not have happened and is not repeated; a read is.
  assert.equal(await client.currentRevision(), 3);
  await client.create('/c', utf8Encode('3'));
  assert.deepEqual(await seen, ['put /a=1 (2..2 v1)', 'put /b=2 (3..3 v1)', 'put /c=3 (4..4 v1)']);
});

test('etcd store: a member that is down is passed over', async () => {
  const clock = new VirtualClock();
  await using store = new MemoryStore({ clock });
  await using gone = new EtcdServer({ store, clock, log: SILENT_LOGGER });
  const deadPort = await gone.listen('127.0.0.1', 0);
  await gone.close();
  await using server = new EtcdServer({ store, clock, log: SILENT_LOGGER });
  const port = await server.listen('127.0.0.1', 0);
  await using client = await open(`http://127.0.0.1:${deadPort}`, `http://127.0.0.1:${port}`);
  const seen = follow(client, 2);
  assert.deepEqual(await client.create('/a', utf8Encode('1')), { kind: 'created', revision: 2 });
  assert.deepEqual(await seen, ['put /a=1 (2..2 v1)']);
});

test('etcd store: a watch that was overtaken by a compaction while the member was away says so', async () => {
  const clock = new VirtualClock();
  await using store = new MemoryStore({ clock });
  const first = new EtcdServer({ store, clock, log: SILENT_LOGGER });
  const port = await first.listen('127.0.0.1', 0);
  await using client = await open(`http://127.0.0.1:${port}`);
  const seen = follow(client, 99);
  await client.create('/a', utf8Encode('1'));
  await first.close();
  for (let write = 0; write < 5; write++) {
    await store.update('/a', utf8Encode(String(write)), undefined);
  }
  await store.compact(6);
  await using second = new EtcdServer({ store, clock, log: SILENT_LOGGER });
  await second.listen('127.0.0.1', port);
  await assert.rejects(seen, { code: 'store/compacted' });
});

function open(...endpoints: string[]): Promise<EtcdStore> {
  return EtcdStore.open({ endpoints, clock: new SystemClock() });
}

async function follow(store: Store, until: number): Promise<string[]> {
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const batch of store.watch('/', { after: 1 }, stop.signal)) {
    seen.push(...showEvents(batch));
    if (batch.revision >= until) {
      stop.abort();
    }
  }
  return seen;
}
