import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Encode } from '#base/bytes.ts';
import { SeededRandom, SystemRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { MemoryStore } from '#store/memory-store.ts';
import { STORE_SCENARIOS } from '#store/store-scenarios.fixture.ts';
import { StoreTranscript, showEvents } from '#store/store-transcript.fixture.ts';
import type { Store } from '#store/store.ts';
import { EtcdProcess, WHY_NO_ETCD, etcdProgram } from './etcd-process.fixture.ts';

const SEED = Number(process.env['CORACLE_SEED'] ?? new SystemRandom().int(2 ** 31));
const STEPS = Number(process.env['CORACLE_STEPS'] ?? 10_000);

const skip = etcdProgram('etcd') === undefined ? WHY_NO_ETCD : false;

/** Runs on virtual time, which etcd does not know, and shows leases one deletion at a time. */
const LEASE_SCENARIO = 'a lease deletes what still hangs on it when it runs out';

for (const { name, run, expected } of STORE_SCENARIOS.filter(
  (scenario) => scenario.name !== LEASE_SCENARIO,
)) {
  test(`etcd store: ${name}`, { skip }, async () => {
    await using etcd = await EtcdProcess.start();
    await using store = await etcd.open();
    const transcript = new StoreTranscript(store, new VirtualClock());
    await run(transcript);
    assert.deepEqual(transcript.lines, linesOf(expected));
  });
}

test('etcd store: a lease deletes its keys and is refused afterwards', { skip }, async () => {
  await using etcd = await EtcdProcess.start();
  await using store = await etcd.open();
  await using other = await etcd.open();
  const longer = await other.grantLease(3_600);
  const lease = await store.grantLease(5);
  assert.notEqual(lease, longer, 'leases of several processes have different names');
  await store.create('/a', utf8Encode('1'), { lease });
  await store.create('/b', utf8Encode('2'), { lease });
  await assert.rejects(store.create('/c', utf8Encode('3'), { lease: 99 }), { code: 'store/lease-not-found' });
  const seen = await follow(other, '/', 3, 4);
  assert.deepEqual(seen, [
    `delete /a@4 was /a=1 (2..2 v1 #${lease})`,
    `delete /b@4 was /b=2 (3..3 v1 #${lease})`,
  ]);
  await assert.rejects(store.create('/a', utf8Encode('1'), { lease }), { code: 'store/lease-not-found' });
});

test('etcd store: what one process writes, another watches and reads at once', { skip }, async () => {
  await using etcd = await EtcdProcess.start();
  await using writer = await etcd.open();
  await using reader = await etcd.open();
  for (let round = 0; round < 50; round++) {
    const outcome = await writer.create(`/k/${round}`, utf8Encode(String(round)));
    assert.equal(outcome.kind, 'created');
    const revision = outcome.kind === 'created' ? outcome.revision : 0;
    assert.equal(await reader.currentRevision(), revision);
    assert.deepEqual(await follow(reader, '/k/', revision - 1, revision), [
      `put /k/${round}=${round} (${revision}..${revision} v1)`,
    ]);
    assert.deepEqual(await follow(reader, '/other/', revision, revision), []);
  }
});

test(
  `etcd store: ${STEPS} random calls are answered as by the memory store (CORACLE_SEED=${SEED})`,
  { skip },
  async () => {
    await using etcd = await EtcdProcess.start();
    await using real = await etcd.open();
    await using model = new MemoryStore({ clock: new VirtualClock() });
    const ours = new StoreTranscript(model, new VirtualClock());
    const theirs = new StoreTranscript(real, new VirtualClock());
    const random = new SeededRandom(SEED);
    for (let step = 0; step < STEPS; step++) {
      const call = randomCall(random, await model.currentRevision());
      await Promise.all([call(ours), call(theirs)]);
      assert.equal(theirs.lines.at(-1), ours.lines.at(-1));
    }
    await ours.watch('', { after: await compactedOf(model) }, await model.currentRevision());
    await theirs.watch('', { after: await compactedOf(model) }, await model.currentRevision());
    assert.deepEqual(theirs.lines, ours.lines);
  },
);

const KEYS = ['/a', '/a/', '/a/1', '/a/10', '/b', '/b/1', '/\uffee', '/\u{1f600}', '/\u{1f600}/x'];
const PREFIXES = ['', '/', '/a/', '/a/1', '/b', '/\u{1f600}', '/nothing/'];

type Call = (t: StoreTranscript) => Promise<void>;

function randomCall(random: SeededRandom, newest: number): Call {
  const pick = (from: readonly string[]): string => from[random.int(from.length)] ?? '';
  const key = pick(KEYS);
  const prefix = pick(PREFIXES);
  const value = String(random.int(1_000));
  const expected = random.int(3) === 0 ? undefined : Math.max(newest - random.int(8), 1);
  const revision = random.int(2) === 0 ? undefined : Math.max(newest + 2 - random.int(40), 1);
  const choice = random.int(100);
  if (choice < 25) {
    return (t) => t.create(key, value);
  }
  if (choice < 50) {
    return (t) => t.update(key, value, expected);
  }
  if (choice < 62) {
    return (t) => t.delete(key, expected);
  }
  if (choice < 74) {
    return (t) => t.get(key, revision);
  }
  if (choice < 88) {
    const limit = random.int(5);
    const after = random.int(3) === 0 ? pick(KEYS) : undefined;
    return (t) =>
      t.list(prefix, {
        limit,
        ...(revision === undefined ? {} : { revision }),
        ...(after === undefined ? {} : { after }),
      });
  }
  if (choice < 93) {
    return (t) => t.count(prefix);
  }
  if (choice < 99) {
    const after = Math.max(newest + 1 - random.int(40), 0);
    return (t) => t.watch(prefix, { after }, newest);
  }
  const oldest = Math.max(newest + 1 - random.int(60), 2);
  return (t) => t.compact(oldest);
}

async function compactedOf(store: Store): Promise<number> {
  return (await store.status()).compactedRevision;
}

/** The events of a watch up to `until`. */
async function follow(store: Store, prefix: string, after: number, until: number): Promise<string[]> {
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const batch of store.watch(prefix, { after, progress: true }, stop.signal)) {
    seen.push(...showEvents(batch));
    if (batch.revision >= until) {
      stop.abort();
    }
  }
  return seen;
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
