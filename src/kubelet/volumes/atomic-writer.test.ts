import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { utf8Encode } from '#base/bytes.ts';
import { writeAtomically, type Payload } from './atomic-writer.ts';
import { resolveSubPath } from './sub-path.ts';

async function directoryFor(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-volume-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function payload(files: Readonly<Record<string, string>>, mode = 0o644): Payload {
  return new Map(Object.entries(files).map(([path, text]) => [path, { data: utf8Encode(text), mode }]));
}

async function visible(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => !name.startsWith('..')).toSorted();
}

test('atomic writer: files appear, change together, and go', async (t) => {
  const directory = join(await directoryFor(t), 'volume');
  assert.equal(await writeAtomically(directory, payload({ a: '1', 'sub/b': '2' })), true);
  assert.deepEqual(await visible(directory), ['a', 'sub']);
  assert.equal(await readFile(join(directory, 'sub/b'), 'utf8'), '2');
  const first = await realpath(join(directory, '..data'));
  assert.equal(await writeAtomically(directory, payload({ a: '1', 'sub/b': '2' })), false);
  assert.equal(await realpath(join(directory, '..data')), first, 'nothing changed, nothing is written');
  assert.equal(await writeAtomically(directory, payload({ a: '3', c: '4' })), true);
  assert.deepEqual(await visible(directory), ['a', 'c']);
  assert.equal(await readFile(join(directory, 'a'), 'utf8'), '3');
  await assert.rejects(stat(first), { code: 'ENOENT' });
});

test('atomic writer: modes are kept whatever the umask', async (t) => {
  const directory = join(await directoryFor(t), 'volume');
  await writeAtomically(directory, payload({ secret: 'x' }, 0o666));
  assert.equal((await stat(join(directory, 'secret'))).mode & 0o777, 0o666);
});

test('sub-path: a missing one is made, and a link out of the volume is refused', async (t) => {
  const directory = await directoryFor(t);
  const volume = join(directory, 'volume');
  await mkdir(volume);
  assert.equal(await resolveSubPath(volume, 'deep/er'), join(await realpath(volume), 'deep/er'));
  assert.ok((await stat(join(volume, 'deep/er'))).isDirectory());
  await symlink('/etc', join(volume, 'escape'));
  await assert.rejects(resolveSubPath(volume, 'escape/passwd'), /not within volume path/);
  await assert.rejects(resolveSubPath(volume, 'escape/new'), /not within volume path/);
});
