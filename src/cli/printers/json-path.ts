import { isRecord } from '#codec/own-property.ts';
import { CliError } from '../cli-error.ts';
import { compareText } from '../object-access.ts';
import { goJson } from './go-json.ts';
import type { FilterOperator, JsonPath, JsonPathNode } from './json-path-parser.ts';

export interface JsonPathOptions {
  /** A field that is not there gives nothing instead of an error. */
  readonly allowsMissing: boolean;
}

/** The text that a template makes of a value: the results of an expression are parted by spaces. */
export function renderJsonPath(
  template: readonly JsonPath[],
  data: unknown,
  options: JsonPathOptions,
): string {
  return resultsOf(template, data, options)
    .map((results) => results.map(jsonPathText).join(' '))
    .join('');
}

/** The results of each expression of a template, in order; a range gives those of its body for each item. */
export function resultsOf(
  template: readonly JsonPath[],
  data: unknown,
  options: JsonPathOptions,
): readonly (readonly unknown[])[] {
  const out: (readonly unknown[])[] = [];
  for (let index = 0; index < template.length; index++) {
    const path = template[index] ?? [];
    const [first, ...rest] = path;
    if (first?.kind === 'end') {
      throw new CliError('not in range, nothing to end');
    }
    if (first?.kind !== 'range') {
      out.push(evaluate(path, [data], options));
      continue;
    }
    const end = endOfRange(template, index);
    const body = template.slice(index + 1, end);
    for (const item of evaluate(rest, [data], options)) {
      out.push(...resultsOf(body, item, options));
    }
    index = end;
  }
  return out;
}

/** The last expression's results, for columns and sorting: one path, no text. */
export function valuesAtPath(
  template: readonly JsonPath[],
  data: unknown,
  options: JsonPathOptions,
): readonly unknown[] {
  return resultsOf(template, data, options).flat();
}

function endOfRange(template: readonly JsonPath[], start: number): number {
  let depth = 0;
  for (let index = start; index < template.length; index++) {
    const kind = template[index]?.[0]?.kind;
    depth += kind === 'range' ? 1 : kind === 'end' ? -1 : 0;
    if (depth === 0) {
      return index;
    }
  }
  throw new CliError('unterminated range');
}

function evaluate(path: JsonPath, input: readonly unknown[], options: JsonPathOptions): readonly unknown[] {
  let values = input;
  for (const node of path) {
    values = step(node, values, options);
  }
  return values;
}

function step(node: JsonPathNode, values: readonly unknown[], options: JsonPathOptions): readonly unknown[] {
  switch (node.kind) {
    case 'text':
      return [node.text];
    case 'literal':
      return [node.value];
    case 'field':
      return fieldValues(node.name, values, options);
    case 'wildcard':
      return values.flatMap(childrenOf);
    case 'recursive':
      return values.flatMap(descendantsOf);
    case 'slice':
      return values.flatMap((value) => sliceOf(node, value, options));
    case 'union':
      return node.paths.flatMap((path) => evaluate(path, values, options));
    case 'filter':
      return values.flatMap((value) => childrenOf(value).filter((item) => isChosen(node, item)));
    case 'range':
    case 'end':
      throw new CliError(`${node.kind} must stand first in its braces`);
  }
}

function fieldValues(
  name: string,
  values: readonly unknown[],
  { allowsMissing }: JsonPathOptions,
): readonly unknown[] {
  const found = values.flatMap((value) =>
    isRecord(value) && Object.hasOwn(value, name) ? [value[name]] : [],
  );
  if (found.length === 0 && !allowsMissing) {
    if (values.length === 0) {
      return [];
    }
    throw new CliError(`${name} is not found`);
  }
  return found;
}

function childrenOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) {
    return value as readonly unknown[];
  }
  return isRecord(value)
    ? Object.entries(value)
        .toSorted(([left], [right]) => compareText(left, right))
        .map(([, item]) => item)
    : [];
}

function descendantsOf(value: unknown): readonly unknown[] {
  return typeof value === 'object' && value !== null
    ? [value, ...childrenOf(value).flatMap(descendantsOf)]
    : [];
}

function sliceOf(
  node: Extract<JsonPathNode, { readonly kind: 'slice' }>,
  value: unknown,
  { allowsMissing }: JsonPathOptions,
): readonly unknown[] {
  if (!Array.isArray(value)) {
    if (value === null || value === undefined) {
      return [];
    }
    if (allowsMissing && !isRecord(value)) {
      return [];
    }
    throw new CliError(`${isRecord(value) ? 'map[string]interface {}' : typeof value} is not array or slice`);
  }
  const items = value as readonly unknown[];
  const start = fromEnd(node.start ?? 0, items.length);
  if (node.isIndex) {
    if (start < 0 || start >= items.length) {
      if (allowsMissing) {
        return [];
      }
      throw new CliError(`array index out of bounds: index ${start}, length ${items.length}`);
    }
    return [items[start]];
  }
  const end = Math.min(fromEnd(node.end ?? items.length, items.length), items.length);
  const stride = node.step ?? 1;
  if (stride <= 0) {
    throw new CliError('step must be > 0');
  }
  return items.filter((_item, index) => index >= start && index < end && (index - start) % stride === 0);
}

function fromEnd(index: number, length: number): number {
  return index < 0 ? index + length : index;
}

function isChosen(node: Extract<JsonPathNode, { readonly kind: 'filter' }>, item: unknown): boolean {
  const left = evaluate(node.left, [item], { allowsMissing: true });
  if (node.operator === 'exists') {
    return left.length > 0;
  }
  const right = evaluate(node.right, [item], { allowsMissing: true });
  if (left.length === 0 || right.length === 0) {
    return false;
  }
  return holds(node.operator, left[0], right[0]);
}

function holds(operator: FilterOperator, left: unknown, right: unknown): boolean {
  const order =
    typeof left === 'string' && typeof right === 'string'
      ? compareText(left, right)
      : typeof left === 'boolean' || typeof right === 'boolean'
        ? left === right
          ? 0
          : Number.NaN
        : Number(left) - Number(right);
  switch (operator) {
    case '==':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    case 'exists':
      return true;
  }
}

/** Text as it is, numbers and booleans written out, the rest as JSON. */
export function jsonPathText(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  if (value === null || value === undefined) {
    return '';
  }
  return goJson(value);
}
