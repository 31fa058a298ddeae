import type { Schema as CelSchema } from '#cel/schema.ts';
import { escapeProperty } from '#cel/property-name.ts';
import type { Schema } from '../structural-schema.ts';

/** Every object that rules stand on has a type of its own; nobody is to rely on its name. */
const ROOT_TYPE = 'selfType';
let typeCount = 0;

const TEXT: CelSchema = { kind: 'string' };
const METADATA_FIELDS = { name: { schema: TEXT }, generateName: { schema: TEXT } };

/** What has been worked out for each schema; undefined for what expressions cannot see. */
const known = new WeakMap<Schema, CelSchema | undefined>();

/**
 * How expressions see a value of the schema; undefined where the schema says too little: preserved fields without a
 * type, and lists and maps of such.
 *
 * @param isResourceRoot a whole object, whose type and name are there whatever the schema says
 */
export function celSchemaOf(schema: Schema, isResourceRoot: boolean): CelSchema | undefined {
  return known.has(schema)
    ? known.get(schema)
    : remembered(schema, isResourceRoot, `${ROOT_TYPE}${++typeCount}`);
}

function remembered(schema: Schema, isResourceRoot: boolean, name: string): CelSchema | undefined {
  if (known.has(schema)) {
    return known.get(schema);
  }
  const built = build(schema, isResourceRoot, name);
  const nullable = built !== undefined && schema.isNullable ? { ...built, nullable: true } : built;
  known.set(schema, nullable);
  return nullable;
}

function build(schema: Schema, isResourceRoot: boolean, name: string): CelSchema | undefined {
  const { rules } = schema;
  const maxLength = bound(rules.maxLength);
  if (schema.isIntOrString) {
    return { kind: 'int-or-string', ...(maxLength === undefined ? {} : { maxLength }) };
  }
  switch (schema.type) {
    case 'array':
      return buildList(schema, name);
    case 'object':
      return typeof schema.additional === 'object' && !isResourceRoot
        ? buildMap(schema, schema.additional, name)
        : buildObject(schema, isResourceRoot, name);
    case 'string':
      return buildText(schema, maxLength);
    case 'boolean':
      return { kind: 'bool' };
    case 'number':
      return { kind: 'double' };
    case 'integer':
      return { kind: 'int' };
    default:
      return undefined;
  }
}

function buildText({ rules }: Schema, maxLength: number | undefined): CelSchema {
  switch (rules.format) {
    case 'byte':
      return { kind: 'bytes', ...(maxLength === undefined ? {} : { maxLength }) };
    case 'duration':
    case 'date':
    case 'date-time':
      return { kind: rules.format };
    default:
      break;
  }
  if (maxLength !== undefined) {
    return { kind: 'string', maxLength };
  }
  const lengths = (rules.enum ?? []).map((value) =>
    typeof value === 'string' ? Buffer.byteLength(value) : 0,
  );
  return lengths.length === 0 ? TEXT : { kind: 'string', sizeMax: Math.max(...lengths) };
}

function buildList({ items, rules, listType, listMapKeys }: Schema, name: string): CelSchema | undefined {
  const element =
    items === undefined ? undefined : remembered(items, items.isEmbeddedResource, `${name}.@idx`);
  if (element === undefined) {
    return undefined;
  }
  const maxItems = bound(rules.maxItems);
  return {
    kind: 'list',
    items: element,
    ...(maxItems === undefined ? {} : { maxItems }),
    ...(listType === undefined ? {} : { listKind: listType === 'map' ? { keys: listMapKeys } : listType }),
  };
}

function buildMap({ rules }: Schema, additional: Schema, name: string): CelSchema | undefined {
  const values = remembered(additional, additional.isEmbeddedResource, `${name}.@elem`);
  const maxProperties = bound(rules.maxProperties);
  return values === undefined
    ? undefined
    : { kind: 'map', values, ...(maxProperties === undefined ? {} : { maxProperties }) };
}

function buildObject({ properties, rules }: Schema, isResourceRoot: boolean, name: string): CelSchema {
  const fields: Record<string, { property: string; isRequired: boolean; schema: CelSchema }> = {};
  const required = new Set(rules.required);
  for (const [property, child] of properties) {
    const schema = remembered(child, child.isEmbeddedResource, `${name}.${property}`);
    if (schema !== undefined) {
      // A name that cannot be spelt still counts towards the size of the object.
      fields[escapeProperty(property) ?? property] = {
        property,
        isRequired: required.has(property) && child.default === undefined,
        schema,
      };
    }
  }
  if (!isResourceRoot || saysTypeAndNames(properties)) {
    return { kind: 'object', name, fields };
  }
  const metadata: CelSchema = { kind: 'object', name: `${name}.metadata`, fields: METADATA_FIELDS };
  const always = { apiVersion: { schema: TEXT }, kind: { schema: TEXT }, metadata: { schema: metadata } };
  return { kind: 'object', name, fields: { ...fields, ...always } };
}

/** A schema that itself says what every object has is taken at its word, and may say more. */
function saysTypeAndNames(properties: ReadonlyMap<string, Schema>): boolean {
  const metadata = properties.get('metadata');
  const texts = [
    properties.get('kind'),
    properties.get('apiVersion'),
    metadata?.properties.get('name'),
    metadata?.properties.get('generateName'),
  ];
  return metadata?.type === 'object' && texts.every((schema) => schema?.type === 'string');
}

function bound(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.max(0, value);
}
