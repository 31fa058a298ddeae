import { concatBytes, utf8Encode } from '../bytes.ts';

/** Tags of the ASN.1 types that X.509 is made of. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[index]` in a structure's own tag space. */
export function contextTag(index: number, isConstructed: boolean): number {
  return 0x80 | (isConstructed ? 0x20 : 0) | index;
}

/** The bytes are not the structure they claim to be. */
export class DerError extends Error {
  override readonly name = 'DerError';
  readonly code = 'ERR_DER';
}

export function encode(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return concatBytes([Uint8Array.of(tag, ...encodeLength(size)), ...parts]);
}

function encodeLength(size: number): readonly number[] {
  if (size < 0x80) {
    return [size];
  }
  const digits: number[] = [];
  for (let rest = size; rest > 0; rest >>>= 8) {
    digits.unshift(rest & 0xff);
  }
  return [0x80 | digits.length, ...digits];
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return encode(TAG.sequence, ...parts);
}

/** An unsigned integer from its big-endian bytes. */
export function integer(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) {
    start++;
  }
  const digits = bytes.subarray(start);
  // A leading one bit would make the number negative.
  return (digits[0] ?? 0) >= 0x80
    ? encode(TAG.integer, Uint8Array.of(0), digits)
    : encode(TAG.integer, digits);
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return encode(TAG.bitString, Uint8Array.of(unusedBits), bytes);
}

/** @param dotted `2.5.4.3` */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const digits = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      digits.unshift((left & 0x7f) | 0x80);
    }
    bytes.push(...digits);
  }
  return encode(TAG.oid, Uint8Array.from(bytes));
}

/** The narrower string type where it can hold the text, as other certificate makers choose it. */
export function directoryString(text: string): Uint8Array {
  const tag = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text) ? TAG.printableString : TAG.utf8String;
  return encode(tag, utf8Encode(text));
}

/** A time in whole seconds. */
export function time(ms: number): Uint8Array {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  // X.509 wants the two-digit year as long as it is unambiguous.
  return Number(text.slice(0, 4)) < 2050
    ? encode(TAG.utcTime, utf8Encode(text.slice(2)))
    : encode(TAG.generalizedTime, utf8Encode(text));
}

/** One value read from DER bytes; nothing is copied. */
export interface DerNode {
  readonly tag: number;
  /** Without tag and length. */
  readonly content: Uint8Array;
  /** With tag and length, as it is signed. */
  readonly bytes: Uint8Array;
}

/** @throws {DerError} when the bytes are not exactly one DER value */
export function decode(bytes: Uint8Array): DerNode {
  const node = readNode(bytes, 0);
  if (node.bytes.length !== bytes.length) {
    throw new DerError('trailing data');
  }
  return node;
}

/** @throws {DerError} when the content is not a row of DER values */
export function children(node: DerNode): readonly DerNode[] {
  const found: DerNode[] = [];
  for (let offset = 0; offset < node.content.length;) {
    const child = readNode(node.content, offset);
    found.push(child);
    offset += child.bytes.length;
  }
  return found;
}

function readNode(bytes: Uint8Array, start: number): DerNode {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined) {
    throw new DerError('value is cut short');
  }
  let contentStart = start + 2;
  let size = first;
  if (first >= 0x80) {
    const digits = first & 0x7f;
    if (digits === 0 || digits > 4) {
      throw new DerError('unsupported length');
    }
    size = 0;
    for (let index = 0; index < digits; index++) {
      size = size * 256 + (bytes[contentStart + index] ?? 0);
    }
    contentStart += digits;
  }
  const end = contentStart + size;
  if (end > bytes.length) {
    throw new DerError('value is cut short');
  }
  return { tag, content: bytes.subarray(contentStart, end), bytes: bytes.subarray(start, end) };
}

/** @throws {DerError} when the node is of another type */
export function expectTag(node: DerNode | undefined, tag: number): DerNode {
  if (node?.tag !== tag) {
    throw new DerError(`expected tag ${tag}, found ${node === undefined ? 'nothing' : node.tag}`);
  }
  return node;
}

/** The dotted form of an object identifier. */
export function decodeOid(node: DerNode): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of expectTag(node, TAG.oid).content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [head = 0, ...rest] = arcs;
  const first = Math.min(Math.floor(head / 40), 2);
  return [first, head - first * 40, ...rest].join('.');
}

/** The bytes of a bit string that has no odd bits at its end. */
export function decodeBitString(node: DerNode | undefined): Uint8Array {
  const { content } = expectTag(node, TAG.bitString);
  if (content.length === 0) {
    throw new DerError('bit string without its count of unused bits');
  }
  return content.subarray(1);
}
