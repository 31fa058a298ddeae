import type { JSONSchemaProps, ValidationRule } from '#api/types/apiextensions.v1.ts';
import { compilePattern, type Pattern } from './pattern.ts';

/** What a value must satisfy beside its structure; `allOf`, `anyOf`, `oneOf` and `not` hold nothing else. */
export interface ValueRules {
  readonly enum: readonly unknown[] | undefined;
  readonly format: string | undefined;
  readonly pattern: Pattern | undefined;
  readonly minLength: number | undefined;
  readonly maxLength: number | undefined;
  readonly minimum: number | undefined;
  readonly isMinimumExclusive: boolean;
  readonly maximum: number | undefined;
  readonly isMaximumExclusive: boolean;
  readonly multipleOf: number | undefined;
  readonly minItems: number | undefined;
  readonly maxItems: number | undefined;
  readonly minProperties: number | undefined;
  readonly maxProperties: number | undefined;
  readonly required: readonly string[];
  readonly allOf: readonly Schema[];
  readonly anyOf: readonly Schema[];
  readonly oneOf: readonly Schema[];
  readonly not: Schema | undefined;
}

/**
 * A version's schema, compiled once from its CustomResourceDefinition. Pruning, defaulting, validation,
 * field ownership and OpenAPI all walk this one tree.
 */
export interface Schema {
  /** `object`, `array`, `string`, `integer`, `number`, `boolean`, or empty for any. */
  readonly type: string;
  readonly isNullable: boolean;
  readonly isIntOrString: boolean;
  readonly keepsUnknown: boolean;
  readonly isEmbeddedResource: boolean;
  readonly listType: 'atomic' | 'set' | 'map' | undefined;
  readonly listMapKeys: readonly string[];
  readonly mapType: 'atomic' | 'granular' | undefined;
  readonly default: unknown;
  readonly properties: ReadonlyMap<string, Schema>;
  readonly items: Schema | undefined;
  /** `true` for maps of anything. */
  readonly additional: Schema | boolean | undefined;
  readonly rules: ValueRules;
  /** `x-kubernetes-validations`. */
  readonly validations: readonly ValidationRule[];
}

/** What a version without a schema has: anything goes. */
export const ANY_OBJECT: Schema = compileSchema({
  type: 'object',
  'x-kubernetes-preserve-unknown-fields': true,
});

/** Compiles a schema that validation has found structural. */
export function compileSchema(props: JSONSchemaProps): Schema {
  const listType = props['x-kubernetes-list-type'];
  const mapType = props['x-kubernetes-map-type'];
  const { additionalProperties: additional, items } = props;
  return {
    type: props.type ?? '',
    isNullable: props.nullable === true,
    isIntOrString: props['x-kubernetes-int-or-string'] === true,
    keepsUnknown: props['x-kubernetes-preserve-unknown-fields'] === true,
    isEmbeddedResource: props['x-kubernetes-embedded-resource'] === true,
    listType: listType === 'set' || listType === 'map' || listType === 'atomic' ? listType : undefined,
    listMapKeys: props['x-kubernetes-list-map-keys'] ?? [],
    mapType: mapType === 'atomic' || mapType === 'granular' ? mapType : undefined,
    default: props.default,
    properties: new Map(
      Object.entries(props.properties ?? {}).map(([name, property]) => [name, compileSchema(property)]),
    ),
    items: isSchemaProps(items) ? compileSchema(items) : undefined,
    additional:
      typeof additional === 'boolean'
        ? additional
        : isSchemaProps(additional)
          ? compileSchema(additional)
          : undefined,
    rules: compileRules(props),
    validations: props['x-kubernetes-validations'] ?? [],
  };
}

function compileRules(props: JSONSchemaProps): ValueRules {
  return {
    enum: props.enum,
    format: props.format === '' ? undefined : props.format,
    pattern: props.pattern === undefined || props.pattern === '' ? undefined : compilePattern(props.pattern),
    minLength: props.minLength,
    maxLength: props.maxLength,
    minimum: props.minimum,
    isMinimumExclusive: props.exclusiveMinimum === true,
    maximum: props.maximum,
    isMaximumExclusive: props.exclusiveMaximum === true,
    multipleOf: props.multipleOf,
    minItems: props.minItems,
    maxItems: props.maxItems,
    minProperties: props.minProperties,
    maxProperties: props.maxProperties,
    required: props.required ?? [],
    allOf: (props.allOf ?? []).map(compileSchema),
    anyOf: (props.anyOf ?? []).map(compileSchema),
    oneOf: (props.oneOf ?? []).map(compileSchema),
    not: props.not === undefined ? undefined : compileSchema(props.not),
  };
}

const ruled = new WeakMap<Schema, boolean>();

/** Whether rules in expressions stand anywhere in the schema. */
export function hasRules(schema: Schema): boolean {
  let known = ruled.get(schema);
  if (known === undefined) {
    const { validations, items, additional, properties } = schema;
    known =
      validations.length > 0 ||
      (items !== undefined && hasRules(items)) ||
      (typeof additional === 'object' && hasRules(additional)) ||
      [...properties.values()].some(hasRules);
    ruled.set(schema, known);
  }
  return known;
}

/** `items` and `additionalProperties` stand in the API as free JSON; here is what they must be. */
export function isSchemaProps(value: unknown): value is JSONSchemaProps {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
