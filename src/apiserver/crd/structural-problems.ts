import { isDeepStrictEqual } from 'node:util';
import { fieldErrorText, type FieldError } from '#api/status-error.ts';
import type { JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import { compilePattern } from './pattern.ts';
import { isSchemaProps } from './structural-schema.ts';

type Level = 'root' | 'item' | 'field';

/**
 * What keeps a schema from being structural: every field has a type, and `allOf`, `anyOf`, `oneOf` and `not`
 * only restrict values of fields that stand outside of them. In the order of the texts, as upstream sorts them.
 */
export function structuralProblems(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  const found: FieldError[] = [];
  checkSchema(schema, 'root', { path, found });
  checkComplete(schema, { path, found });
  return found
    .map((error) => ({ error, text: fieldErrorText(error) }))
    .toSorted((left, right) => (left.text < right.text ? -1 : left.text > right.text ? 1 : 0))
    .map(({ error }) => error);
}

interface Check {
  readonly path: string;
  readonly found: FieldError[];
}

function at({ path, found }: Check, below: string): Check {
  return { path: `${path}.${below}`, found };
}

function required({ path, found }: Check, detail: string): void {
  found.push({ path, reason: 'FieldValueRequired', detail });
}

function forbidden({ path, found }: Check, detail: string): void {
  found.push({ path, reason: 'FieldValueForbidden', detail });
}

function invalid({ path, found }: Check, badValue: unknown, detail: string): void {
  found.push({ path, reason: 'FieldValueInvalid', badValue, detail });
}

/** Empty values say nothing, as if they were absent. */
function isSet(value: unknown): boolean {
  return (
    value !== undefined && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0)
  );
}

function missingOrWrong(check: Check, value: string | undefined, detail: string): void {
  if (value === undefined || value === '') {
    required(check, detail);
  } else {
    invalid(check, value, detail);
  }
}

const TYPE_REQUIRED: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

function checkSchema(schema: JSONSchemaProps, level: Level, check: Check): void {
  const { items, additionalProperties: additional, properties = {} } = schema;
  const isRoot = level === 'root';
  if (schema.type === 'array' && items === undefined) {
    required(at(check, 'items'), 'must be specified');
  }
  if (isSchemaProps(items)) {
    checkSchema(items, 'item', at(check, 'items'));
  }
  for (const [name, property] of Object.entries(properties)) {
    checkSchema(property, 'field', at(check, `properties[${name}]`));
  }
  if (additional !== undefined) {
    if (isRoot) {
      forbidden(at(check, 'additionalProperties'), 'must not be used at the root');
    }
    if (isSchemaProps(additional)) {
      checkSchema(additional, 'field', at(check, 'additionalProperties'));
    }
  }
  checkExtensions(schema, check);
  checkValueRules(schema, check);
  checkType(schema, level, check);
  checkMetadata(schema, isRoot, check);
}

function checkType(schema: JSONSchemaProps, level: Level, check: Check): void {
  const { type = '' } = schema;
  const below = at(check, 'type');
  const isOpen =
    schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema['x-kubernetes-embedded-resource'] === true && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    missingOrWrong(below, type, detail);
  } else if (type === '' && !isOpen) {
    required(below, TYPE_REQUIRED[level]);
  }
  if (level === 'root' && type !== '' && type !== 'object') {
    invalid(below, type, 'must be object at the root');
  }
}

function checkExtensions(schema: JSONSchemaProps, check: Check): void {
  const isIntOrString = schema['x-kubernetes-int-or-string'] === true;
  for (const name of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const) {
    if (isIntOrString && schema[name] === true) {
      invalid(at(check, name), true, 'must be false if x-kubernetes-int-or-string is true');
    }
  }
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true;
  const hasProperties = Object.keys(schema.properties ?? {}).length > 0;
  if (isEmbedded && schema['x-kubernetes-preserve-unknown-fields'] !== true && !hasProperties) {
    required(
      at(check, 'properties'),
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
    );
  }
  if (isEmbedded && schema.additionalProperties !== undefined) {
    forbidden(at(check, 'additionalProperties'), 'must not be used if x-kubernetes-embedded-resource is set');
  }
}

/** The server knows the type and metadata of objects; of these a schema may restrict the names at most. */
function checkMetadata(schema: JSONSchemaProps, isRoot: boolean, check: Check): void {
  const { kind, apiVersion, metadata } = schema.properties ?? {};
  const isResource = isRoot || schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, property] of Object.entries({ kind, apiVersion })) {
    if (isResource && property !== undefined && property.type !== 'string') {
      invalid(at(check, `properties[${name}].type`), property.type ?? '', 'must be string');
    }
  }
  if (metadata === undefined) {
    return;
  }
  const below = at(check, 'properties[metadata]');
  if (isResource && metadata.type !== 'object') {
    invalid(at(below, 'type'), metadata.type ?? '', 'must be object');
  }
  if (isRoot && !isNamesOnly(metadata)) {
    forbidden(
      below,
      'must not specify anything other than name and generateName, but metadata is implicitly specified',
    );
  }
}

function isNamesOnly(metadata: JSONSchemaProps): boolean {
  const { type: _type, default: _default, properties = {}, ...rest } = metadata;
  const isEmpty = Object.values(rest).every(
    (value) =>
      value === undefined || value === '' || value === false || (Array.isArray(value) && value.length === 0),
  );
  return isEmpty && Object.keys(properties).every((name) => name === 'name' || name === 'generateName');
}

const INT_OR_STRING = [{ type: 'integer' }, { type: 'string' }];

function checkValueRules(schema: JSONSchemaProps, check: Check): void {
  checkPattern(schema, check);
  const first = schema.allOf?.[0];
  // Either form says that a value is a number or a text; types may stand there.
  eachNested(schema, check, (nested, below, kind, index) => {
    const isTypeChoice = kind === 'anyOf' && isDeepStrictEqual(schema.anyOf, INT_OR_STRING);
    const isFirstChoice = kind === 'allOf' && index === 0 && isDeepStrictEqual(first?.anyOf, INT_OR_STRING);
    if (!isTypeChoice) {
      checkNested(nested, below, isFirstChoice);
    }
  });
}

function checkPattern({ pattern }: JSONSchemaProps, check: Check): void {
  if (pattern === undefined || pattern === '') {
    return;
  }
  try {
    compilePattern(pattern);
  } catch (error) {
    const why = error instanceof Error ? error.message : '';
    invalid(at(check, 'pattern'), pattern, `must be a valid regular expression, but isn't: ${why}`);
  }
}

type NestedKind = 'allOf' | 'anyOf' | 'oneOf' | 'not';

function eachNested(
  schema: JSONSchemaProps,
  check: Check,
  visit: (nested: JSONSchemaProps, below: Check, kind: NestedKind, index: number) => void,
): void {
  for (const kind of ['allOf', 'anyOf', 'oneOf'] as const) {
    (schema[kind] ?? []).forEach((nested, index) =>
      visit(nested, at(check, `${kind}[${index}]`), kind, index),
    );
  }
  if (schema.not !== undefined) {
    visit(schema.not, at(check, 'not'), 'not', 0);
  }
}

/** What says what a value is; below a logical rule only what restricts it may stand. */
const STRUCTURE = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
] as const;

function checkNested(schema: JSONSchemaProps, check: Check, isTypeChoice = false): void {
  checkPattern(schema, check);
  for (const [name, detail] of STRUCTURE) {
    if (isSet(schema[name])) {
      forbidden(at(check, name), detail);
    }
  }
  if (schema.properties?.['metadata'] !== undefined) {
    forbidden(at(check, 'properties[metadata]'), 'must not be specified in a nested context');
  }
  if (isSchemaProps(schema.items)) {
    checkNested(schema.items, at(check, 'items'));
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    checkNested(property, at(check, `properties[${name}]`));
  }
  eachNested(schema, check, (nested, below, kind) => {
    if (!(isTypeChoice && kind === 'anyOf')) {
      checkNested(nested, below);
    }
  });
}

/** Every field that a logical rule of the whole object speaks of is also specified outside of it. */
function checkComplete(schema: JSONSchemaProps, check: Check): void {
  eachNested(schema, check, (nested, below) => checkSpecified(nested, schema, { rule: below, place: check }));
}

function checkSpecified(
  rule: JSONSchemaProps,
  schema: JSONSchemaProps,
  where: { readonly rule: Check; readonly place: Check },
): void {
  const step = (below: string, next: JSONSchemaProps, known: unknown): void => {
    const place = at(where.place, below);
    const ruleAt = at(where.rule, below);
    if (isSchemaProps(known)) {
      checkSpecified(next, known, { rule: ruleAt, place });
    } else {
      required(place, `because it is defined in ${ruleAt.path}`);
    }
  };
  if (isSchemaProps(rule.items)) {
    step('items', rule.items, schema.items);
  }
  for (const [name, property] of Object.entries(rule.properties ?? {})) {
    step(`properties[${name}]`, property, schema.properties?.[name]);
  }
  eachNested(rule, where.rule, (nested, below) =>
    checkSpecified(nested, schema, { rule: below, place: where.place }),
  );
}
