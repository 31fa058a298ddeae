/** Thrown when the program itself is wrong. Nothing catches it on purpose: a bug must be seen. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Ends the operation with an {@link AssertionError} when an invariant does not hold. Stays on in production. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) {
    throw new AssertionError(message);
  }
}

/** Returns `value`, or throws an {@link AssertionError} saying what was expected to be there. */
export function defined<T>(value: T | undefined | null, what: string): T {
  assert(value !== undefined && value !== null, `expected ${what}`);
  return value;
}

/** For the `default` branch of an exhaustive `switch`. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable case: ${JSON.stringify(value)}`);
}
