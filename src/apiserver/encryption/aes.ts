import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { Random } from '#base/random.ts';
import { TransformError, type ReadValue, type Transformer } from './transformer.ts';

const GCM_NONCE_BYTES = 12;
const GCM_TAG_BYTES = 16;
const BLOCK_BYTES = 16;
const INFO_BYTES = 32;

const TOO_SHORT = 'the stored data was shorter than the required size';

/** AES in CBC mode with PKCS#7 padding, behind a random initialization vector. It does not notice a changed value. */
export class AesCbc implements Transformer {
  readonly #key: Uint8Array;
  readonly #random: Random;

  /** @param key 16, 24 or 32 bytes */
  constructor(key: Uint8Array, random: Random) {
    this.#key = key;
    this.#random = random;
  }

  read(data: Uint8Array): ReadValue {
    if (data.length < BLOCK_BYTES) {
      throw new TransformError(TOO_SHORT);
    }
    const body = data.subarray(BLOCK_BYTES);
    if (body.length % BLOCK_BYTES !== 0) {
      throw new TransformError('the stored data is not a multiple of the block size');
    }
    const decipher = createDecipheriv(this.#algorithm(), this.#key, data.subarray(0, BLOCK_BYTES));
    decipher.setAutoPadding(false);
    const padded = Buffer.concat([decipher.update(body), decipher.final()]);
    return { value: withoutPadding(padded), isStale: false };
  }

  write(value: Uint8Array): Uint8Array {
    const vector = this.#random.bytes(BLOCK_BYTES);
    const cipher = createCipheriv(this.#algorithm(), this.#key, vector);
    return Buffer.concat([vector, cipher.update(value), cipher.final()]);
  }

  #algorithm(): string {
    return `aes-${this.#key.length * 8}-cbc`;
  }
}

function withoutPadding(padded: Buffer): Uint8Array {
  const size = padded.at(-1) ?? 0;
  if (size === 0 || size > padded.length) {
    throw new TransformError('invalid PKCS7 data (empty or not padded)');
  }
  if (padded.subarray(padded.length - size).some((byte) => byte !== size)) {
    throw new TransformError('invalid padding on input');
  }
  return padded.subarray(0, padded.length - size);
}

/** AES in Galois mode with a random nonce; the value's place is authenticated with it. */
export class AesGcm implements Transformer {
  readonly #key: Uint8Array;
  readonly #random: Random;

  /** @param key 16, 24 or 32 bytes */
  constructor(key: Uint8Array, random: Random) {
    this.#key = key;
    this.#random = random;
  }

  read(data: Uint8Array, key: string): ReadValue {
    return { value: openGcm(this.#key, data, key), isStale: false };
  }

  write(value: Uint8Array, key: string): Uint8Array {
    return sealGcm(this.#key, value, { key, nonce: this.#random.bytes(GCM_NONCE_BYTES) });
  }
}

/**
 * AES-GCM whose key is derived anew for each value, from a seed and 32 random bytes that stand before the value
 * (HKDF-Expand with SHA-256, RFC 5869), so that nonces cannot run out.
 */
export class SeededGcm implements Transformer {
  readonly #seed: Uint8Array;
  readonly #random: Random;

  /** @param seed at least 32 random bytes */
  constructor(seed: Uint8Array, random: Random) {
    this.#seed = seed;
    this.#random = random;
  }

  read(data: Uint8Array, key: string): ReadValue {
    if (data.length < INFO_BYTES) {
      throw new TransformError(TOO_SHORT);
    }
    const derived = this.#derive(data.subarray(0, INFO_BYTES));
    return { value: openGcm(derived, data.subarray(INFO_BYTES), key), isStale: false };
  }

  write(value: Uint8Array, key: string): Uint8Array {
    const info = this.#random.bytes(INFO_BYTES);
    const nonce = this.#random.bytes(GCM_NONCE_BYTES);
    return Buffer.concat([info, sealGcm(this.#derive(info), value, { key, nonce })]);
  }

  /** One block of the expansion is just as long as the key. */
  #derive(info: Uint8Array): Uint8Array {
    return createHmac('sha256', this.#seed).update(info).update(Uint8Array.of(1)).digest();
  }
}

function openGcm(secret: Uint8Array, data: Uint8Array, key: string): Uint8Array {
  if (data.length < GCM_NONCE_BYTES) {
    throw new TransformError(TOO_SHORT);
  }
  const end = data.length - GCM_TAG_BYTES;
  if (end < GCM_NONCE_BYTES) {
    throw new TransformError('cipher: message authentication failed');
  }
  const decipher = createDecipheriv(
    `aes-${secret.length * 8}-gcm` as 'aes-256-gcm',
    secret,
    data.subarray(0, GCM_NONCE_BYTES),
    { authTagLength: GCM_TAG_BYTES },
  );
  decipher.setAAD(Buffer.from(key));
  decipher.setAuthTag(data.subarray(end));
  const value = decipher.update(data.subarray(GCM_NONCE_BYTES, end));
  try {
    decipher.final();
  } catch (error) {
    throw new TransformError('cipher: message authentication failed', { cause: error });
  }
  return value;
}

function sealGcm(
  secret: Uint8Array,
  value: Uint8Array,
  { key, nonce }: { readonly key: string; readonly nonce: Uint8Array },
): Uint8Array {
  const cipher = createCipheriv(`aes-${secret.length * 8}-gcm` as 'aes-256-gcm', secret, nonce, {
    authTagLength: GCM_TAG_BYTES,
  });
  cipher.setAAD(Buffer.from(key));
  return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
}
