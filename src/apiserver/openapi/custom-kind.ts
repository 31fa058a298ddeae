import type { ResourceInfo } from '#api/resource-table.ts';
import { knownStruct } from '#api/schema/schema.ts';
import type { JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import { isRecord } from '#codec/own-property.ts';
import { customDefinitionName } from '../crd/schema-struct.ts';
import { OPENAPI_V2, type SchemaDocument } from './schema-document.ts';

const CONVENTIONS =
  'More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';
const TYPE = {
  apiVersion: {
    description: `APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. ${CONVENTIONS}#resources`,
    type: 'string',
  },
  kind: {
    description: `Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. ${CONVENTIONS}#types-kinds`,
    type: 'string',
  },
};
/** What objects inside an object are told by. */
const EMBEDDED_TYPE = {
  apiVersion: {
    description: `apiVersion defines the versioned schema of this representation of an object. ${CONVENTIONS}#resources`,
    type: 'string',
  },
  kind: {
    description: `kind is a string value representing the type of this object. In CamelCase. ${CONVENTIONS}#types-kinds`,
    type: 'string',
  },
};
const METADATA_TEXT = `Standard object's metadata. ${CONVENTIONS}#metadata`;
const LIST_METADATA_TEXT = `Standard list metadata. ${CONVENTIONS}#types-kinds`;

const PRESERVES = 'x-kubernetes-preserve-unknown-fields';
const EMBEDDED = 'x-kubernetes-embedded-resource';
/** Which fields selectors may name; said of the kind and of its list. */
const SELECTABLE = 'x-kubernetes-selectable-fields';

/** A JSON object like any other here. */
type Published = Readonly<Record<string, unknown>>;

/** Adds a custom kind and its list to a document. */
export function addCustomKind(document: SchemaDocument, info: ResourceInfo, schema: JSONSchemaProps): void {
  const { group, version, kind } = info;
  const name = customDefinitionName(info);
  const listMetadata = document.ref(knownStruct('meta.v1.ListMeta'));
  const published = schema as Published;
  const selectable = Object.hasOwn(published, SELECTABLE) ? { [SELECTABLE]: published[SELECTABLE] } : {};
  document.add(info, name, {
    ...kindSchema(document, published),
    ...selectable,
    'x-kubernetes-group-version-kind': [{ group, kind, version }],
  });
  const item = document.refOfKind(info);
  const listKind = info.listKind ?? `${kind}List`;
  document.add({ group, version, kind: `${kind}List` }, `${name}List`, {
    type: 'object',
    description: `${listKind} is a list of ${kind}`,
    required: ['items'],
    properties: {
      ...TYPE,
      items: { description: `List of ${info.resource}. ${CONVENTIONS}`, type: 'array', items: item },
      metadata: referring(document, listMetadata, LIST_METADATA_TEXT),
    },
    ...selectable,
    'x-kubernetes-group-version-kind': [{ group, kind: listKind, version }],
  });
}

function kindSchema(document: SchemaDocument, schema: Published): Published {
  const isV2 = document.dialect === OPENAPI_V2;
  if (isV2 && schema[PRESERVES] === true) {
    // Clients of version 2 would refuse every field that is not named.
    return { type: 'object' };
  }
  const metadata = document.ref(knownStruct('meta.v1.ObjectMeta'));
  const metadataField = { metadata: referring(document, metadata, METADATA_TEXT) };
  const embedded = { ...EMBEDDED_TYPE, ...metadataField };
  const shown = withEmbedded(isV2 ? forV2(schema) : schema, { typed: embedded, isV2 });
  return {
    ...shown,
    type: 'object',
    properties: { ...(isRecord(shown['properties']) ? shown['properties'] : {}), ...TYPE, ...metadataField },
  };
}

/** A reference with words of its own, which only version 2 puts beside it. */
function referring(document: SchemaDocument, reference: Published, description: string): Published {
  return document.dialect === OPENAPI_V2
    ? { description, ...reference }
    : { description, allOf: [reference] };
}

interface Embedding {
  /** What every object inside another has. */
  readonly typed: Published;
  readonly isV2: boolean;
}

/** Objects inside an object have a type and metadata too. */
function withEmbedded(schema: Published, embedding: Embedding): Published {
  const inner = mapBelow(schema, (below) => withEmbedded(below, embedding));
  if (inner[EMBEDDED] !== true || (embedding.isV2 && inner[PRESERVES] === true)) {
    return inner;
  }
  const required = Array.isArray(inner['required']) ? (inner['required'] as readonly unknown[]) : [];
  return {
    ...inner,
    properties: { ...(isRecord(inner['properties']) ? inner['properties'] : {}), ...embedding.typed },
    required: [...required, ...['kind', 'apiVersion'].filter((name) => !required.includes(name))],
  };
}

/** What version 2 cannot say. */
const NOT_IN_V2: ReadonlySet<string> = new Set(['oneOf', 'anyOf', 'allOf', 'not', 'nullable', SELECTABLE]);

/** A schema in the words of version 2; what its clients would misunderstand is left open. */
function forV2(schema: Published): Published {
  const isNullable = schema['nullable'] === true;
  const isOpen = isNullable || schema[PRESERVES] === true;
  const hasNoItems = schema['type'] === 'array' && (isOpen || schema['items'] === undefined);
  const isUntyped = isNullable || hasNoItems || (isOpen && schema['type'] === 'object');
  const entries = Object.entries(schema).filter(
    ([name]) =>
      !NOT_IN_V2.has(name) &&
      !(isOpen && (name === 'items' || name === 'properties')) &&
      !(isUntyped && name === 'type'),
  );
  const output = mapBelow(Object.fromEntries(entries), forV2);
  const required = requiredForV2(schema);
  const { required: _before, ...rest } = output;
  return required === undefined ? rest : { ...rest, required };
}

/** What may be null may be missing, to clients that know no null. */
function requiredForV2(schema: Published): readonly unknown[] | undefined {
  const { required, properties, additionalProperties } = schema;
  if (!Array.isArray(required) || isNullable(additionalProperties)) {
    return undefined;
  }
  const left = (required as readonly unknown[]).filter(
    (name) => !(isRecord(properties) && typeof name === 'string' && isNullable(properties[name])),
  );
  return left.length === 0 ? undefined : left;
}

function isNullable(schema: unknown): boolean {
  return isRecord(schema) && schema['nullable'] === true;
}

function mapBelow(schema: Published, change: (below: Published) => Published): Published {
  return Object.fromEntries(
    Object.entries(schema).map(([name, value]) => {
      if (name === 'properties' && isRecord(value)) {
        const properties = Object.entries(value).map(([key, below]) => [
          key,
          isRecord(below) ? change(below) : below,
        ]);
        return [name, Object.fromEntries(properties)];
      }
      const isBelow = (name === 'items' || name === 'additionalProperties') && isRecord(value);
      return [name, isBelow ? change(value) : value];
    }),
  );
}
