/** One member of a tar archive, long names and pax records already applied. */
export interface TarHeader {
  readonly path: string;
  readonly type: 'file' | 'hardlink' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';
  readonly linkPath: string;
  /** Bytes of content that follow; 0 for all but files. */
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeMs: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Extended attributes. */
  readonly attributes: ReadonlyMap<string, Buffer>;
}

/** Takes what a tar archive holds, in order. All calls are synchronous. */
export interface TarSink {
  begin(header: TarHeader): void;
  data(bytes: Buffer): void;
  end(): void;
}

/** The archive is cut off, or is none. */
export class TarError extends Error {
  override readonly name = 'TarError';
  readonly code = 'tar/invalid';
}

const BLOCK = 512;
/** Longest pax record block or long name; real ones are below a few KiB. */
const EXTENSION_BYTES_MAX = 1024 * 1024;

const TYPES: Readonly<Record<string, TarHeader['type']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/**
 * Takes an archive apart as its bytes come: ustar, pax and GNU long names, numbers in octal or base 256.
 * Feed it with `write`, then call `finish`.
 */
export class TarReader {
  readonly #sink: TarSink;
  #held: Buffer = Buffer.alloc(0);
  /** Content bytes of the current member still to come, and the padding after them. */
  #remaining = 0;
  #padding = 0;
  #inMember = false;
  #extension: { readonly flag: string; readonly chunks: Buffer[] } | undefined;
  #overrides = new Map<string, Buffer>();
  #zeroBlocks = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  write(chunk: Buffer): void {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (;;) {
      if (this.#remaining > 0) {
        const taken = bytes.subarray(0, this.#remaining);
        this.#content(taken);
        this.#remaining -= taken.length;
        bytes = bytes.subarray(taken.length);
        if (this.#remaining > 0) {
          break;
        }
      }
      if (this.#padding > 0) {
        const skipped = Math.min(this.#padding, bytes.length);
        this.#padding -= skipped;
        bytes = bytes.subarray(skipped);
        if (this.#padding > 0) {
          break;
        }
      }
      this.#endMember();
      if (bytes.length < BLOCK) {
        break;
      }
      this.#header(bytes.subarray(0, BLOCK));
      bytes = bytes.subarray(BLOCK);
    }
    this.#held = bytes.length === 0 ? bytes : Buffer.from(bytes);
  }

  /** @throws {TarError} when a member was cut off */
  finish(): void {
    this.#endMember();
    if (this.#remaining > 0 || this.#padding > 0 || (this.#held.length > 0 && this.#zeroBlocks === 0)) {
      throw new TarError('the archive ends in the middle of a file');
    }
  }

  #content(bytes: Buffer): void {
    if (this.#extension !== undefined) {
      this.#extension.chunks.push(Buffer.from(bytes));
    } else if (this.#inMember) {
      this.#sink.data(bytes);
    }
  }

  #endMember(): void {
    if (this.#remaining > 0 || this.#padding > 0) {
      return;
    }
    if (this.#extension !== undefined) {
      this.#applyExtension(this.#extension.flag, Buffer.concat(this.#extension.chunks));
      this.#extension = undefined;
    } else if (this.#inMember) {
      this.#inMember = false;
      this.#sink.end();
    }
  }

  #header(block: Buffer): void {
    if (block.every((byte) => byte === 0)) {
      this.#zeroBlocks += 1;
      return;
    }
    if (this.#zeroBlocks > 0) {
      return; // What follows the end mark is padding.
    }
    checkSum(block);
    const flag = block.toString('latin1', 156, 157);
    const size = this.#number('size', numberAt(block, 124, 12));
    this.#remaining = size;
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
    if (flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K') {
      if (size > EXTENSION_BYTES_MAX) {
        throw new TarError(`a ${flag} record of ${size} bytes is no record`);
      }
      this.#extension = { flag, chunks: [] };
      return;
    }
    const type = TYPES[flag];
    if (type === undefined) {
      throw new TarError(`members of type ${JSON.stringify(flag)} are not supported`);
    }
    const header = this.#memberHeader(block, type, size);
    this.#overrides = new Map();
    if (type !== 'file') {
      // Some writers note a size for links, but write no content.
      this.#remaining = 0;
      this.#padding = 0;
    }
    this.#inMember = true;
    this.#sink.begin(header);
  }

  #memberHeader(block: Buffer, type: TarHeader['type'], size: number): TarHeader {
    const isUstar = block.toString('latin1', 257, 262) === 'ustar';
    const prefix = isUstar && block[263] !== 0x20 ? textAt(block, 345, 155) : '';
    const name = textAt(block, 0, 100);
    const path = this.#overrides.get('path')?.toString() ?? (prefix === '' ? name : `${prefix}/${name}`);
    const attributes = new Map<string, Buffer>();
    for (const [key, value] of this.#overrides) {
      if (key.startsWith(XATTR)) {
        attributes.set(key.slice(XATTR.length), value);
      }
    }
    return {
      path,
      type: type === 'file' && path.endsWith('/') ? 'directory' : type,
      linkPath: this.#overrides.get('linkpath')?.toString() ?? textAt(block, 157, 100),
      size: type === 'file' ? size : 0,
      mode: numberAt(block, 100, 8) & 0o7777,
      uid: this.#number('uid', numberAt(block, 108, 8)),
      gid: this.#number('gid', numberAt(block, 116, 8)),
      mtimeMs: this.#number('mtime', numberAt(block, 136, 12)) * 1000,
      deviceMajor: isUstar ? numberAt(block, 329, 8) : 0,
      deviceMinor: isUstar ? numberAt(block, 337, 8) : 0,
      attributes,
    };
  }

  #number(key: string, otherwise: number): number {
    const text = this.#overrides.get(key)?.toString();
    if (text === undefined) {
      return otherwise;
    }
    const value = Number(text);
    if (!Number.isFinite(value) || (key !== 'mtime' && value < 0)) {
      throw new TarError(`${key} ${JSON.stringify(text)} is not a number`);
    }
    return value;
  }

  #applyExtension(flag: string, bytes: Buffer): void {
    if (flag === 'L' || flag === 'K') {
      const end = bytes.indexOf(0);
      this.#overrides.set(flag === 'L' ? 'path' : 'linkpath', end < 0 ? bytes : bytes.subarray(0, end));
    } else if (flag === 'x') {
      for (const [key, value] of paxRecords(bytes)) {
        this.#overrides.set(key, value);
      }
    }
  }
}

const XATTR = 'SCHILY.xattr.';

/** Records of the form `<length> <key>=<value>\n`, the length counting itself. */
function paxRecords(bytes: Buffer): [string, Buffer][] {
  const records: [string, Buffer][] = [];
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, space));
    const equals = bytes.indexOf(0x3d, space);
    if (space < 0 || equals < 0 || !Number.isInteger(length) || length < 5 || at + length > bytes.length) {
      throw new TarError('a pax record is malformed');
    }
    records.push([
      bytes.toString('utf8', space + 1, equals),
      Buffer.from(bytes.subarray(equals + 1, at + length - 1)),
    ]);
    at += length;
  }
  return records;
}

function checkSum(block: Buffer): void {
  let sum = 0;
  for (let index = 0; index < BLOCK; index++) {
    sum += index >= 148 && index < 156 ? 0x20 : (block[index] ?? 0);
  }
  if (sum !== numberAt(block, 148, 8)) {
    throw new TarError('a header has the wrong checksum');
  }
}

function textAt(block: Buffer, offset: number, length: number): string {
  const end = block.indexOf(0, offset);
  return block.toString('utf8', offset, end < 0 || end > offset + length ? offset + length : end);
}

function numberAt(block: Buffer, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  if ((first & 0x80) === 0) {
    const text = block
      .toString('latin1', offset, offset + length)
      .replaceAll('\0', ' ')
      .trim();
    const value = text === '' ? 0 : Number.parseInt(text, 8);
    if (Number.isNaN(value)) {
      throw new TarError(`${JSON.stringify(text)} is not an octal number`);
    }
    return value;
  }
  let value = first & 0x7f;
  for (let index = 1; index < length; index++) {
    value = value * 256 + (block[offset + index] ?? 0);
  }
  if (!Number.isSafeInteger(value)) {
    throw new TarError('a number is too large');
  }
  return value;
}
