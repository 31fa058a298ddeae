import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { LayerStore } from './layer-store.ts';
import { Libc } from './libc.ts';
import { testArchive } from './tar.fixture.ts';

const libc = Libc.load();
const skip = libc === undefined ? 'layers are written on Linux, by a Node with node:ffi' : false;
const ARCHIVE = testArchive([{ path: 'a', content: 'content' }]);
const DIFF_ID = `sha256:${createHash('sha256').update(ARCHIVE).digest('hex')}`;

async function withStore(run: (store: LayerStore, root: string) => Promise<void>): Promise<void> {
  assert.ok(libc);
  const root = mkdtempSync(join(tmpdir(), 'coracle-layers-'));
  try {
    await run(new LayerStore(root, libc), root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const forms: readonly { name: string; bytes: Buffer; pieceBytes: number }[] = [
  { name: 'plain', bytes: ARCHIVE, pieceBytes: ARCHIVE.length },
  { name: 'compressed', bytes: gzipSync(ARCHIVE), pieceBytes: 1000 },
  { name: 'compressed, byte by byte', bytes: gzipSync(ARCHIVE), pieceBytes: 1 },
];
for (const { name, bytes, pieceBytes } of forms) {
  test(`layer store: a layer is unpacked once: ${name}`, { skip }, async () => {
    await withStore(async (store) => {
      let openCount = 0;
      const open = async (): Promise<Readable> => {
        openCount += 1;
        return Readable.from(pieces(bytes, pieceBytes));
      };
      await Promise.all([store.add(DIFF_ID, open), store.add(DIFF_ID, open)]);
      assert.equal(openCount, 1);
      assert.equal(readFileSync(join(store.path(DIFF_ID), 'a'), 'utf8'), 'content');
      assert.deepEqual(store.totalUsage(), { bytes: 7, files: 1 });
    });
  });
}

test('layer store: a layer with another digest leaves nothing', { skip }, async () => {
  await withStore(async (store, root) => {
    const wrong = `sha256:${'0'.repeat(64)}`;
    await assert.rejects(
      store.add(wrong, async () => Readable.from([ARCHIVE])),
      /wrong diff id/,
    );
    assert.deepEqual(readdirSync(root), []);
  });
});

test('layer store: a held layer is not swept', { skip }, async () => {
  await withStore(async (store) => {
    const first = store.hold([DIFF_ID]);
    const second = store.hold([DIFF_ID]);
    assert.equal(await store.addNew(Readable.from([ARCHIVE])), DIFF_ID);
    first[Symbol.dispose]();
    await store.sweep(new Set());
    assert.ok(store.has(DIFF_ID));
    second[Symbol.dispose]();
    await store.sweep(new Set());
    assert.ok(!store.has(DIFF_ID));
  });
});

function* pieces(bytes: Buffer, pieceBytes: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    yield bytes.subarray(at, at + pieceBytes);
  }
}
