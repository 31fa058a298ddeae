import type { Field, StructType, ValueType } from '#api/schema/schema.ts';
import { StatusError, badRequest } from '#api/status-error.ts';
import { type JsonRecord, type MutableRecord, getOwn, isRecord, setOwn } from '../own-property.ts';
import { mergeKeyOf, orderLike } from './element-order.ts';

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_PREFIX = '$deleteFromPrimitiveList/';
const ORDER_PREFIX = '$setElementOrder/';

/**
 * A strategic merge patch: a merge patch that knows from the tables which lists are merged item by item, and has
 * directives (`$patch`, `$retainKeys`, `$deleteFromPrimitiveList`, `$setElementOrder`). Pure; unchanged parts of `current` are shared.
 *
 * @throws {StatusError} BadRequest or Invalid when the patch is malformed
 */
export function applyStrategicMerge(current: unknown, patch: unknown, struct: StructType): unknown {
  if (!isRecord(patch)) {
    throw badRequest('invalid JSON document');
  }
  return mergeRecord(isRecord(current) ? current : {}, patch, { kind: 'struct', struct });
}

function mergeRecord(current: JsonRecord, patch: JsonRecord, type: ValueType | undefined): JsonRecord {
  const directive = patch[DIRECTIVE];
  if (directive === 'replace') {
    return withoutDirectives(omit(patch, DIRECTIVE)) as JsonRecord;
  }
  if (directive === 'delete') {
    return {};
  }
  if (directive !== undefined && directive !== 'merge') {
    throw badType(`unknown patch type found: ${JSON.stringify(directive)}`);
  }
  const merged = retained(current, patch);
  const ordered = new Set<string>();
  for (const key of Object.keys(patch)) {
    if (key.startsWith(ORDER_PREFIX)) {
      mergeOrdered(merged, patch, key, type);
      ordered.add(key.slice(ORDER_PREFIX.length));
    }
  }
  for (const key of Object.keys(patch)) {
    if (!isDirective(key) && !ordered.has(key)) {
      mergeKey(merged, key, patch[key], type);
    } else if (key.startsWith(DELETE_PREFIX)) {
      removeItems(merged, key, patch[key]);
    }
  }
  return merged;
}

/** A dollar alone makes no directive: schemas have fields named `$ref` and `$schema`. */
function isDirective(key: string): boolean {
  return (
    key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(DELETE_PREFIX) || key.startsWith(ORDER_PREFIX)
  );
}

/** A copy of `current` with only the keys that `$retainKeys` names, when it is there. */
function retained(current: JsonRecord, patch: JsonRecord): MutableRecord {
  const names = patch[RETAIN_KEYS];
  if (names === undefined) {
    return { ...current };
  }
  if (!Array.isArray(names)) {
    throw badRequest('invalid patch format of retainKeys');
  }
  const keep = new Set<unknown>(names);
  const isNamed = Object.keys(patch).every((key) => isDirective(key) || patch[key] === null || keep.has(key));
  if (!isNamed) {
    throw badRequest('invalid patch format of retainKeys');
  }
  return Object.fromEntries(Object.entries(current).filter(([key]) => keep.has(key)));
}

function mergeKey(merged: MutableRecord, key: string, value: unknown, type: ValueType | undefined): void {
  if (value === null) {
    delete merged[key];
    return;
  }
  const current = getOwn(merged, key);
  const field = type?.kind === 'struct' ? type.struct.byName.get(key) : undefined;
  if (isRecord(current) && isRecord(value)) {
    const isReplaced = field?.patchStrategies.includes('replace') === true;
    const inner = field?.type ?? (type?.kind === 'map' ? type.value : undefined);
    setOwn(merged, key, isReplaced ? withoutDirectives(value) : mergeRecord(current, value, inner));
  } else if (Array.isArray(current) && Array.isArray(value)) {
    setOwn(merged, key, mergeList(current, value, field));
  } else {
    setOwn(merged, key, withoutDirectives(value));
  }
}

function mergeList(
  current: readonly unknown[],
  patch: readonly unknown[],
  field: Field | undefined,
): unknown {
  if (field === undefined || field.type.kind !== 'list' || !field.patchStrategies.includes('merge')) {
    return withoutDirectives(patch);
  }
  if (patch.length === 0 && current.length > 0) {
    return current;
  }
  const name = field.patchMergeKey;
  if (name === undefined) {
    if ([...current, ...patch].some(Array.isArray)) {
      throw badType('lists of lists are not supported');
    }
    const merged = [...new Set([...current, ...patch])];
    return orderLike(merged, patch, current, undefined);
  }
  const { type } = field;
  return mergeMaps(current, patch, name, type.item);
}

function mergeMaps(
  current: readonly unknown[],
  patch: readonly unknown[],
  name: string,
  itemType: ValueType,
): unknown {
  const items = patch.map((item) => {
    if (!isRecord(item)) {
      throw badType(`expected map in list merged by ${name}`);
    }
    return item;
  });
  const isReplaced = items.some((item) => item[DIRECTIVE] === 'replace');
  const removed = new Set(
    items.filter((item) => item[DIRECTIVE] === 'delete').map((item) => mergeKeyOf(item, name)),
  );
  let merged = isReplaced ? [] : current.filter((item) => !removed.has(mergeKeyOf(item, name)));
  const plain = items.filter((item) => !['replace', 'delete'].includes(String(item[DIRECTIVE])));
  for (const item of plain) {
    const wanted = mergeKeyOf(item, name);
    if (wanted === undefined) {
      throw badType(`map: ${JSON.stringify(item)} does not contain declared merge key: ${name}`);
    }
    const index = merged.findIndex((each) => mergeKeyOf(each, name) === wanted);
    const found = merged[index];
    merged = isRecord(found)
      ? merged.with(index, mergeRecord(found, item, itemType))
      : [...merged, withoutDirectives(item)];
  }
  return isReplaced ? merged : orderLike(merged, plain, current, name);
}

/** Merges a list that comes with a `$setElementOrder` and puts it in that order. */
function mergeOrdered(
  merged: MutableRecord,
  patch: JsonRecord,
  directive: string,
  type: ValueType | undefined,
): void {
  const key = directive.slice(ORDER_PREFIX.length);
  const order = patch[directive];
  if (!Array.isArray(order)) {
    throw badRequest('invalid patch format of setElementOrder list');
  }
  const field = type?.kind === 'struct' ? type.struct.byName.get(key) : undefined;
  const before = getOwn(merged, key);
  if (Object.hasOwn(patch, key)) {
    mergeKey(merged, key, patch[key], type);
  }
  const after = getOwn(merged, key);
  if (Array.isArray(after)) {
    const server = Array.isArray(before) ? before : [];
    setOwn(merged, key, orderLike(after, order, server, field?.patchMergeKey));
  }
}

function removeItems(merged: MutableRecord, directive: string, values: unknown): void {
  const key = directive.slice(DELETE_PREFIX.length);
  const current = getOwn(merged, key);
  if (!Array.isArray(values)) {
    throw badRequest('invalid patch format of primitive list');
  }
  if (Array.isArray(current)) {
    const gone = new Set<unknown>(values);
    setOwn(
      merged,
      key,
      current.filter((item) => !gone.has(item)),
    );
  }
}

/** A value that is new to the object is taken from the patch without its directives and nulls. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !isRecord(item) || item[DIRECTIVE] !== 'delete')
      .filter((item) => !isRecord(item) || item[DIRECTIVE] !== 'replace' || Object.keys(item).length > 1)
      .map(withoutDirectives);
  }
  if (!isRecord(value)) {
    return value;
  }
  if (value[DIRECTIVE] === 'delete') {
    return {};
  }
  const clean: MutableRecord = {};
  for (const key of Object.keys(value)) {
    if (!isDirective(key) && value[key] !== null) {
      setOwn(clean, key, withoutDirectives(value[key]));
    }
  }
  return clean;
}

function omit(record: JsonRecord, key: string): JsonRecord {
  const { [key]: _dropped, ...rest } = record;
  return rest;
}

function badType(why: string): StatusError {
  return new StatusError(
    {
      code: 422,
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
      details: {},
    },
    new Error(why),
  );
}
