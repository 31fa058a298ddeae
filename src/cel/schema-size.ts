import { ZERO } from './cost-range.ts';
import type { Range } from './cost-range.ts';
import type { Schema } from './schema.ts';

/** No object that reaches the server is longer. */
const REQUEST_SIZE_MAX_BYTES = 3 * 1024 * 1024;

/** Longest JSON text of each, and the shortest, for strings whose format bounds them. */
const TEXT_SIZE_MAX = { duration: 32, 'date-time': 32, date: 12 } as const;
const TEXT_SIZE_MIN = { duration: 3, 'date-time': 21, date: 12 } as const;

/** How often a value of the schema fits into one request, which bounds how often a rule on it runs. */
export function cardinalityMax(schema: Schema): number {
  return Math.floor(REQUEST_SIZE_MAX_BYTES / (jsonSizeMin(schema) + 1));
}

/** How large the value at a path may be; the path begins below the schema's own variable. */
export function sizeAt(schema: Schema, path: readonly string[]): Range | undefined {
  let current: Schema = schema;
  for (const step of path) {
    if (step === '@keys') {
      // Upstream does not count the length of keys, and schemas in use rely on that.
      return current.kind === 'map' ? ZERO : undefined;
    }
    const next = child(current, step);
    if (next === undefined) {
      return undefined;
    }
    current = next;
  }
  return { min: 0, max: sizeMax(current) };
}

function child(schema: Schema, step: string): Schema | undefined {
  switch (schema.kind) {
    case 'list':
      return step === '@items' ? schema.items : undefined;
    case 'map':
      // A key spelt like a field is not looked up, so its value has the size of its type.
      return step === '@values' ? schema.values : undefined;
    case 'object':
      return Object.hasOwn(schema.fields, step) ? schema.fields[step]?.schema : undefined;
    default:
      return undefined;
  }
}

/** Elements, entries, characters or octets; none for scalars and objects, as upstream counts. */
export function sizeMax(schema: Schema): number {
  switch (schema.kind) {
    case 'string':
      // Upstream counts the most octets a character can take.
      return schema.maxLength === undefined
        ? (schema.sizeMax ?? REQUEST_SIZE_MAX_BYTES - 2)
        : schema.maxLength * 4;
    case 'bytes':
      return schema.maxLength ?? REQUEST_SIZE_MAX_BYTES - 2;
    case 'duration':
    case 'date-time':
    case 'date':
      return TEXT_SIZE_MAX[schema.kind];
    case 'list':
      // Two brackets, and a comma after each element.
      return schema.maxItems ?? Math.floor((REQUEST_SIZE_MAX_BYTES - 2) / (jsonSizeMin(schema.items) + 1));
    case 'map':
      // Two braces, and for each entry two quotes, a colon and a comma around the shortest key.
      return (
        schema.maxProperties ?? Math.floor((REQUEST_SIZE_MAX_BYTES - 2) / (jsonSizeMin(schema.values) + 6))
      );
    case 'int-or-string':
      return schema.maxLength === undefined ? REQUEST_SIZE_MAX_BYTES - 2 : schema.maxLength * 4;
    case 'dyn':
      return REQUEST_SIZE_MAX_BYTES - 2;
    default:
      return 0;
  }
}

/** Bytes of the shortest JSON a value of the schema can have. */
function jsonSizeMin(schema: Schema): number {
  switch (schema.kind) {
    case 'bool':
      return 4;
    case 'int':
    case 'double':
    case 'int-or-string':
    case 'dyn':
      return 1;
    case 'duration':
    case 'date-time':
    case 'date':
      return TEXT_SIZE_MIN[schema.kind];
    case 'object':
      return Object.entries(schema.fields)
        .filter(([, field]) => field.isRequired === true)
        .reduce(
          (size, [name, field]) => size + (field.property ?? name).length + 4 + jsonSizeMin(field.schema),
          2,
        );
    default:
      return 2;
  }
}
