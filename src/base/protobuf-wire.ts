/** Wire types of the protobuf encoding. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/** The bytes are no protobuf message. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
  readonly code = 'base/protobuf';
}

/** Reads protobuf fields from a slice of memory; never past its end. */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  /** The next field's number and wire type. */
  tag(): { readonly number: number; readonly type: number } {
    const key = Number(this.varint());
    return { number: Math.floor(key / 8), type: key & 7 };
  }

  /** An unsigned 64-bit varint. */
  varint(): bigint {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#next();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        return BigInt(low);
      }
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#next();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        return BigInt.asUintN(64, value);
      }
    }
    throw new ProtobufError('a varint is longer than ten bytes');
  }

  /** A signed integer; a bigint only when a number cannot hold it exactly. */
  int(): number | bigint {
    const value = BigInt.asIntN(64, this.varint());
    const asNumber = Number(value);
    return Number.isSafeInteger(asNumber) ? asNumber : value;
  }

  double(): number {
    this.#need(8);
    const value = this.#view.getFloat64(this.#offset, true);
    this.#offset += 8;
    return value;
  }

  /** A length-delimited value; shares memory with the message. */
  bytes(): Uint8Array {
    const length = Number(this.varint());
    this.#need(length);
    const value = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return value;
  }

  skip(type: number): void {
    switch (type) {
      case VARINT:
        this.varint();
        return;
      case FIXED64:
        this.#need(8);
        this.#offset += 8;
        return;
      case BYTES:
        this.bytes();
        return;
      case FIXED32:
        this.#need(4);
        this.#offset += 4;
        return;
      default:
        throw new ProtobufError(`unknown wire type ${type}`);
    }
  }

  #next(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) {
      throw new ProtobufError('unexpected end of message');
    }
    this.#offset += 1;
    return byte;
  }

  #need(length: number): void {
    if (length > this.#bytes.length - this.#offset) {
      throw new ProtobufError('unexpected end of message');
    }
  }
}

const INITIAL_BYTES = 1024;

/** Appends protobuf fields to a buffer that grows as needed. */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;

  /** What was written; shares memory with the writer. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  tag(number: number, type: number): void {
    this.uint(number * 8 + type);
  }

  /** An unsigned integer below 2^53. */
  uint(value: number): void {
    this.#room(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** A signed 64-bit integer as a varint; negative ones take ten bytes. */
  int(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) {
      this.uint(value);
      return;
    }
    this.#room(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  double(value: number): void {
    this.#room(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  bytes(value: Uint8Array): void {
    this.uint(value.length);
    this.#room(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  string(value: string): void {
    const length = Buffer.byteLength(value);
    this.uint(length);
    this.#room(length);
    this.#length += this.#buffer.write(value, this.#length);
  }

  /** Writes a message's fields behind their length. */
  message(write: () => void): void {
    const start = this.#length;
    write();
    const size = this.#length - start;
    const header = varintSize(size);
    this.#room(header);
    this.#buffer.copyWithin(start + header, start, this.#length);
    this.#length = start;
    this.uint(size);
    this.#length = start + header + size;
  }

  #room(bytes: number): void {
    if (this.#length + bytes > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    size += 1;
  }
  return size;
}
