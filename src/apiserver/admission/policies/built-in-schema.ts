import { knownStruct, type Scalar, type StructType, type ValueType } from '#api/schema/schema.ts';
import { escapeProperty } from '#cel/property-name.ts';
import type { Schema } from '#cel/schema.ts';

const TEXT: Schema = { kind: 'string' };
const ANY: Schema = { kind: 'dyn' };

const SCALARS: Readonly<Record<Scalar, Schema>> = {
  string: TEXT,
  bool: { kind: 'bool' },
  int32: { kind: 'int' },
  int64: { kind: 'int' },
  float64: { kind: 'double' },
  bytes: { kind: 'bytes' },
  time: { kind: 'date-time' },
  microTime: { kind: 'date-time' },
  duration: TEXT,
  // A number or a text: nothing can be said of it before it is there.
  quantity: ANY,
  intOrString: { kind: 'int-or-string' },
  rawExtension: ANY,
  fieldsV1: ANY,
  json: ANY,
};

/**
 * How expressions see the objects of a built-in type, for checking them ahead of time.
 *
 * @param name of the type in messages; those below are named by their paths
 */
export function builtInSchema(struct: StructType, name: string): Schema {
  return structSchema(struct, name, new Set());
}

/** `metadata` of any object. */
export function metadataSchema(name: string): Schema {
  return structSchema(knownStruct('meta.v1.ObjectMeta'), name, new Set());
}

function structSchema(struct: StructType, name: string, around: ReadonlySet<StructType>): Schema {
  const inside = new Set([...around, struct]);
  const fields: Record<string, { property: string; isRequired: boolean; schema: Schema }> = {};
  for (const field of around.has(struct) ? [] : struct.fields) {
    const key = escapeProperty(field.name) ?? field.name;
    const schema = valueSchema(field.type, `${name}.${field.name}`, inside);
    fields[key] = { property: field.name, isRequired: field.isRequired, schema };
  }
  const type = { apiVersion: { schema: TEXT }, kind: { schema: TEXT } };
  return { kind: 'object', name, fields: struct.isKind ? { ...fields, ...type } : fields };
}

function valueSchema(type: ValueType, name: string, around: ReadonlySet<StructType>): Schema {
  switch (type.kind) {
    case 'scalar':
      return SCALARS[type.scalar];
    case 'list':
      return { kind: 'list', items: valueSchema(type.item, `${name}.@idx`, around) };
    case 'map':
      return { kind: 'map', values: valueSchema(type.value, `${name}.@elem`, around) };
    case 'struct':
      return structSchema(type.struct, name, around);
  }
}
