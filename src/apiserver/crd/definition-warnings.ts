import type { CustomResourceDefinition, JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { isKnownFormat } from './formats.ts';
import { isSchemaProps } from './structural-schema.ts';

/** What an author should know of a definition that was accepted: formats that nothing checks. */
export function definitionWarnings(
  next: CustomResourceDefinition,
  previous?: CustomResourceDefinition,
): readonly string[] {
  const known = new Set(previous === undefined ? [] : unknownFormats(previous));
  return unknownFormats(next)
    .filter((format) => !known.has(format))
    .map((format) => `unrecognized format ${JSON.stringify(format)}`);
}

function unknownFormats({ spec: { versions } }: CustomResourceDefinition): readonly string[] {
  const schemas = versions.map(({ schema }) => schema?.openAPIV3Schema);
  const [first] = schemas;
  // A schema that all versions share stands there once.
  const isShared = schemas.every((schema) => jsonEqual(schema, first));
  return (isShared ? schemas.slice(0, 1) : schemas).flatMap((schema) =>
    schema === undefined ? [] : formatsOf(schema),
  );
}

function formatsOf(schema: JSONSchemaProps): readonly string[] {
  const { format = '', type = '', properties = {}, items, additionalProperties, not } = schema;
  const below: readonly unknown[] = [
    items,
    ...(schema.allOf ?? []),
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    not,
    ...Object.values(properties),
    additionalProperties,
  ];
  return [
    ...(format === '' || isKnownFormat(format, type) ? [] : [format]),
    ...below.flatMap((child) => (isSchemaProps(child) ? formatsOf(child) : [])),
  ];
}
