/** Bytes as they were before they were encrypted. */
export interface ReadValue {
  readonly value: Uint8Array;
  /** True when the value would be written differently now: the next update writes even if it changes nothing. */
  readonly isStale: boolean;
}

/** Turns values into what is stored, and back. The key is where the value lies; a value moved elsewhere is no good. */
export interface Transformer {
  /** @throws {TransformError} */
  read(data: Uint8Array, key: string): ReadValue | Promise<ReadValue>;
  /** @throws {TransformError} */
  write(value: Uint8Array, key: string): Uint8Array | Promise<Uint8Array>;
}

/** A stored value cannot be read with the keys there are, or a value cannot be written. */
export class TransformError extends Error {
  override readonly name = 'TransformError';
  readonly code = 'encryption/transform';
}

export interface PrefixedTransformer {
  /** What the stored values of this one begin with; empty for values that are not encrypted. */
  readonly prefix: string;
  readonly transformer: Transformer;
}

/** Writes with the first of several, and reads with whichever has the value's prefix. */
export class PrefixTransformers implements Transformer {
  readonly #entries: readonly { readonly prefix: Buffer; readonly transformer: Transformer }[];
  readonly #noMatch: string;

  /** @param noMatch what to say of a value that has none of the prefixes */
  constructor(entries: readonly PrefixedTransformer[], noMatch: string) {
    this.#entries = entries.map(({ prefix, transformer }) => ({ prefix: Buffer.from(prefix), transformer }));
    this.#noMatch = noMatch;
  }

  async read(data: Uint8Array, key: string): Promise<ReadValue> {
    const errors: string[] = [];
    for (const [index, { prefix, transformer }] of this.#entries.entries()) {
      if (!startsWith(data, prefix)) {
        continue;
      }
      try {
        const { value, isStale } = await transformer.read(data.subarray(prefix.length), key);
        return { value, isStale: isStale || index > 0 };
      } catch (error) {
        if (!(error instanceof TransformError)) {
          throw error;
        }
        // The same prefix may stand once more with another key; and values that are not encrypted have no prefix to
        // know them by, so that of those only the other providers' words count.
        if (prefix.length > 0) {
          errors.push(error.message);
        }
      }
    }
    throw new TransformError(errorsText(errors) ?? this.#noMatch);
  }

  async write(value: Uint8Array, key: string): Promise<Uint8Array> {
    const [first] = this.#entries;
    if (first === undefined) {
      throw new TransformError(this.#noMatch);
    }
    return Buffer.concat([first.prefix, await first.transformer.write(value, key)]);
  }
}

function errorsText(errors: readonly string[]): string | undefined {
  const different = [...new Set(errors)];
  return different.length > 1 ? `[${different.join(', ')}]` : different[0];
}

function startsWith(data: Uint8Array, prefix: Uint8Array): boolean {
  return data.length >= prefix.length && Buffer.compare(data.subarray(0, prefix.length), prefix) === 0;
}

const ENCRYPTED = Buffer.from('k8s:enc:');

/** Values that are not encrypted; it refuses those that are, for others to read. */
export const IDENTITY: Transformer = {
  read(data) {
    if (startsWith(data, ENCRYPTED)) {
      throw new TransformError('identity transformer tried to read encrypted data');
    }
    return { value: data, isStale: false };
  },
  write: (value) => value,
};
