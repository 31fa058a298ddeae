import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Encode } from '#base/bytes.ts';
import { nextTurn } from '#base/next-turn.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { GatedJournal } from './gated-journal.fixture.ts';
import { SequencedStore, emptyState } from './sequenced-store.ts';
import { StoreWriteError } from './store.ts';

const VALUE = utf8Encode('x');
const FULL = new StoreWriteError('the disk is full');

function gatedStore(): { journal: GatedJournal; store: SequencedStore; clock: VirtualClock } {
  const journal = new GatedJournal();
  const clock = new VirtualClock();
  return { journal, clock, store: new SequencedStore({ clock }, journal, emptyState()) };
}

test('sequencer: what arrives during a commit is committed together after it', async () => {
  const { journal, store } = gatedStore();
  const answers: string[] = [];
  const create = (key: string): Promise<unknown> => store.create(key, VALUE).then(() => answers.push(key));
  const writes = [create('/1'), create('/2')];
  await nextTurn();
  writes.push(create('/3'));
  await nextTurn();
  writes.push(create('/4'));
  assert.deepEqual(journal.commits, [['/1', '/2']]);
  assert.deepEqual(answers, []);
  journal.pass();
  await nextTurn();
  assert.deepEqual(journal.commits, [
    ['/1', '/2'],
    ['/3', '/4'],
  ]);
  assert.deepEqual(answers, ['/1', '/2']);
  journal.pass();
  await Promise.all(writes);
});

test('sequencer: nothing is seen, and no refusal is given, that a failed commit could take back', async () => {
  const { journal, store } = gatedStore();
  const controller = new AbortController();
  let watched = 0;
  const watching = (async () => {
    for await (const batch of store.watch('', { after: 1 }, controller.signal)) {
      watched += batch.events.length;
    }
  })();
  let isRefused = false;
  const first = store.create('/a', VALUE);
  const second = store.create('/a', VALUE).finally(() => (isRefused = true));
  await nextTurn();
  assert.equal(await store.get('/a'), undefined);
  assert.equal(await store.currentRevision(), 1);
  assert.equal((await store.list('')).items.length, 0);
  assert.equal(isRefused, false, 'the entry it collided with is not certain yet');
  assert.equal(watched, 0);
  journal.pass();
  assert.deepEqual(await first, { kind: 'created', revision: 2 });
  assert.equal((await second).kind, 'exists');
  await nextTurn();
  assert.equal(watched, 1);
  controller.abort();
  await watching;
});

test('sequencer: a failed commit takes with it what was checked against it, and nothing else', async () => {
  const { journal, store } = gatedStore();
  const kept = store.create('/kept', VALUE);
  await nextTurn();
  journal.pass();
  await kept;

  const failed = [store.create('/a', VALUE)];
  await nextTurn();
  const later = [
    store.update('/a', VALUE, 3),
    store.delete('/kept'),
    store.delete('/missing'),
    store.create('/a', VALUE),
  ];
  const outcomes = Promise.allSettled([...failed, ...later]);
  await nextTurn();
  journal.refuse(FULL);
  assert.deepEqual(
    (await outcomes).map((outcome) => (outcome.status === 'rejected' ? outcome.reason : outcome.value)),
    [FULL, FULL, FULL, { kind: 'missing' }, FULL],
  );
  assert.deepEqual(journal.commits, [['/kept'], ['/a']], 'what was checked against it is not even tried');
  assert.ok(await store.get('/kept'));

  const again = store.create('/a', VALUE);
  await nextTurn();
  journal.pass();
  assert.deepEqual(
    await again,
    { kind: 'created', revision: 3 },
    'nobody has seen the revisions that failed',
  );
});

test('sequencer: a lease whose end could not be written is ended later', async () => {
  const { journal, store, clock } = gatedStore();
  const granted = store.grantLease(10);
  await nextTurn();
  journal.pass();
  const created = store.create('/a', VALUE, { lease: await granted });
  await nextTurn();
  journal.pass();
  await created;

  await clock.advance(11_000);
  assert.deepEqual(journal.commits.at(-1), ['/a']);
  journal.refuse(FULL);
  await clock.advance(1_000);
  assert.ok(await store.get('/a'));
  await clock.advance(6_000);
  journal.pass();
  await nextTurn();
  assert.equal(await store.get('/a'), undefined);
  assert.equal((await store.status()).leases, 0);
});

test('sequencer: closing waits for the writes under way and refuses new ones', async () => {
  const { journal, store } = gatedStore();
  const write = store.create('/a', VALUE);
  await nextTurn();
  const closing = store.close();
  await assert.rejects(store.create('/b', VALUE), { code: 'store/closed' });
  journal.pass();
  assert.equal((await write).kind, 'created');
  await closing;
});
