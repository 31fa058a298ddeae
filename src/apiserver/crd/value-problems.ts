import { isDeepStrictEqual } from 'node:util';
import type { FieldError } from '#api/status-error.ts';
import { isRecord, type JsonRecord } from '#codec/own-property.ts';
import { fitsNumberFormat, hasFormat } from './formats.ts';
import type { CorrelatedValue } from './correlated-value.ts';
import { propertyOf } from './prune.ts';
import type { Schema, ValueRules } from './structural-schema.ts';

export interface ValueCheckOptions {
  /** Path of the value, for errors alone: sentences name fields from the value on. */
  readonly path?: string;
  /** What did not change is let through. */
  readonly correlated?: CorrelatedValue | undefined;
}

/** Where a value breaks its schema, in upstream's words. */
export function valueProblems(
  value: unknown,
  schema: Schema,
  { path = '', correlated }: ValueCheckOptions = {},
): readonly FieldError[] {
  const found: FieldError[] = [];
  checkValue(value, schema, { path: '', found, correlated });
  return path === ''
    ? found
    : found.map((error) => ({
        ...error,
        path: error.path === ROOT_PATH ? path : `${path}.${error.path}`,
      }));
}

/** How an error names the object itself. */
const ROOT_PATH = '<nil>';

interface Check {
  readonly path: string;
  readonly found: FieldError[];
  readonly correlated: CorrelatedValue | undefined;
}

function checkValue(value: unknown, schema: Schema, check: Check): void {
  const before = check.found.length;
  checkChanged(value, schema, check);
  if (check.found.length > before && check.correlated?.isUnchanged === true) {
    check.found.length = before;
  }
}

function checkChanged(value: unknown, schema: Schema, check: Check): void {
  if (value === null && schema.isNullable) {
    return;
  }
  if (!hasType(value, schema)) {
    wrongType(check, schema.isIntOrString ? 'integer,string' : schema.type, typeName(value));
    return;
  }
  checkRules(value, schema.rules, check);
  if (typeof value === 'number' || typeof value === 'bigint') {
    checkNumber(value, schema, check);
  } else if (typeof value === 'string') {
    checkText(value, schema, check);
  } else if (Array.isArray(value)) {
    checkList(value, schema, check);
  } else if (isRecord(value)) {
    checkObject(value, schema, check);
  }
}

function hasType(value: unknown, { type, isIntOrString }: Schema): boolean {
  if (isIntOrString) {
    return typeof value === 'string' || isInteger(value);
  }
  switch (type) {
    case 'object':
      return isRecord(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return isInteger(value);
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint';
    case 'string':
    case 'boolean':
      return typeof value === type;
    default:
      return true;
  }
}

function isInteger(value: unknown): boolean {
  return typeof value === 'bigint' || Number.isInteger(value);
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) {
    return 'null';
  }
  if (Array.isArray(value)) {
    return 'array';
  }
  return isInteger(value) ? 'integer' : typeof value === 'bigint' ? 'integer' : typeof value;
}

function wrongType({ path, found }: Check, type: string, badValue: string): void {
  found.push({
    path: shownPath(path),
    reason: 'FieldValueTypeInvalid',
    badValue,
    detail: `${path} in body must be of type ${type}: ${JSON.stringify(badValue)}`,
  });
}

function wrong({ path, found }: Check, badValue: unknown, rule: string): void {
  found.push({
    path: shownPath(path),
    reason: 'FieldValueInvalid',
    badValue,
    detail: `${path} in body ${rule}`,
  });
}

function shownPath(path: string): string {
  return path === '' ? ROOT_PATH : path;
}

function checkNumber(value: number | bigint, { type, rules }: Schema, check: Check): void {
  const { minimum, maximum, multipleOf, format } = rules;
  if (maximum !== undefined && (rules.isMaximumExclusive ? value >= maximum : value > maximum)) {
    wrong(check, value, `should be less than ${rules.isMaximumExclusive ? '' : 'or equal to '}${maximum}`);
  }
  if (minimum !== undefined && (rules.isMinimumExclusive ? value <= minimum : value < minimum)) {
    wrong(check, value, `should be greater than ${rules.isMinimumExclusive ? '' : 'or equal to '}${minimum}`);
  }
  if (multipleOf !== undefined && !isMultiple(Number(value), multipleOf)) {
    wrong(check, value, `should be a multiple of ${multipleOf}`);
  }
  if (format !== undefined && type === 'integer' && !fitsNumberFormat(value, format)) {
    wrong(check, value, `must be of type ${format}: ${JSON.stringify(String(value))}`);
  }
}

function isMultiple(value: number, of: number): boolean {
  return Number.isInteger(value) && Number.isInteger(of) ? value % of === 0 : Number.isInteger(value / of);
}

function checkText(value: string, { rules }: Schema, check: Check): void {
  const { minLength, maxLength, pattern, format } = rules;
  if (minLength !== undefined || maxLength !== undefined) {
    const length =
      value.length <= (minLength ?? 0) * 2 || value.length > (maxLength ?? Infinity)
        ? characters(value)
        : value.length;
    if (maxLength !== undefined && length > maxLength) {
      check.found.push({
        path: shownPath(check.path),
        reason: 'FieldValueTooLong',
        detail: `may not be more than ${maxLength} bytes`,
      });
    }
    if (minLength !== undefined && length < minLength) {
      wrong(check, value, `should be at least ${minLength} chars long`);
    }
  }
  if (pattern !== undefined && !pattern.matches(value)) {
    wrong(check, value, `should match '${pattern.source}'`);
  }
  if (format !== undefined && !hasFormat(value, format)) {
    wrongType(check, format, value);
  }
}

/** Characters and not UTF-16 units. */
function characters(text: string): number {
  let count = 0;
  for (const _character of text) {
    count += 1;
  }
  return count;
}

function checkList(value: readonly unknown[], schema: Schema, check: Check): void {
  const { minItems, maxItems } = schema.rules;
  if (maxItems !== undefined && value.length > maxItems) {
    tooMany(check, value.length, maxItems);
  }
  if (minItems !== undefined && value.length < minItems) {
    wrong(check, value.length, `should have at least ${minItems} items`);
  }
  const { items } = schema;
  if (items !== undefined) {
    value.forEach((item, index) =>
      checkValue(item, items, {
        path: `${check.path}[${index}]`,
        found: check.found,
        correlated: check.correlated?.index(index),
      }),
    );
  }
}

function tooMany({ path, found }: Check, count: number, most: number): void {
  found.push({
    path: shownPath(path),
    reason: 'FieldValueTooMany',
    badValue: count,
    detail: `${count}: must have at most ${most} items`,
  });
}

function checkObject(value: JsonRecord, schema: Schema, check: Check): void {
  const { rules } = schema;
  const count = Object.keys(value).length;
  if (rules.maxProperties !== undefined && count > rules.maxProperties) {
    tooMany(check, count, rules.maxProperties);
  }
  if (rules.minProperties !== undefined && count < rules.minProperties) {
    wrong(check, count, `should have at least ${rules.minProperties} properties`);
  }
  for (const name of rules.required) {
    if (!Object.hasOwn(value, name)) {
      check.found.push({ path: childPath(check.path, name), reason: 'FieldValueRequired', detail: '' });
    }
  }
  for (const [name, child] of Object.entries(value)) {
    const property = propertyOf(schema, name);
    if (property !== undefined) {
      const isType = check.path === '' && (name === 'apiVersion' || name === 'kind');
      checkValue(child, property, {
        path: childPath(check.path, name),
        found: check.found,
        // Both states have the version of the request.
        correlated: isType ? undefined : check.correlated?.key(name),
      });
    }
  }
}

function childPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function checkRules(value: unknown, rules: ValueRules, check: Check): void {
  const { path, found } = check;
  if (rules.enum !== undefined && !rules.enum.some((allowed) => isDeepStrictEqual(allowed, value))) {
    found.push({
      path: shownPath(path),
      reason: 'FieldValueNotSupported',
      badValue: value,
      detail: `supported values: ${rules.enum.map((allowed) => JSON.stringify(allowed)).join(', ')}`,
    });
  }
  const problemsOf = (schema: Schema): readonly FieldError[] => {
    const own: FieldError[] = [];
    checkValue(value, schema, { path, found: own, correlated: undefined });
    return own;
  };
  const composite = (detail: string): void => {
    found.push({
      path: shownPath(path),
      reason: 'FieldValueInvalid',
      badValue: '',
      detail: `${JSON.stringify(path)} ${detail}`,
    });
  };
  if (rules.anyOf.length > 0 && !rules.anyOf.some((schema) => problemsOf(schema).length === 0)) {
    composite('must validate at least one schema (anyOf)');
    found.push(...closest(rules.anyOf.map(problemsOf)));
  }
  if (rules.oneOf.length > 0) {
    const valid = rules.oneOf.filter((schema) => problemsOf(schema).length === 0).length;
    if (valid !== 1) {
      composite(
        `must validate one and only one schema (oneOf). ${valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`}`,
      );
      found.push(...(valid === 0 ? closest(rules.oneOf.map(problemsOf)) : []));
    }
  }
  const broken = rules.allOf.map(problemsOf).filter((problems) => problems.length > 0);
  if (broken.length > 0) {
    composite(
      `must validate all the schemas (allOf)${broken.length === rules.allOf.length ? '. None validated' : ''}`,
    );
    found.push(...broken.flat());
  }
  if (rules.not !== undefined && problemsOf(rules.not).length === 0) {
    composite('must not validate the schema (not)');
  }
}

/** The alternative that the value comes nearest to is the one its author meant. */
function closest(alternatives: readonly (readonly FieldError[])[]): readonly FieldError[] {
  return alternatives.toSorted((left, right) => left.length - right.length)[0] ?? [];
}
