import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SystemClock } from '#base/clock.ts';
import { LmdbStore } from '#store/lmdb-store.ts';

const FILLER = join(import.meta.dirname, 'store-filler.ts');
/** In the blocks of 512 bytes that the shell counts in: 4 MB. */
const FILE_BLOCKS_MAX = 8_192;

test('store: a full disk refuses writes and nothing else', async (t) => {
  if (process.platform !== 'linux') {
    t.skip('limits on file sizes are set with Linux tools');
    return;
  }
  const directory = await mkdtemp(join(tmpdir(), 'coracle-full-'));
  t.after(() => rm(directory, { recursive: true }));
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', FILLER, directory];
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', `ulimit -S -f ${FILE_BLOCKS_MAX}; exec "$@"`, 'sh', ...node],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  await using store = await LmdbStore.open(directory, { clock: new SystemClock() });
  assert.equal(await store.count('/filled/'), Number(stdout));
  assert.ok(Number(stdout) > 50);
  assert.equal(await store.count('/refused/'), 0);
  assert.equal(await store.count('/after'), 1);
});
