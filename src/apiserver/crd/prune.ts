import { isRecord, setOwn } from '#codec/own-property.ts';
import type { Schema } from './structural-schema.ts';

/** More unknown fields than this are not reported. */
const REPORTED_MAX = 100;

/** What an embedded resource keeps whatever its schema says. */
const TYPE_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * A copy without the fields that the schema does not have, and without nulls where nothing may be null.
 *
 * @param isRoot the value is a whole object, whose type and metadata are known without a schema
 * @param unknown collects the paths of what was dropped; undefined when nobody asks
 */
export function prune(value: unknown, schema: Schema, isRoot: boolean, unknown?: string[]): unknown {
  return pruneValue(value, schema, { isResource: isRoot, path: '', unknown });
}

interface Place {
  readonly isResource: boolean;
  readonly path: string;
  readonly unknown: string[] | undefined;
}

function pruneValue(value: unknown, schema: Schema, place: Place): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined
      ? value
      : value.map((item, index) => pruneValue(item, items, inside(place, `${place.path}[${index}]`)));
  }
  if (!isRecord(value)) {
    return value;
  }
  const isResource = place.isResource || schema.isEmbeddedResource;
  const output: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(value)) {
    const path = place.path === '' ? name : `${place.path}.${name}`;
    if (isResource && TYPE_FIELDS.has(name)) {
      setOwn(output, name, given);
      continue;
    }
    const property = propertyOf(schema, name);
    if (property === undefined) {
      if (schema.keepsUnknown || schema.additional === true) {
        setOwn(output, name, given);
      } else if (place.unknown !== undefined && place.unknown.length < REPORTED_MAX) {
        place.unknown.push(path);
      }
    } else if (
      given !== null ||
      property.isNullable ||
      property.default !== undefined ||
      property.type === ''
    ) {
      setOwn(output, name, pruneValue(given, property, inside(place, path)));
    }
  }
  return output;
}

function inside({ unknown }: Place, path: string): Place {
  return { isResource: false, path, unknown };
}

/** The schema of one entry of an object; undefined when the entry is not specified. */
export function propertyOf(schema: Schema, name: string): Schema | undefined {
  return (
    schema.properties.get(name) ?? (typeof schema.additional === 'object' ? schema.additional : undefined)
  );
}
