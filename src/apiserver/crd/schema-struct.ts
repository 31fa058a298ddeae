import { type Field, type StructType, type ValueType, knownStruct } from '#api/schema/schema.ts';
import { defined } from '#base/assert.ts';
import type { GroupVersionKind } from '#api/resource-type.ts';
import type { Schema } from './structural-schema.ts';

const JSON_VALUE: ValueType = { kind: 'scalar', scalar: 'json' };

/** The name OpenAPI knows a custom kind by: its group turned round, then version and kind. */
export function customDefinitionName({ group, version, kind }: GroupVersionKind): string {
  return [...group.split('.').toReversed(), version, kind].join('.');
}

/**
 * The same kind of table that built-in kinds have, made of a schema. It says whose a field is in server-side
 * apply, where lists have keys. Types of scalars stay open here: validation names what is wrong with them.
 */
export function structOfSchema(kind: GroupVersionKind, schema: Schema): StructType {
  const metadata = defined(
    knownStruct('meta.v1.PartialObjectMetadata').byName.get('metadata'),
    'metadata of every object',
  );
  const table = buildStruct(schema, customDefinitionName(kind));
  const fields = [metadata, ...table.fields.filter(({ name }) => !ROOT_FIELDS.has(name))];
  return {
    ...table,
    name: `${kind.group.split('.')[0] ?? ''}.${kind.version}.${kind.kind}`,
    isKind: true,
    fields,
    byName: new Map(fields.map((field) => [field.name, field])),
  };
}

const ROOT_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

function buildStruct(schema: Schema, definition: string): StructType {
  const fields = [...schema.properties].map(([name, property]) => buildField(name, property, definition));
  return {
    name: definition,
    definition,
    isKind: false,
    isAtomic: schema.mapType === 'atomic',
    keepsUnknown: schema.keepsUnknown || schema.isEmbeddedResource,
    fields,
    byName: new Map(fields.map((field) => [field.name, field])),
  };
}

function buildField(name: string, schema: Schema, parent: string): Field {
  return {
    name,
    type: buildType(schema, `${parent}.${name}`),
    isRequired: false,
    // Whatever is given is kept, whatever is absent stays so.
    isPointer: true,
    isKeptEmpty: true,
    default: schema.default,
    patchStrategies: [],
    patchMergeKey: undefined,
    listType: schema.listType,
    listMapKeys: schema.listMapKeys,
    mapType: schema.mapType,
    pbNumber: 0,
    pbPath: [],
  };
}

function buildType(schema: Schema, path: string): ValueType {
  if (schema.type === 'array') {
    return schema.items === undefined ? JSON_VALUE : { kind: 'list', item: buildType(schema.items, path) };
  }
  if (schema.type !== 'object') {
    return JSON_VALUE;
  }
  if (schema.properties.size === 0 && typeof schema.additional === 'object') {
    return { kind: 'map', value: buildType(schema.additional, path) };
  }
  return { kind: 'struct', struct: buildStruct(schema, path) };
}
