import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as holds, integer, property } from 'fast-check';
import { TarReader, type TarHeader, type TarSink } from './tar-reader.ts';
import { testArchive } from './tar.fixture.ts';

class Collector implements TarSink {
  readonly members: { readonly header: TarHeader; content: string }[] = [];
  openCount = 0;

  begin(header: TarHeader): void {
    this.openCount += 1;
    this.members.push({ header, content: '' });
  }

  data(bytes: Buffer): void {
    const last = this.members.at(-1);
    assert.ok(last);
    last.content += bytes.toString();
  }

  end(): void {
    this.openCount -= 1;
  }
}

function readIn(archive: Buffer, pieceBytes: number): Collector {
  const sink = new Collector();
  const reader = new TarReader(sink);
  for (let at = 0; at < archive.length; at += pieceBytes) {
    reader.write(archive.subarray(at, at + pieceBytes));
  }
  reader.finish();
  assert.equal(sink.openCount, 0);
  return sink;
}

test('tar reader: the pieces that the bytes come in do not matter', () => {
  const archive = testArchive([
    { path: 'dir/', flag: '5' },
    { path: 'dir/a', content: 'x'.repeat(1000), mode: 0o4755 },
    { path: 'empty' },
    { path: 'link', flag: '2', linkPath: 'dir/a' },
    { path: 'b', content: 'y'.repeat(512) },
  ]);
  const whole = readIn(archive, archive.length).members;
  assert.deepEqual(
    whole.map(({ header: { path, type, mode }, content }) => [path, type, mode, content.length]),
    [
      ['dir/', 'directory', 0o644, 0],
      ['dir/a', 'file', 0o4755, 1000],
      ['empty', 'file', 0o644, 0],
      ['link', 'symlink', 0o644, 0],
      ['b', 'file', 0o644, 512],
    ],
  );
  holds(
    property(integer({ min: 1, max: 3000 }), (pieceBytes) => {
      assert.deepEqual(readIn(archive, pieceBytes).members, whole);
    }),
    { numRuns: 20 },
  );
});

test('tar reader: pax records and GNU names replace what the header says', () => {
  const long = 'd/'.repeat(100);
  const { members } = readIn(
    testArchive([
      { path: 'short', pax: { path: `${long}file`, 'SCHILY.xattr.user.a': 'b', mtime: '1.5' } },
      { path: 'name', flag: 'L', content: `${long}gnu\0` },
      { path: 'short' },
      { path: 'plain' },
    ]),
    700,
  );
  assert.deepEqual(
    members.map(({ header }) => header.path),
    [`${long}file`, `${long}gnu`, 'plain'],
  );
  assert.equal(members[0]?.header.attributes.get('user.a')?.toString(), 'b');
  assert.equal(members[0]?.header.mtimeMs, 1500);
});

const broken: readonly { name: string; archive: Buffer }[] = [
  {
    name: 'cut off in a file',
    archive: testArchive([{ path: 'a', content: 'x'.repeat(900) }]).subarray(0, 1000),
  },
  { name: 'with a wrong checksum', archive: corrupted(testArchive([{ path: 'a' }]), 0, 0x62) },
  { name: 'with a type nobody knows', archive: testArchive([{ path: 'a', flag: 'S' }]) },
  {
    name: 'with a malformed pax record',
    archive: testArchive([{ path: 'a', flag: 'x', content: '99 a=b\n' }]),
  },
  { name: 'with a negative size', archive: testArchive([{ path: 'a', pax: { uid: '-1' } }]) },
];
for (const { name, archive } of broken) {
  test(`tar reader: an archive ${name} is refused`, () => {
    assert.throws(() => readIn(archive, 512), { code: 'tar/invalid' });
  });
}

function corrupted(archive: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(archive);
  copy[at] = value;
  return copy;
}
