const ENCODER = new TextEncoder();
/** Refuses invalid UTF-8 instead of replacing it: a silent replacement would change what was stored. */
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

export function utf8Encode(text: string): Uint8Array {
  return ENCODER.encode(text);
}

/** @throws {TypeError} when the bytes are not valid UTF-8 */
export function utf8Decode(bytes: Uint8Array): string {
  return DECODER.decode(bytes);
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && Buffer.compare(left, right) === 0;
}
