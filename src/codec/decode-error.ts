import type { StructType } from '#api/schema/schema.ts';

/** A value does not fit its field. Becomes a BadRequest at the top of the decoder and is never seen outside it. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly code = 'FIELD_TYPE';
}

/** `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`. */
export function wrongType(
  value: unknown,
  struct: StructType,
  path: readonly (string | number)[],
  goType: string,
): DecodeError {
  // List indexes and map keys are not part of the path in this sentence.
  const names = path.filter((part) => typeof part === 'string' && !part.startsWith('.'));
  const owner = struct.name.slice(struct.name.lastIndexOf('.') + 1);
  return new DecodeError(
    `json: cannot unmarshal ${valueDescription(value)} into Go struct field ${owner}.${names.join('.')} of type ${goType}`,
  );
}

/** How Go names a JSON value in an error. */
export function valueDescription(value: unknown): string {
  if (Array.isArray(value)) {
    return 'array';
  }
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
    case 'bigint':
      return 'number';
    default:
      return 'object';
  }
}
