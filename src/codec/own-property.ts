/** A JSON object being built. */
export type MutableRecord = Record<string, unknown>;
export type JsonRecord = Readonly<MutableRecord>;

/** Sets an own property whatever its name: plain assignment to `__proto__` would change the prototype instead. */
export function setOwn(target: MutableRecord, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[key] = value;
  }
}

/** The own property, never one that an object inherits. */
export function getOwn(source: JsonRecord, key: string): unknown {
  return Object.hasOwn(source, key) ? source[key] : undefined;
}

/** Whether a JSON value is an object: neither null nor a list. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
