// The part of the full-disk test that runs under a limit on file sizes: fills the store until a write is
// refused, shows that it still reads, has the limit lifted and goes on. Arguments: data directory.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { SystemClock } from '#base/clock.ts';
import { LmdbStore } from '#store/lmdb-store.ts';
import { StoreWriteError } from '#store/store.ts';
import { tagOf, valueOf } from './acknowledged-write.ts';

const [directory = ''] = process.argv.slice(2);
await using store = await LmdbStore.open(directory, { clock: new SystemClock() });

const written = new Map<string, string>();
const failure = await fill();
assert.ok(failure instanceof StoreWriteError, String(failure));
const revision = await store.currentRevision();
assert.equal(await store.count(''), written.size);

for (let attempt = 0; attempt < 3; attempt++) {
  const outcomes = await Promise.allSettled(
    Array.from({ length: 10 }, (_, i) => store.create(`/refused/${i}`, valueOf('refused', 400_000))),
  );
  assert.ok(outcomes.every(({ status }) => status === 'rejected'));
}
assert.equal(await store.currentRevision(), revision, 'a refused write takes no revision');
assert.equal(await store.count('/refused/'), 0, 'nothing of a refused write is kept');
for (const [key, tag] of written) {
  assert.equal(
    tagOf((await store.get(key))?.value ?? new Uint8Array()),
    tag,
    'what was answered can be read',
  );
}

execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited']);
assert.deepEqual(await store.create('/after', valueOf('after', 100_000)), {
  kind: 'created',
  revision: revision + 1,
});
process.stdout.write(`${written.size}\n`);

async function fill(): Promise<unknown> {
  for (;;) {
    const wave = Array.from({ length: 8 }, (_, i) => `/filled/${written.size + i}`);
    const outcomes = await Promise.allSettled(wave.map((key) => store.create(key, valueOf(key, 20_000))));
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') {
        return outcome.reason;
      }
      written.set(wave[index] ?? '', wave[index] ?? '');
    }
  }
}
