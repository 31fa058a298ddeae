import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CONFIG_MAP, NODE } from '#api/types/resources.ts';
import { concatBytes } from '#base/bytes.ts';
import { SystemClock } from '#base/clock.ts';
import { snapshotOf } from '#store/etcd/snapshot.ts';
import { LmdbStore } from '#store/lmdb-store.ts';
import { clientOf, coracle, Workplace, type RunningProgram } from './program.fixture.ts';

const UP = ['--nodes', 'sim:1', '--port', '0'] as const;
const NAME = { namespace: 'default', name: 'note' };

async function write(cluster: RunningProgram, text: string): Promise<void> {
  await using client = clientOf(cluster);
  await client
    .of(CONFIG_MAP)
    .patch(
      NAME.namespace,
      NAME.name,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: NAME, data: { text } },
      { type: 'apply', fieldManager: 'test' },
    );
}

async function read(cluster: RunningProgram): Promise<string | undefined> {
  await using client = clientOf(cluster);
  return (await client.of(CONFIG_MAP).get(NAME.namespace, NAME.name)).data?.['text'];
}

test('snapshot: a running cluster is saved, and restored after it went on', async () => {
  await using workplace = new Workplace();
  const snapshot = workplace.path('snapshot');
  const cluster = await workplace.up('c', ...UP);
  await write(cluster, 'before');
  const saved = await coracle('snapshot', 'save', snapshot, '--data-dir', cluster.directory);
  assert.equal(saved.code, 0, saved.stderr);
  await write(cluster, 'after');

  const restore = ['snapshot', 'restore', snapshot, '--data-dir', cluster.directory];
  assert.match((await coracle(...restore, '--force')).stderr, /runs; stop it first/);
  await workplace.down('c');
  assert.match((await coracle(...restore)).stderr, /not empty/);
  assert.equal((await coracle(...restore, '--force')).code, 0);
  assert.equal(existsSync(`${cluster.directory}.replaced`), false);
  assert.equal(await read(await workplace.up('c', ...UP)), 'before');
});

test('snapshot: a fork runs beside its origin and goes its own way', async () => {
  await using workplace = new Workplace();
  const origin = await workplace.up('c', ...UP);
  await write(origin, 'both');
  const forked = await coracle('snapshot', 'fork', workplace.path('fork'), '--data-dir', origin.directory);
  assert.equal(forked.code, 0, forked.stderr);
  const fork = await workplace.up('fork', '--nodes', 'sim:1');
  assert.notEqual(fork.server, origin.server);
  await write(fork, 'fork alone');
  assert.deepEqual([await read(origin), await read(fork)], ['both', 'fork alone']);
  await using client = clientOf(fork);
  assert.equal((await client.of(NODE).list('')).items.length, 1);
});

test('snapshot: what cannot be saved or restored is refused before anything is touched', async () => {
  await using workplace = new Workplace();
  const [nothing, target] = [workplace.path('nothing'), workplace.path('target')];
  const refusal = async (...args: readonly string[]): Promise<string> =>
    (await coracle('snapshot', ...args)).stderr;
  assert.match(await refusal('save', target, '--data-dir', nothing), /there is no cluster in/);
  assert.match(await refusal('restore', nothing, '--data-dir', target), /there is no cluster in/);
  assert.match(await refusal('remember', target), /save, restore or fork/);
  assert.match(await refusal('save'), /one directory/);
  assert.equal(existsSync(target), false);
  assert.equal(existsSync(join(`${target}.unfinished`)), false);
});

test('snapshot: keys that etcdctl would save are put into a data directory again', async () => {
  await using workplace = new Workplace();
  const [origin, target] = [await workplace.up('c', ...UP), workplace.path('target')];
  await write(origin, 'kept');
  await workplace.down('c');
  const file = workplace.path('keys.db');
  {
    await using store = await LmdbStore.open(join(origin.directory, 'store'), { clock: new SystemClock() });
    writeFileSync(file, concatBytes(await Array.fromAsync(snapshotOf(store))));
  }
  assert.equal((await coracle('snapshot', 'save', target, '--data-dir', origin.directory)).code, 0);
  const restore = ['snapshot', 'restore', file, '--data-dir', target];
  assert.match((await coracle(...restore)).stderr, /give it up with --force/);
  const restored = await coracle(...restore, '--force');
  assert.equal(restored.code, 0, restored.stderr);
  assert.equal(await read(await workplace.up('target', ...UP)), 'kept');
});
