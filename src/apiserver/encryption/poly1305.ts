const PRIME = (1n << 130n) - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;
const BLOCK_BYTES = 16;

/** The one-time authenticator Poly1305 (RFC 8439, 2.5). @param key 32 bytes, used for one message only */
export function poly1305(key: Uint8Array, message: Uint8Array): Uint8Array {
  const r = numberIn(key.subarray(0, BLOCK_BYTES)) & CLAMP;
  const s = numberIn(key.subarray(BLOCK_BYTES, 2 * BLOCK_BYTES));
  let sum = 0n;
  for (let offset = 0; offset < message.length; offset += BLOCK_BYTES) {
    const block = message.subarray(offset, offset + BLOCK_BYTES);
    sum = ((sum + numberIn(block) + (1n << BigInt(block.length * 8))) * r) % PRIME;
  }
  const tag = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(tag.buffer);
  view.setBigUint64(0, BigInt.asUintN(64, sum + s), true);
  view.setBigUint64(8, BigInt.asUintN(64, (sum + s) >> 64n), true);
  return tag;
}

/** Little-endian, up to 16 bytes. */
function numberIn(bytes: Uint8Array): bigint {
  let whole = bytes;
  if (bytes.length < BLOCK_BYTES) {
    whole = new Uint8Array(BLOCK_BYTES);
    whole.set(bytes);
  }
  const view = new DataView(whole.buffer, whole.byteOffset, BLOCK_BYTES);
  return view.getBigUint64(0, true) | (view.getBigUint64(8, true) << 64n);
}
