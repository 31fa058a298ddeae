import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/**
 * The content of a stream that may be compressed with gzip or zstd. Looks at its first bytes, not at the
 * media type, which is often wrong.
 */
export async function decompressed(archive: Readable): Promise<Readable> {
  const first = await peek(archive);
  const isGzip = first[0] === 0x1f && first[1] === 0x8b;
  const isZstd = first.readUInt32BE(0) === 0x28b5_2ffd;
  if (!isGzip && !isZstd) {
    return archive;
  }
  const unpacker = isGzip ? createGunzip() : createZstdDecompress();
  archive.once('error', (error) => unpacker.destroy(error));
  return archive.pipe(unpacker);
}

/** The first four bytes, which stay in the stream; zeroes for a shorter one. */
async function peek(stream: Readable): Promise<Buffer> {
  for (;;) {
    const chunk: Buffer | null = stream.read();
    if (chunk === null) {
      if (stream.readableEnded || stream.destroyed) {
        return Buffer.alloc(4);
      }
      await Promise.race([once(stream, 'readable'), once(stream, 'end')]);
      continue;
    }
    stream.unshift(chunk);
    return chunk.length >= 4 ? chunk : Buffer.concat([chunk, Buffer.alloc(4)]);
  }
}
