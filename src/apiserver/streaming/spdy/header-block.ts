import { constants, createInflate, type Inflate } from 'node:zlib';
import { assert } from '#base/assert.ts';
import { HEADER_DICTIONARY } from './header-dictionary.ts';
import { SpdyError } from './spdy-error.ts';

/** Names in lower case; several values of one name are joined by a zero byte on the wire. */
export type SpdyHeaders = ReadonlyMap<string, string>;

/** Bytes of one unpacked block; a few hundred are usual. */
const BLOCK_BYTES_MAX = 64 * 1024;

/** Unpacks header blocks. All blocks of a connection are one stream of zlib, so that they must come in order. */
export class HeaderReader {
  readonly #inflate: Inflate;
  #parts: Buffer[] = [];
  #size = 0;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor() {
    this.#inflate = createInflate({ dictionary: HEADER_DICTIONARY, flush: constants.Z_SYNC_FLUSH });
    this.#inflate.on('error', (error) => {
      this.#failure = error;
      // A write that fails is not called back.
      this.#wake?.();
    });
    this.#inflate.on('data', (part: Buffer) => {
      this.#size += part.length;
      if (this.#size <= BLOCK_BYTES_MAX) {
        this.#parts.push(part);
      }
    });
  }

  /** @throws {SpdyError} the block is damaged or too large; the connection is of no more use */
  async read(block: Buffer): Promise<SpdyHeaders> {
    this.#parts = [];
    this.#size = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    this.#inflate.write(block, () => resolve());
    await promise;
    this.#wake = undefined;
    if (this.#failure !== undefined || this.#size > BLOCK_BYTES_MAX) {
      throw new SpdyError('header block cannot be unpacked', { cause: this.#failure });
    }
    return parsePairs(Buffer.concat(this.#parts));
  }

  close(): void {
    this.#inflate.destroy();
  }
}

function parsePairs(block: Buffer): SpdyHeaders {
  const headers = new Map<string, string>();
  let offset = 0;
  const uint32 = (): number => {
    if (offset + 4 > block.length) {
      throw new SpdyError('header block is cut off');
    }
    offset += 4;
    return block.readUInt32BE(offset - 4);
  };
  const text = (): string => {
    const size = uint32();
    if (offset + size > block.length) {
      throw new SpdyError('header block is cut off');
    }
    offset += size;
    return block.toString('utf8', offset - size, offset);
  };
  const count = uint32();
  for (let index = 0; index < count; index++) {
    const name = text();
    headers.set(name.toLowerCase(), text());
  }
  return headers;
}

/** The start of a zlib stream: window of 32 KiB, fastest, no dictionary. */
const ZLIB_START = Buffer.from([0x78, 0x01]);

const STORED_BLOCK_MAX = 0xffff;

/** An empty block: Go's unpacker hands out what it has only when it sees one. */
const SYNC_MARK = Buffer.from([0, 0, 0, 0xff, 0xff]);

/**
 * Packs header blocks. Ours are a few bytes, so they are stored and not compressed: a stored block needs no
 * history, and any unpacker reads it.
 */
export class HeaderWriter {
  #hasStarted = false;

  write(headers: SpdyHeaders): Buffer {
    const parts: Buffer[] = [uint32Bytes(headers.size)];
    for (const [name, value] of headers) {
      for (const text of [name, value]) {
        const bytes = Buffer.from(text);
        parts.push(uint32Bytes(bytes.length), bytes);
      }
    }
    const body = Buffer.concat(parts);
    assert(body.length <= STORED_BLOCK_MAX, 'our header blocks are small');
    const frame = Buffer.from([0, 0, 0, 0, 0]);
    frame.writeUInt16LE(body.length, 1);
    frame.writeUInt16LE(body.length ^ 0xffff, 3);
    const start = this.#hasStarted ? [] : [ZLIB_START];
    this.#hasStarted = true;
    return Buffer.concat([...start, frame, body, SYNC_MARK]);
  }
}

function uint32Bytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
