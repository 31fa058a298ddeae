/** Standard, and in Node, but not yet in the compiler's library. */
const RAW_JSON = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** JSON text of any value, with integers beyond 2^53 (bigint) written digit by digit. */
export function encodeJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // A bigint is so rare that looking for one beforehand would cost every other object more than this.
    if (error instanceof TypeError && /BigInt/.test(error.message)) {
      return JSON.stringify(value, (_key, item: unknown) =>
        typeof item === 'bigint' ? RAW_JSON.rawJSON(item.toString()) : item,
      );
    }
    throw error;
  }
}

/** Freezes a JSON value at every depth and returns it. Parts already frozen are taken as frozen throughout. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    if (Array.isArray(value)) {
      for (const item of value as readonly unknown[]) {
        deepFreeze(item);
      }
    } else {
      for (const key in value) {
        deepFreeze(value[key]);
      }
    }
  }
  return value;
}
