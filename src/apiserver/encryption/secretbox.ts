import { timingSafeEqual } from 'node:crypto';
import type { Random } from '#base/random.ts';
import { poly1305 } from './poly1305.ts';
import { TransformError, type ReadValue, type Transformer } from './transformer.ts';
import { xsalsa20Stream } from './xsalsa20.ts';

const NONCE_BYTES = 24;
const TAG_BYTES = 16;
/** The head of the stream is the authenticator's key. */
const TAG_KEY_BYTES = 32;

/** NaCl's secretbox, XSalsa20 with Poly1305, behind its nonce. */
export class Secretbox implements Transformer {
  readonly #key: Uint8Array;
  readonly #random: Random;

  /** @param key 32 bytes */
  constructor(key: Uint8Array, random: Random) {
    this.#key = key;
    this.#random = random;
  }

  read(data: Uint8Array): ReadValue {
    if (data.length < NONCE_BYTES + TAG_BYTES) {
      throw new TransformError('the stored data was shorter than the required size');
    }
    const value = openBox(this.#key, data.subarray(0, NONCE_BYTES), data.subarray(NONCE_BYTES));
    if (value === undefined) {
      // Upstream's words for a box that does not open.
      throw new TransformError('output array was not large enough for encryption');
    }
    return { value, isStale: false };
  }

  write(value: Uint8Array): Uint8Array {
    const nonce = this.#random.bytes(NONCE_BYTES);
    return Buffer.concat([nonce, sealBox(this.#key, nonce, value)]);
  }
}

export function sealBox(key: Uint8Array, nonce: Uint8Array, value: Uint8Array): Uint8Array {
  const stream = xsalsa20Stream(key, nonce, TAG_KEY_BYTES + value.length);
  const hidden = mixed(value, stream);
  return Buffer.concat([poly1305(stream.subarray(0, TAG_KEY_BYTES), hidden), hidden]);
}

/** Undefined when the box was made with another key or changed since. */
export function openBox(key: Uint8Array, nonce: Uint8Array, box: Uint8Array): Uint8Array | undefined {
  const hidden = box.subarray(TAG_BYTES);
  const stream = xsalsa20Stream(key, nonce, TAG_KEY_BYTES + hidden.length);
  const tag = poly1305(stream.subarray(0, TAG_KEY_BYTES), hidden);
  return timingSafeEqual(tag, box.subarray(0, TAG_BYTES)) ? mixed(hidden, stream) : undefined;
}

function mixed(value: Uint8Array, stream: Uint8Array): Uint8Array {
  return value.map((byte, index) => byte ^ (stream[TAG_KEY_BYTES + index] ?? 0));
}
