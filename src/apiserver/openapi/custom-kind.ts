import type { ResourceInfo } from '#api/resource-table.ts';
import { knownStruct } from '#api/schema/schema.ts';
import type { JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import { isRecord } from '#codec/own-property.ts';
import { customDefinitionName } from '../crd/schema-struct.ts';
import { OPENAPI_V2, type SchemaDocument } from './schema-document.ts';

const API_VERSION = { type: 'string' };
const KIND = { type: 'string' };

/** Adds a custom kind and its list to a document. */
export function addCustomKind(document: SchemaDocument, info: ResourceInfo, schema: JSONSchemaProps): void {
  const { group, version, kind } = info;
  const isV2 = document.dialect === OPENAPI_V2;
  const name = customDefinitionName(info);
  const metadata = document.ref(knownStruct('meta.v1.ObjectMeta'));
  const listMetadata = document.ref(knownStruct('meta.v1.ListMeta'));
  // A schema is a JSON object like any other here.
  const published = schema as Published;
  const shown = isV2 ? forV2(published) : published;
  const properties = isRecord(shown['properties']) ? shown['properties'] : {};
  const typed = { apiVersion: API_VERSION, kind: KIND };
  document.add(info, name, {
    ...shown,
    type: 'object',
    ...(keepsAnything(shown) && isV2
      ? {}
      : { properties: { ...properties, ...typed, metadata: isV2 ? metadata : { allOf: [metadata] } } }),
    'x-kubernetes-group-version-kind': [{ group, kind, version }],
  });
  const item = document.refOfKind(info);
  document.add({ group, version, kind: `${kind}List` }, `${name}List`, {
    type: 'object',
    description: `${kind}List is a list of ${kind}`,
    required: ['items'],
    properties: { ...typed, items: { type: 'array', items: item }, metadata: listMetadata },
    'x-kubernetes-group-version-kind': [{ group, kind: info.listKind ?? `${kind}List`, version }],
  });
}

type Published = Readonly<Record<string, unknown>>;

function keepsAnything(schema: Published): boolean {
  return schema['x-kubernetes-preserve-unknown-fields'] === true;
}

/** What version 2 cannot say, or its clients would take for more than it is. */
const NOT_IN_V2: ReadonlySet<string> = new Set([
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'nullable',
  'default',
  'x-kubernetes-validations',
]);

/** A schema in the words of version 2; what may be anything stays open. */
function forV2(schema: Published): Published {
  const isOpen =
    schema['nullable'] === true || schema['x-kubernetes-int-or-string'] === true || keepsAnything(schema);
  const output: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(schema)) {
    if (NOT_IN_V2.has(name) || (isOpen && CLOSED_ONLY.has(name))) {
      continue;
    }
    output[name] =
      name === 'properties' && isRecord(value)
        ? mapValues(value)
        : isNested(name, value)
          ? forV2(value)
          : value;
  }
  return output;
}

/** Left out where a value may have more than one form. */
const CLOSED_ONLY: ReadonlySet<string> = new Set([
  'type',
  'format',
  'items',
  'properties',
  'required',
  'enum',
]);

function isNested(name: string, value: unknown): value is Published {
  return (name === 'items' || name === 'additionalProperties') && isRecord(value);
}

function mapValues(properties: Published): Published {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, isRecord(value) ? forV2(value) : value]),
  );
}
