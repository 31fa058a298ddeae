import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LayerWriter } from './layer-writer.ts';
import { Libc } from './libc.ts';
import { resolveInRoot } from './rooted-path.ts';
import { TarReader } from './tar-reader.ts';
import { testArchive, type TestMember } from './tar.fixture.ts';

const libc = Libc.load();
const skip = libc === undefined ? 'layers are written on Linux, by a Node with node:ffi' : false;

/** Unpacks into `<directory>/root`, with `<directory>/outside` beside it. */
function withLayer(members: readonly TestMember[], check: (root: string, outside: string) => void): void {
  assert.ok(libc);
  const directory = mkdtempSync(join(tmpdir(), 'coracle-layer-'));
  try {
    const root = join(directory, 'root');
    const outside = join(directory, 'outside');
    mkdirSync(root);
    mkdirSync(outside);
    const writer = new LayerWriter(root, libc);
    const reader = new TarReader(writer);
    try {
      reader.write(testArchive(members));
      reader.finish();
    } finally {
      writer.close();
    }
    check(root, outside);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('layer writer: files, links, modes and missing parents', { skip }, () => {
  withLayer(
    [
      { path: './bin/tool', content: 'tool', mode: 0o4755 },
      { path: 'bin/alias', flag: '2', linkPath: 'tool' },
      { path: 'bin/same', flag: '1', linkPath: 'bin/tool' },
      { path: 'bin/tool', content: 'newer', mode: 0o755 },
      { path: 'tmp', flag: '5', mode: 0o1777 },
    ],
    (root) => {
      assert.equal(readFileSync(join(root, 'bin/tool'), 'utf8'), 'newer');
      assert.equal(readFileSync(join(root, 'bin/same'), 'utf8'), 'tool');
      assert.equal(statSync(join(root, 'bin/same')).mode & 0o7777, 0o4755);
      assert.equal(readlinkSync(join(root, 'bin/alias')), 'tool');
      assert.equal(statSync(join(root, 'tmp')).mode & 0o7777, 0o1777);
      assert.equal(statSync(join(root, 'tmp')).mtimeMs, 0);
    },
  );
});

test('layer writer: a deleted file becomes a device 0:0', { skip }, () => {
  withLayer([{ path: 'etc/kept' }, { path: 'etc/.wh.gone' }], (root) => {
    const whiteout = lstatSync(join(root, 'etc/gone'));
    assert.ok(whiteout.isCharacterDevice());
    assert.equal(whiteout.rdev, 0);
    assert.ok(existsSync(join(root, 'etc/kept')));
  });
});

const refused: readonly { name: string; members: readonly TestMember[] }[] = [
  { name: 'a name that climbs', members: [{ path: '../outside/x' }] },
  { name: 'a name that climbs later', members: [{ path: 'a/../../outside/x' }] },
  { name: 'a hard link out', members: [{ path: 'a', flag: '1', linkPath: '../outside/x' }] },
  { name: 'a hard link to what is not there', members: [{ path: 'a', flag: '1', linkPath: '/etc/passwd' }] },
  {
    name: 'a hard link to a directory',
    members: [
      { path: 'd', flag: '5' },
      { path: 'a', flag: '1', linkPath: 'd' },
    ],
  },
  { name: 'a whiteout of everything', members: [{ path: '.wh...' }] },
];
for (const { name, members } of refused) {
  test(`layer writer: ${name} is refused`, { skip }, () => {
    assert.throws(() => withLayer(members, () => undefined), { code: 'tar/invalid' });
  });
}

const contained: readonly { name: string; link: string; path: string }[] = [
  { name: 'an absolute link', link: '/outside', path: 'outside/x' },
  { name: 'a climbing link', link: '../../../../outside', path: 'outside/x' },
  {
    name: 'a link to the real place',
    link: join(tmpdir(), 'coracle-nowhere'),
    path: `${tmpdir()}/coracle-nowhere/x`,
  },
];
for (const { name, link, path } of contained) {
  test(`layer writer: ${name} leads to a place inside`, { skip }, () => {
    withLayer(
      [
        { path: 'link', flag: '2', linkPath: link },
        { path: 'link/x', content: 'inside' },
      ],
      (root, outside) => {
        assert.ok(!existsSync(join(outside, 'x')));
        assert.ok(!existsSync(join(tmpdir(), 'coracle-nowhere')));
        assert.equal(readFileSync(join(root, path), 'utf8'), 'inside');
      },
    );
  });
}

test('layer writer: a file over a link replaces the link and not what it points to', { skip }, () => {
  withLayer(
    [
      { path: 'target', content: 'old' },
      { path: 'a', flag: '2', linkPath: 'target' },
      { path: 'a', content: 'new' },
    ],
    (root) => {
      assert.equal(readFileSync(join(root, 'target'), 'utf8'), 'old');
      assert.equal(readFileSync(join(root, 'a'), 'utf8'), 'new');
    },
  );
});

test('rooted path: links stay inside and loops are an error', { skip }, () => {
  withLayer(
    [
      { path: 'etc/passwd', flag: '2', linkPath: '/../../usr/lib/passwd' },
      { path: 'loop', flag: '2', linkPath: 'loop' },
    ],
    (root) => {
      assert.equal(resolveInRoot(root, '/etc/passwd'), join(root, 'usr/lib/passwd'));
      assert.equal(resolveInRoot(root, '../../x'), join(root, 'x'));
      assert.throws(() => resolveInRoot(root, 'loop'), { code: 'ELOOP' });
    },
  );
});
