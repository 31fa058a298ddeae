import { isDeepStrictEqual } from 'node:util';
import type { FieldError } from '#api/status-error.ts';
import type { JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import { compilePattern } from './pattern.ts';
import { compileSchema, isSchemaProps } from './structural-schema.ts';
import { valueProblems } from './value-problems.ts';

type Level = 'root' | 'item' | 'field';

/**
 * What keeps a schema from being structural: every field has a type, and `allOf`, `anyOf`, `oneOf` and `not`
 * only restrict values of fields that stand outside of them. In the order of the texts, as upstream sorts them.
 */
export function structuralProblems(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  const found: FieldError[] = [];
  checkSchema(schema, 'root', { path, found });
  checkComplete(schema, { path, found });
  if (found.length === 0) {
    checkDefaults(schema, { path, found });
  }
  return found.toSorted((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0));
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
  checkUnsupported(schema, check);
  checkType(schema, level, check);
  checkExtensions(schema, check);
  checkValueRules(schema, check);
  const { items, additionalProperties: additional } = schema;
  if (schema.type === 'array' && items === undefined) {
    required(at(check, 'items'), 'must be specified');
  }
  if (isSchemaProps(items)) {
    checkSchema(items, 'item', at(check, 'items'));
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const isMetadata = level === 'root' && name === 'metadata';
    const below = at(check, `properties[${name}]`);
    if (isMetadata) {
      checkMetadata(property, below);
    } else {
      checkSchema(property, 'field', below);
    }
  }
  if (additional !== undefined) {
    if (level === 'root') {
      forbidden(at(check, 'additionalProperties'), 'must not be used at the root');
    }
    if (Object.keys(schema.properties ?? {}).length > 0 && additional !== true) {
      forbidden(
        at(check, 'additionalProperties'),
        'additionalProperties and properties are mutual exclusive',
      );
    }
    if (isSchemaProps(additional)) {
      checkSchema(additional, 'field', at(check, 'additionalProperties'));
    }
  }
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
  if (type === 'null') {
    forbidden(below, 'type cannot be set to null, use nullable as an alternative');
  } else if (type !== '' && !TYPES.has(type)) {
    check.found.push({
      path: below.path,
      reason: 'FieldValueNotSupported',
      badValue: type,
      detail: `supported values: ${[...TYPES].map((name) => JSON.stringify(name)).join(', ')}`,
    });
  } else if (level === 'root' && type !== '' && type !== 'object') {
    invalid(below, type, 'must be object at the root');
  }
}

const TYPES: ReadonlySet<string> = new Set(['array', 'boolean', 'integer', 'number', 'object', 'string']);

/** Parts of JSON Schema that nothing of a custom resource may use. */
function checkUnsupported(schema: JSONSchemaProps, check: Check): void {
  for (const name of [
    'id',
    'additionalItems',
    'patternProperties',
    'definitions',
    'dependencies',
    '$ref',
  ] as const) {
    if (schema[name] !== undefined) {
      forbidden(at(check, name), `${name} is not supported`);
    }
  }
  if (Array.isArray(schema.items)) {
    forbidden(at(check, 'items'), 'items must be a schema object and not an array');
  }
  if (schema.uniqueItems === true) {
    forbidden(
      at(check, 'uniqueItems'),
      'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    );
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
  checkListType(schema, check);
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined) {
    if (schema.type !== 'object') {
      invalid(at(check, 'type'), schema.type ?? '', 'must be object if x-kubernetes-map-type is specified');
    }
    checkChoice(at(check, 'x-kubernetes-map-type'), mapType, ['atomic', 'granular']);
  }
}

function checkChoice(check: Check, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) {
    check.found.push({
      path: check.path,
      reason: 'FieldValueNotSupported',
      badValue: value,
      detail: `supported values: ${choices.map((choice) => JSON.stringify(choice)).join(', ')}`,
    });
  }
}

function checkListType(schema: JSONSchemaProps, check: Check): void {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const keysCheck = at(check, 'x-kubernetes-list-map-keys');
  if (listType !== 'map' && keys.length > 0) {
    const typeCheck = at(check, 'x-kubernetes-list-type');
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty';
    missingOrWrong(typeCheck, listType, detail);
  }
  if (listType === undefined) {
    return;
  }
  checkChoice(at(check, 'x-kubernetes-list-type'), listType, ['atomic', 'map', 'set']);
  if (schema.type !== 'array') {
    const detail = `must be array if x-kubernetes-list-type is ${listType}`;
    const typeCheck = at(check, 'type');
    missingOrWrong(typeCheck, schema.type, detail);
  }
  const items = isSchemaProps(schema.items) ? schema.items : undefined;
  if (listType === 'map') {
    if (keys.length === 0) {
      required(keysCheck, 'must not be empty if x-kubernetes-list-type is map');
    }
    checkMapItems(items, keys, check);
  }
  if (listType === 'set' && items !== undefined) {
    const isGranular =
      (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') ||
      (items.type === 'array' && items['x-kubernetes-list-type'] !== 'atomic');
    if (isGranular) {
      const extension = items.type === 'array' ? 'x-kubernetes-list-type' : 'x-kubernetes-map-type';
      const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set';
      const below = at(check, `items.${extension}`);
      missingOrWrong(below, items[extension], detail);
    }
  }
}

function checkMapItems(items: JSONSchemaProps | undefined, keys: readonly string[], check: Check): void {
  if (items === undefined) {
    required(at(check, 'items'), 'must have a schema if x-kubernetes-list-type is map');
    return;
  }
  if (items.type !== 'object') {
    invalid(
      at(check, 'items.type'),
      items.type ?? '',
      "must be object if parent array's x-kubernetes-list-type is map",
    );
  }
  const keysCheck = at(check, 'x-kubernetes-list-map-keys');
  if (new Set(keys).size < keys.length) {
    invalid(keysCheck, keys, 'must not contain duplicate entries');
  }
  for (const key of keys) {
    const property = items.properties?.[key];
    if (property === undefined) {
      invalid(keysCheck, keys, 'entries must all be names of item properties');
    } else if (property.type === 'array' || property.type === 'object') {
      invalid(
        at(check, `items.properties[${key}].type`),
        property.type,
        "must be a scalar type if parent array's x-kubernetes-list-type is map",
      );
    } else if (property.default === undefined && items.required?.includes(key) !== true) {
      required(
        at(check, `items.properties[${key}].default`),
        'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
      );
    }
  }
}

const METADATA_ALLOWED: ReadonlySet<string> = new Set(['name', 'generateName']);

function checkMetadata(schema: JSONSchemaProps, check: Check): void {
  if (schema.type !== 'object') {
    invalid(at(check, 'type'), schema.type ?? '', 'must be object');
  }
  const { type: _type, properties = {}, description: _description, ...rest } = schema;
  if (Object.keys(rest).length > 0 || Object.keys(properties).some((name) => !METADATA_ALLOWED.has(name))) {
    forbidden(
      check,
      'must not specify anything other than name and generateName, but metadata is implicitly specified',
    );
  }
}

const INT_OR_STRING = [{ type: 'integer' }, { type: 'string' }];

function checkValueRules(schema: JSONSchemaProps, check: Check): void {
  checkPattern(schema, check);
  const isIntOrString = schema['x-kubernetes-int-or-string'] === true;
  const first = schema.allOf?.[0];
  eachNested(schema, check, (nested, below, kind, index) => {
    const isTypeChoice = isIntOrString && kind === 'anyOf' && isDeepStrictEqual(schema.anyOf, INT_OR_STRING);
    const isFirstChoice =
      isIntOrString && kind === 'allOf' && index === 0 && isDeepStrictEqual(first?.anyOf, INT_OR_STRING);
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
    if (schema[name] !== undefined && schema[name] !== false) {
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

/** Every field that a logical rule speaks of is also specified outside of it. */
function checkComplete(schema: JSONSchemaProps, check: Check): void {
  eachNested(schema, check, (nested, below) => checkSpecified(nested, schema, { rule: below, place: check }));
  if (isSchemaProps(schema.items)) {
    checkComplete(schema.items, at(check, 'items'));
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    checkComplete(property, at(check, `properties[${name}]`));
  }
  if (isSchemaProps(schema.additionalProperties)) {
    checkComplete(schema.additionalProperties, at(check, 'additionalProperties'));
  }
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
    } else if (schema['x-kubernetes-preserve-unknown-fields'] !== true) {
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

function checkDefaults(schema: JSONSchemaProps, check: Check): void {
  if (schema.default !== undefined) {
    check.found.push(
      ...valueProblems(schema.default, compileSchema(schema), { path: `${check.path}.default` }),
    );
  }
  if (isSchemaProps(schema.items)) {
    checkDefaults(schema.items, at(check, 'items'));
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    checkDefaults(property, at(check, `properties[${name}]`));
  }
  if (isSchemaProps(schema.additionalProperties)) {
    checkDefaults(schema.additionalProperties, at(check, 'additionalProperties'));
  }
}
