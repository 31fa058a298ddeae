import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { readAtMost } from './read-at-most.ts';

const pieces = (): Readable => Readable.from([Buffer.from('ab'), Buffer.from('cd')]);

test('read at most: as many bytes as are allowed', async () => {
  assert.equal((await readAtMost(pieces(), 4)).toString(), 'abcd');
  assert.equal((await readAtMost(Readable.from([]), 0)).length, 0);
});

test('read at most: one byte more ends the stream in the words of who reads', async () => {
  const stream = pieces();
  await assert.rejects(
    readAtMost(stream, 3, (bytesMax) => new RangeError(`more than ${bytesMax}`)),
    new RangeError('more than 3'),
  );
  assert.equal(stream.destroyed, true);
  await assert.rejects(readAtMost(pieces(), 3), /the answer is longer than 3 bytes/);
});
