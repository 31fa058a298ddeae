import { isRecord, setOwn } from '#codec/own-property.ts';
import { propertyOf } from './prune.ts';
import type { Schema } from './structural-schema.ts';

/** Schemas below which no default stands, so that values are not copied for nothing. */
const defaulting = new WeakMap<Schema, boolean>();

/** True when the schema gives a default anywhere. */
export function hasDefaults(schema: Schema): boolean {
  let known = defaulting.get(schema);
  if (known === undefined) {
    const { properties, items, additional } = schema;
    const below = [...properties.values(), ...(items === undefined ? [] : [items])];
    known =
      below.some((child) => child.default !== undefined || hasDefaults(child)) ||
      (typeof additional === 'object' && (additional.default !== undefined || hasDefaults(additional)));
    defaulting.set(schema, known);
  }
  return known;
}

/** The value with the schema's defaults where fields are absent, or null without being allowed to; copied where it changes. */
export function withDefaults<T>(value: T, schema: Schema): T {
  // Defaults add fields and change no type.
  return (hasDefaults(schema) ? defaulted(value, schema) : value) as T;
}

function defaulted(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined || !hasDefaults(items)
      ? value
      : value.map((item) =>
          defaulted(isUnset(item, items) && items.default !== undefined ? items.default : item, items),
        );
  }
  if (!isRecord(value)) {
    return value;
  }
  const output: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(value)) {
    const property = propertyOf(schema, name);
    const filled = property?.default !== undefined && isUnset(given, property) ? property.default : given;
    setOwn(
      output,
      name,
      property === undefined || !hasDefaults(property) ? filled : defaulted(filled, property),
    );
  }
  for (const [name, property] of schema.properties) {
    if (property.default !== undefined && !Object.hasOwn(output, name)) {
      setOwn(output, name, defaulted(property.default, property));
    }
  }
  return output;
}

function isUnset(value: unknown, { isNullable }: Schema): boolean {
  return value === undefined || (value === null && !isNullable);
}
