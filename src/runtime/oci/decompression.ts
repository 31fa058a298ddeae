import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** Bytes that tell the compressions apart. */
const MAGIC_BYTES = 4;

/**
 * The content of a stream that may be compressed with gzip or zstd. Looks at its first bytes, not at the
 * media type, which is often wrong.
 */
export async function decompressed(archive: Readable): Promise<Readable> {
  const chunks: AsyncIterator<Buffer> = archive[Symbol.asyncIterator]();
  let start: Buffer = Buffer.alloc(0);
  while (start.length < MAGIC_BYTES) {
    const next = await chunks.next();
    if (next.done === true) {
      break;
    }
    start = Buffer.concat([start, next.value]);
  }
  const whole = Readable.from(continued(start, chunks), { objectMode: false });
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  const isZstd = start.length >= MAGIC_BYTES && start.readUInt32BE(0) === 0x28b5_2ffd;
  if (!isGzip && !isZstd) {
    return whole;
  }
  const unpacker = isGzip ? createGunzip() : createZstdDecompress();
  whole.once('error', (error) => unpacker.destroy(error));
  unpacker.once('close', () => whole.destroy());
  return whole.pipe(unpacker);
}

async function* continued(start: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (start.length > 0) {
      yield start;
    }
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}
