import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Clock } from '#base/clock.ts';
import { SystemClock } from '#base/clock.ts';
import { SeededRandom, SystemRandom } from '#base/random.ts';
import { LmdbStore } from '#store/lmdb-store.ts';
import type { Store, StoreEvent } from '#store/store.ts';
import { readNotes, tagOf } from './acknowledged-write.ts';
import type { AcknowledgedWrite, WriterNotes } from './acknowledged-write.ts';

const ROUNDS = Number(process.env['CORACLE_CRASH_ROUNDS'] ?? 200);
const SEED = Number(process.env['CORACLE_SEED'] ?? new SystemRandom().int(2 ** 31));
const WRITER = join(import.meta.dirname, 'store-writer.ts');

/** Long enough for thousands of writes, short enough for hundreds of rounds. */
const RUN_MS_MAX = 120;
/** Kills that hit while the store is being opened. */
const EARLY_MS_MAX = 150;

test(`store: nothing acknowledged is lost in ${ROUNDS} kills under load (CORACLE_SEED=${SEED})`, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-crash-'));
  t.after(() => rm(directory, { recursive: true }));
  const random = new SeededRandom(SEED);
  const clock = new SystemClock();
  let seenRevision = 1;
  let acknowledged = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const notes = await writeAndKill(directory, random, clock);
    acknowledged += notes.writes.length;
    await using store = await LmdbStore.open(join(directory, 'store'), { clock });
    seenRevision = await checkAfterKill(store, seenRevision, notes);
  }
  t.diagnostic(`${acknowledged} acknowledged writes checked, revision ${seenRevision}`);
});

/** Lets a writer loose on the store and kills it at a moment nobody chose. */
async function writeAndKill(directory: string, random: SeededRandom, clock: Clock): Promise<WriterNotes> {
  const notesPath = join(directory, 'notes');
  await writeFile(notesPath, '');
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      WRITER,
      join(directory, 'store'),
      notesPath,
      String(random.int(2 ** 31)),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const complaints: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  const ended = once(child, 'close');
  const isEarly = random.int(10) === 0;
  const delayMs = random.int(isEarly ? EARLY_MS_MAX : RUN_MS_MAX);
  if (!isEarly) {
    await untilReady(child, notesPath, clock);
  }
  await clock.sleep(delayMs);
  child.kill('SIGKILL');
  await ended;
  assert.equal(Buffer.concat(complaints).toString(), '', 'the writer ends only by being killed');
  return readNotes(await readFile(notesPath, 'utf8'));
}

async function untilReady(child: ChildProcess, notesPath: string, clock: Clock): Promise<void> {
  while (child.exitCode === null && !readNotes(await readFile(notesPath, 'utf8')).isReady) {
    await clock.sleep(2);
  }
}

/** @returns the revision the store is at now */
async function checkAfterKill(store: Store, seenRevision: number, notes: WriterNotes): Promise<number> {
  const { revision, compactedRevision } = await store.status();
  assert.ok(revision >= seenRevision, `the revision went back from ${seenRevision} to ${revision}`);
  assert.ok(compactedRevision >= notes.compacted, 'an acknowledged compaction stays');
  assert.ok(compactedRevision <= seenRevision, 'nothing was compacted that this test still needs');

  const events = await resumeWatch(store, seenRevision, revision);
  events.forEach((event, index) => {
    assert.equal(
      event.revision,
      seenRevision + 1 + index,
      'a resumed watch sees every revision once, in order',
    );
  });
  for (const write of notes.writes) {
    checkEvent(events[write.revision - seenRevision - 1], write);
    const then = await store.get(write.key, { revision: write.revision });
    assert.equal(
      then === undefined ? undefined : tagOf(then.value),
      write.tag,
      `${write.key}@${write.revision}`,
    );
  }
  await checkNewestStates(store, events);
  return revision;
}

async function resumeWatch(store: Store, after: number, until: number): Promise<StoreEvent[]> {
  const controller = new AbortController();
  const events: StoreEvent[] = [];
  for await (const batch of store.watch('', { after, progress: true }, controller.signal)) {
    events.push(...batch.events);
    if (batch.revision >= until) {
      controller.abort();
    }
  }
  return events;
}

function checkEvent(event: StoreEvent | undefined, write: AcknowledgedWrite): void {
  assert.ok(event, `the write at ${write.revision} was acknowledged and is gone`);
  assert.equal(event.key, write.key);
  assert.equal(event.type === 'put' ? tagOf(event.kv.value) : undefined, write.tag);
}

/** The log and the keys must tell the same story. */
async function checkNewestStates(store: Store, events: readonly StoreEvent[]): Promise<void> {
  const newest = new Map(events.map((event) => [event.key, event]));
  for (const [key, event] of newest) {
    const now = await store.get(key);
    assert.equal(now?.modRevision, event.type === 'put' ? event.revision : undefined, key);
  }
  const { items, remaining } = await store.list('', { limit: 100 });
  assert.equal(items.length + remaining, await store.count(''));
  for (const kv of items) {
    assert.ok(tagOf(kv.value), `${kv.key} is whole`);
  }
}
