import { SpdyError } from './spdy-error.ts';

/** Numbers of the control frames that matter here; SETTINGS, HEADERS and the like are read over. */
export const FRAME_TYPES = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  ping: 6,
  goAway: 7,
} as const;

export const FLAG_FIN = 1;

/** Reasons of a RST_STREAM. */
export const RESET = { protocolError: 1, refused: 3, cancel: 5 } as const;

export type Frame =
  | { readonly kind: 'data'; readonly streamId: number; readonly isLast: boolean; readonly payload: Buffer }
  | { readonly kind: 'control'; readonly type: number; readonly flags: number; readonly payload: Buffer };

const VERSION = 3;
const FRAME_HEADER_BYTES = 8;

/** Largest frame taken; Go's clients write up to 32 KiB at a time. */
const FRAME_BYTES_MAX = 1024 * 1024;

/** Cuts a byte stream into frames. */
export class FrameReader {
  #parts: Buffer[] = [];
  #size = 0;

  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#size += chunk.length;
  }

  /**
   * The next whole frame, if there is one.
   *
   * @throws {SpdyError} another version, or a frame larger than any honest one
   */
  next(): Frame | undefined {
    if (this.#size < FRAME_HEADER_BYTES) {
      return undefined;
    }
    const bytes = this.#parts.length === 1 ? (this.#parts[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#parts);
    this.#parts = [bytes];
    const first = bytes.readUInt32BE(0);
    const flags = bytes.readUInt8(4);
    const length = bytes.readUIntBE(5, 3);
    if (length > FRAME_BYTES_MAX) {
      throw new SpdyError(`frame of ${length} bytes`);
    }
    const end = FRAME_HEADER_BYTES + length;
    if (this.#size < end) {
      return undefined;
    }
    this.#parts = [bytes.subarray(end)];
    this.#size -= end;
    const payload = bytes.subarray(FRAME_HEADER_BYTES, end);
    if ((first & 0x8000_0000) === 0) {
      return { kind: 'data', streamId: first, isLast: (flags & FLAG_FIN) !== 0, payload };
    }
    if (((first >>> 16) & 0x7fff) !== VERSION) {
      throw new SpdyError(`SPDY version ${(first >>> 16) & 0x7fff}`);
    }
    return { kind: 'control', type: first & 0xffff, flags, payload };
  }
}

export function controlFrame(type: number, flags: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  frame.writeUInt16BE(0x8000 | VERSION, 0);
  frame.writeUInt16BE(type, 2);
  frame.writeUInt8(flags, 4);
  frame.writeUIntBE(payload.length, 5, 3);
  payload.copy(frame, FRAME_HEADER_BYTES);
  return frame;
}

export function dataFrame(streamId: number, payload: Buffer, isLast: boolean): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  frame.writeUInt32BE(streamId, 0);
  frame.writeUInt8(isLast ? FLAG_FIN : 0, 4);
  frame.writeUIntBE(payload.length, 5, 3);
  payload.copy(frame, FRAME_HEADER_BYTES);
  return frame;
}

export function uint32s(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value >>> 0, 4 * index));
  return bytes;
}
