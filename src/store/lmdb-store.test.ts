import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { open as openEnvironment } from 'lmdb';
import { utf8Encode } from '#base/bytes.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { LmdbStore } from './lmdb-store.ts';
import { StoreTranscript } from './store-transcript.fixture.ts';

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-lmdb-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

function open(directory: string, clock = new VirtualClock()): Promise<LmdbStore> {
  return LmdbStore.open(directory, { clock });
}

test('lmdb store: everything is there after it was opened again', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  const lines: string[][] = [];
  let lease = 0;
  {
    await using store = await open(directory, clock);
    const transcript = new StoreTranscript(store, clock);
    lease = await transcript.grantLease(100);
    await transcript.create('/a', '1', lease);
    await transcript.create('/b', '1');
    await transcript.update('/b', '2');
    await transcript.delete('/a');
    await transcript.create('/a', '2', lease);
    await transcript.compact(3);
  }
  for (let round = 0; round < 2; round++) {
    await using store = await open(directory, clock);
    const transcript = new StoreTranscript(store, clock);
    await transcript.status();
    await transcript.list('/');
    await transcript.list('/', { revision: 5 });
    await transcript.get('/a', 2);
    await transcript.watch('/', { after: 3 }, 6);
    lines.push([...transcript.lines]);
  }
  assert.deepEqual(lines[0], [
    'status: @6 compacted 3 keys 2 leases 1 watchers 0',
    'list /: @6 [/a=2 (6..6 v1 #1), /b=2 (3..4 v2)]',
    'list /@5: @5 [/b=2 (3..4 v2)]',
    'get /a@2: ! the required revision has been compacted; the oldest that can be read is 3',
    'watch / after 3: [put /b=2 (3..4 v2) was /b=1 (3..3 v1), delete /a@5 was /a=1 (2..2 v1 #1), put /a=2 (6..6 v1 #1)]',
  ]);
  assert.deepEqual(lines[1], lines[0]);
});

test('lmdb store: a lease goes on where the restart interrupted it', async (t) => {
  const directory = await temporaryDirectory(t);
  {
    await using store = await open(directory, new VirtualClock(0));
    const lease = await store.grantLease(100);
    await store.create('/a', utf8Encode('x'), { lease });
  }
  const clock = new VirtualClock(60_000);
  await using store = await open(directory, clock);
  await clock.advance(39_000);
  assert.ok(await store.get('/a'));
  await clock.advance(2_000);
  await nextChange(store, 2);
  assert.equal(await store.get('/a'), undefined);
  assert.equal((await store.status()).leases, 0);
});

test('lmdb store: an interrupted compaction is finished by the next start', async (t) => {
  const directory = await temporaryDirectory(t);
  const value = new Uint8Array(100);
  {
    await using store = await open(directory);
    await store.create('/a', value);
    await Promise.all(Array.from({ length: 3_000 }, () => store.update('/a', value, undefined)));
    // Closing ends the work in the background; what is done is remembered and the rest is not lost.
    void store.compact(3_000);
  }
  await using store = await open(directory);
  assert.equal((await store.status()).compactedRevision, 3_000);
  await store.compact(3_000);
  assert.equal((await store.get('/a', { revision: 3_000 }))?.version, 2_999);
  await assert.rejects(store.get('/a', { revision: 2_999 }), { code: 'store/compacted' });
});

test('lmdb store: a lagging watcher reads what left the window of recent events from disk', async (t) => {
  await using store = await open(await temporaryDirectory(t));
  const value = new Uint8Array(10);
  for (let i = 0; i < 6; i++) {
    await Promise.all(Array.from({ length: 1_000 }, () => store.update('/a', value, undefined)));
    await store.create('/a', value);
    await store.create(`/b/${i}`, value);
    await Promise.all(Array.from({ length: 1_000 }, () => store.update('/a', value, undefined)));
  }
  const controller = new AbortController();
  const revision = await store.currentRevision();
  assert.ok(revision > 11_000, 'more than the window holds');
  const keys: string[] = [];
  for await (const batch of store.watch('/b/', { after: 1, progress: true }, controller.signal)) {
    keys.push(...batch.events.map((event) => event.key));
    if (batch.revision >= revision) {
      controller.abort();
    }
  }
  assert.deepEqual(
    keys,
    Array.from({ length: 6 }, (_, i) => `/b/${i}`),
  );
});

const refusals: readonly { name: string; prepare: (directory: string) => Promise<void>; message: RegExp }[] =
  [
    {
      name: 'of another version',
      prepare: (directory) => writeFile(join(directory, 'FORMAT'), 'coracle store 7\n'),
      message: /was written by another version of Coracle \(store format 7, this one reads 1\)/,
    },
    {
      name: 'with a damaged format file',
      prepare: (directory) => writeFile(join(directory, 'FORMAT'), '\0\0\0'),
      message: /FORMAT is damaged; restore/,
    },
    {
      name: 'of something else',
      prepare: (directory) => mkdir(join(directory, 'member')),
      message: /holds no Coracle store but other files, such as member; choose an empty directory/,
    },
    {
      name: 'without its data',
      prepare: async (directory) => {
        await fill(directory);
        await rm(join(directory, 'data.mdb'));
      },
      message: /data\.mdb is missing; restore/,
    },
    {
      name: 'that was copied only in part',
      prepare: async (directory) => {
        await fill(directory);
        await truncate(join(directory, 'data.mdb'), 100_000);
      },
      message: /data\.mdb was only half written; restore/,
    },
    {
      name: 'whose data file lost its head',
      prepare: async (directory) => {
        await fill(directory);
        await writeFile(join(directory, 'data.mdb'), Buffer.alloc(1_000_000));
      },
      message: /data\.mdb was only half written; restore/,
    },
    {
      name: 'whose first start was cut short in a page',
      prepare: async (directory) => {
        await writeFile(join(directory, 'data.mdb'), 'less than a page');
      },
      message: /data\.mdb was only half written; restore/,
    },
    {
      name: 'whose log makes no sense',
      prepare: async (directory) => {
        await fill(directory);
        const environment = openEnvironment({ path: directory, overlappingSync: false });
        await environment.openDB<Buffer, number>('log', { encoding: 'binary' }).put(50, Buffer.alloc(40));
        await environment.close();
      },
      message: /the log in .* is damaged; restore it from a backup/,
    },
  ];

for (const { name, prepare, message } of refusals) {
  test(`lmdb store: a directory ${name} is refused in one sentence`, async (t) => {
    const directory = await temporaryDirectory(t);
    await prepare(directory);
    await assert.rejects(open(directory), { code: 'store/open', message });
  });
}

test('lmdb store: a path that is a file is refused', async (t) => {
  const path = join(await temporaryDirectory(t), 'file');
  await writeFile(path, '');
  await assert.rejects(open(path), {
    code: 'store/open',
    message: /^the data directory .* cannot be used: EEXIST/,
  });
});

test('lmdb store: a start that was killed before it made the store is simply repeated', async (t) => {
  const directory = await temporaryDirectory(t);
  await open(directory).then((store) => store.close());
  await rm(join(directory, 'FORMAT'));
  await writeFile(join(directory, 'FORMAT.new'), 'cora');
  await using store = await open(directory);
  assert.deepEqual(await store.create('/a', utf8Encode('x')), { kind: 'created', revision: 2 });
});

test('lmdb store: a directory is open only once, in this process and in others', async (t) => {
  const directory = await temporaryDirectory(t);
  const inUse = { code: 'store/open', message: /is in use by another Coracle; stop that one first/ };
  await using store = await open(directory);
  await assert.rejects(open(directory), inUse);
  await store.close();

  const holder = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '--eval',
      `import { LmdbStore } from '#store/lmdb-store.ts';
       import { SystemClock } from '#base/clock.ts';
       await LmdbStore.open(process.argv[1], { clock: new SystemClock() });
       process.stdin.resume();
       console.log('open');`,
      directory,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = once(holder, 'close');
  await once(holder.stdout, 'data');
  await assert.rejects(open(directory), inUse);
  holder.kill('SIGKILL');
  await ended;
  await open(directory).then((reopened) => reopened.close());
});

async function fill(directory: string): Promise<void> {
  await using store = await open(directory);
  await Promise.all(Array.from({ length: 200 }, (_, i) => store.create(`/${i}`, new Uint8Array(5_000))));
}

async function nextChange(store: LmdbStore, after: number): Promise<void> {
  const controller = new AbortController();
  for await (const batch of store.watch('', { after }, controller.signal)) {
    assert.ok(batch.events.length > 0);
    controller.abort();
  }
}
