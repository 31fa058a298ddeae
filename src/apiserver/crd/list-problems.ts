import type { FieldError } from '#api/status-error.ts';
import { getOwn, isRecord, type JsonRecord } from '#codec/own-property.ts';
import type { Schema } from './structural-schema.ts';

/** Items of sets, and keys of lists that are maps, that stand more than once. */
export function listProblems(value: unknown, schema: Schema, path = ''): readonly FieldError[] {
  const found: FieldError[] = [];
  if (hasListTypes(schema)) {
    visit(value, schema, { path, found });
  }
  return found;
}

interface Check {
  readonly path: string;
  readonly found: FieldError[];
}

const typed = new WeakMap<Schema, boolean>();

/** Whether any list at or below the schema is a set or a map, so that others are not walked for nothing. */
function hasListTypes(schema: Schema): boolean {
  let known = typed.get(schema);
  if (known === undefined) {
    const { items, additional, properties, listType } = schema;
    known =
      listType === 'set' ||
      listType === 'map' ||
      (items !== undefined && hasListTypes(items)) ||
      (typeof additional === 'object' && hasListTypes(additional)) ||
      [...properties.values()].some(hasListTypes);
    typed.set(schema, known);
  }
  return known;
}

function visit(value: unknown, schema: Schema, { path, found }: Check): void {
  const { items, additional, properties } = schema;
  if (Array.isArray(value)) {
    checkUnique(value, schema, { path, found });
    if (items !== undefined) {
      value.forEach((item, index) => visit(item, items, { path: `${path}[${index}]`, found }));
    }
  } else if (isRecord(value)) {
    for (const [name, child] of Object.entries(value)) {
      const property = properties.get(name);
      if (property !== undefined) {
        visit(child, property, { path: path === '' ? name : `${path}.${name}`, found });
      } else if (typeof additional === 'object') {
        visit(child, additional, { path: `${path}[${name}]`, found });
      }
    }
  }
}

function checkUnique(
  list: readonly unknown[],
  { listType, listMapKeys }: Schema,
  { path, found }: Check,
): void {
  if (listType !== 'set' && listType !== 'map') {
    return;
  }
  if (listType === 'map') {
    const wrong = list.findIndex((item) => item !== null && !isRecord(item));
    if (wrong >= 0) {
      found.push({
        path: `${path}[${wrong}]`,
        reason: 'FieldValueInvalid',
        badValue: list[wrong],
        detail: 'must be an object for an array of list-type map',
      });
      return;
    }
  }
  const times = new Map<string, number>();
  list.forEach((item, index) => {
    const key = listType === 'map' ? keyOf(isRecord(item) ? item : {}, listMapKeys) : item;
    const text = canonicalText(key);
    const seen = times.get(text) ?? 0;
    times.set(text, seen + 1);
    // However often it stands there, it is said once.
    if (seen === 1) {
      found.push({ path: `${path}[${index}]`, reason: 'FieldValueDuplicate', badValue: key, detail: '' });
    }
  });
}

function keyOf(item: JsonRecord, names: readonly string[]): JsonRecord {
  return Object.fromEntries(
    names.filter((name) => Object.hasOwn(item, name)).map((name) => [name, getOwn(item, name)]),
  );
}

/** Equal for equal values, whatever the order of their keys. */
function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint'
      ? `${part}n`
      : isRecord(part)
        ? Object.fromEntries(Object.entries(part).toSorted(([left], [right]) => (left < right ? -1 : 1)))
        : part,
  );
}
