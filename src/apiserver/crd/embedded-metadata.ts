import { knownStruct } from '#api/schema/schema.ts';
import { isRecord, type JsonRecord, setOwn } from '#codec/own-property.ts';
import { decodeObject } from '#codec/typed-decode.ts';
import { hasEmbedded } from './embedded-problems.ts';
import { propertyOf } from './prune.ts';
import type { Schema } from './structural-schema.ts';

const PARTIAL = knownStruct('meta.v1.PartialObjectMetadata');
const UNKNOWN_FIELD = 'unknown field ';

/**
 * The value with the metadata of the objects inside it read by the table of all metadata, whatever their schema says.
 *
 * @param unknown collects the paths of what was dropped; undefined when nobody asks
 * @throws {StatusError} BadRequest for metadata that is none
 */
export function withReadMetadata(value: unknown, schema: Schema, unknown?: string[]): unknown {
  return hasEmbedded(schema) ? read(value, schema, { path: '', unknown }) : value;
}

interface Place {
  readonly path: string;
  readonly unknown: string[] | undefined;
}

function read(value: unknown, schema: Schema, place: Place): unknown {
  const { path, unknown } = place;
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined || !hasEmbedded(items)
      ? value
      : value.map((item, index) => read(item, items, { path: `${path}[${index}]`, unknown }));
  }
  if (!isRecord(value)) {
    return value;
  }
  const output: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(value)) {
    const below = { path: path === '' ? name : `${path}.${name}`, unknown };
    const property = propertyOf(schema, name);
    if (schema.isEmbeddedResource && name === 'metadata' && isRecord(given)) {
      setOwn(output, name, readMetadata(given, below));
    } else {
      setOwn(
        output,
        name,
        property !== undefined && hasEmbedded(property) ? read(given, property, below) : given,
      );
    }
  }
  return output;
}

function readMetadata(metadata: JsonRecord, { path, unknown }: Place): unknown {
  const { object, warnings } = decodeObject({ apiVersion: 'v1', kind: 'Embedded', metadata }, PARTIAL, {
    fieldValidation: 'Warn',
  });
  for (const warning of unknown === undefined ? [] : warnings) {
    if (warning.startsWith(UNKNOWN_FIELD)) {
      const field: unknown = JSON.parse(warning.slice(UNKNOWN_FIELD.length));
      unknown?.push(path.replace(/metadata$/, '') + String(field));
    }
  }
  return object.metadata;
}
