import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, utf8Decode, utf8Encode } from '#base/bytes.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { MemoryStore } from '../memory-store.ts';
import { readSnapshot, SnapshotFileError } from './read-snapshot.ts';
import { snapshotOf } from './snapshot.ts';

async function saved(store: MemoryStore): Promise<Uint8Array> {
  return concatBytes(await Array.fromAsync(snapshotOf(store)));
}

test('snapshot file: what was saved is read, with its revisions, and leases run anew', async () => {
  const clock = new VirtualClock();
  await using store = new MemoryStore({ clock });
  const lease = await store.grantLease(60);
  await store.create('/a', utf8Encode('first'));
  await store.update('/a', utf8Encode('second\0'), undefined);
  await store.create('/leased', utf8Encode(''), { lease });
  await store.create('/gone', utf8Encode('x'));
  await store.delete('/gone');

  await using again = new MemoryStore({ clock }, readSnapshot(await saved(store), clock.nowMs()));
  assert.equal(await again.currentRevision(), await store.currentRevision());
  const contents = async (from: MemoryStore): Promise<readonly unknown[]> =>
    (await from.list('')).items.map(({ value, ...rest }) => ({ ...rest, value: utf8Decode(value) }));
  assert.equal((await contents(again)).length, 2);
  assert.deepEqual(await contents(again), await contents(store));
  await clock.advance(3_500_000);
  assert.ok(await again.get('/leased'));
  await clock.advance(200_000);
  assert.equal(await again.get('/leased'), undefined);
});

test('snapshot file: of every length it is read to its end', async () => {
  await using store = new MemoryStore({ clock: new VirtualClock() });
  await store.create('/key', new Uint8Array());
  // The padding differs with each.
  for (let length = 0; length < 30; length++) {
    await store.update('/key', new Uint8Array(length), undefined);
    const { keys } = readSnapshot(await saved(store), 0);
    assert.equal(keys.live('/key')?.size, length);
  }
});

test('snapshot file: what is damaged or something else is refused', async () => {
  await using store = new MemoryStore({ clock: new VirtualClock() });
  await store.create('/a', utf8Encode('x'));
  const file = await saved(store);
  const damaged = Uint8Array.from(file);
  damaged[40] = (damaged[40] ?? 0) ^ 1;
  for (const [wrong, says] of [
    [damaged, /not whole/],
    [file.subarray(0, -1), /not whole/],
    [utf8Encode('something else altogether, of some length and more'), /no snapshot/],
  ] as const) {
    assert.throws(
      () => readSnapshot(wrong, 0),
      (error) => error instanceof SnapshotFileError && says.test(error.message),
    );
  }
});
