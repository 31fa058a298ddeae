import type { CustomResourceDefinition, JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import { isSchemaProps } from './structural-schema.ts';

/** What a definition asks for and does not get yet; its author is told. */
export function definitionWarnings({ spec }: CustomResourceDefinition): readonly string[] {
  const rules = spec.versions.flatMap(({ schema }, index) => {
    const props = schema?.openAPIV3Schema;
    return props === undefined ? [] : ruledPaths(props, `spec.versions[${index}].schema.openAPIV3Schema`);
  });
  const [first] = rules;
  return [
    ...(first === undefined
      ? []
      : [
          `${first}.x-kubernetes-validations: rules in CEL are not evaluated by Coracle yet${rules.length > 1 ? ` (in ${rules.length} places)` : ''}`,
        ]),
    ...(spec.conversion?.strategy === 'Webhook'
      ? [
          'spec.conversion: conversion webhooks are not called by Coracle yet; only the storage version is served',
        ]
      : []),
  ];
}

/** Where rules stand, outermost first. */
function ruledPaths(schema: JSONSchemaProps, path: string): readonly string[] {
  const { items, additionalProperties, properties = {} } = schema;
  return [
    ...((schema['x-kubernetes-validations'] ?? []).length > 0 ? [path] : []),
    ...Object.entries(properties).flatMap(([name, property]) =>
      ruledPaths(property, `${path}.properties[${name}]`),
    ),
    ...(isSchemaProps(items) ? ruledPaths(items, `${path}.items`) : []),
    ...(isSchemaProps(additionalProperties)
      ? ruledPaths(additionalProperties, `${path}.additionalProperties`)
      : []),
  ];
}
