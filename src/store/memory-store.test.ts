import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Encode } from '#base/bytes.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { MemoryStore } from './memory-store.ts';

test('memory store: a fork goes its own way', async () => {
  await using store = new MemoryStore({ clock: new VirtualClock() });
  await store.create('/a', utf8Encode('1'));
  await store.update('/a', utf8Encode('2'), undefined);
  await using fork = store.fork();
  await fork.create('/b', utf8Encode('b'));
  await fork.delete('/a');
  await fork.compact(5);
  assert.deepEqual(
    (await store.list('/')).items.map((kv) => [kv.key, kv.modRevision]),
    [['/a', 3]],
  );
  assert.equal((await store.get('/a', { revision: 2 }))?.modRevision, 2, 'the fork compacted only itself');
  assert.deepEqual(
    (await fork.list('/')).items.map((kv) => [kv.key, kv.modRevision]),
    [['/b', 4]],
  );
});

test('memory store: status speaks of what is held', async () => {
  await using store = new MemoryStore({ clock: new VirtualClock() });
  await store.create('/a', new Uint8Array(1_000));
  const { sizeBytes, ...rest } = await store.status();
  assert.ok(sizeBytes >= 1_000);
  assert.deepEqual(rest, { revision: 2, compactedRevision: 0, keys: 1, leases: 0, watchers: 0 });
  await store.delete('/a');
  await store.compact(3);
  assert.equal((await store.status()).sizeBytes, 0);
});
