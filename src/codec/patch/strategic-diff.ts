import type { Field, StructType, ValueType } from '#api/schema/schema.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { type JsonRecord, type MutableRecord, getOwn, isRecord, setOwn } from '../own-property.ts';
import { mergeKeyOf } from './element-order.ts';

/** The three states that `apply` compares. */
export interface ThreeStates {
  /** What was applied last; what it has and `modified` has not is to go. */
  readonly original: JsonRecord;
  /** What is wanted. */
  readonly modified: JsonRecord;
  /** What there is; what only it has was set by others and stays. */
  readonly current: JsonRecord;
}

/**
 * The patch that makes `current` agree with `modified`: a strategic merge patch by the tables of `struct`, or a JSON merge
 * patch without one. Empty when there is nothing to do. Pure.
 */
export function threeWayPatch(states: ThreeStates, struct: StructType | undefined): JsonRecord {
  return diffRecords(states, struct === undefined ? undefined : { kind: 'struct', struct });
}

/** The patch from one state to another, removals included. */
export function twoWayPatch(from: JsonRecord, to: JsonRecord, struct: StructType | undefined): JsonRecord {
  return threeWayPatch({ original: from, modified: to, current: from }, struct);
}

function diffRecords({ original, modified, current }: ThreeStates, type: ValueType | undefined): JsonRecord {
  const patch: MutableRecord = {};
  for (const key of Object.keys(modified)) {
    const field = type?.kind === 'struct' ? type.struct.byName.get(key) : undefined;
    const valueType = field?.type ?? (type?.kind === 'map' ? type.value : undefined);
    const [was, wanted, is] = [getOwn(original, key), modified[key], getOwn(current, key)];
    if (wanted === undefined) {
      continue;
    }
    if (isRecord(wanted) && isRecord(is)) {
      diffInnerRecord(patch, key, {
        states: { original: isRecord(was) ? was : {}, modified: wanted, current: is },
        field,
        valueType,
      });
    } else if (Array.isArray(wanted) && Array.isArray(is) && isMerged(field)) {
      diffMergedList(patch, field, {
        original: listOf(was),
        modified: wanted as readonly unknown[],
        current: is as readonly unknown[],
      });
    } else if (!jsonEqual(wanted, is) && !(wanted === null && is === undefined)) {
      setOwn(patch, key, wanted);
    }
  }
  for (const key of Object.keys(original)) {
    if (getOwn(modified, key) === undefined) {
      setOwn(patch, key, null);
    }
  }
  return patch;
}

interface InnerRecord {
  readonly states: ThreeStates;
  readonly field: Field | undefined;
  readonly valueType: ValueType | undefined;
}

function diffInnerRecord(patch: MutableRecord, key: string, { states, field, valueType }: InnerRecord): void {
  if (field?.patchStrategies.includes('replace') === true) {
    if (!jsonEqual(states.modified, states.current)) {
      setOwn(patch, key, { ...states.modified, $patch: 'replace' });
    }
    return;
  }
  const inner = diffRecords(states, valueType);
  if (Object.keys(inner).length > 0) {
    setOwn(patch, key, withRetainKeys(inner, states.modified, field));
  }
}

/** A union, like a volume's source, loses every member but those that are wanted. */
function withRetainKeys(patch: JsonRecord, modified: JsonRecord, field: Field | undefined): JsonRecord {
  return field?.patchStrategies.includes('retainKeys') === true
    ? { ...patch, $retainKeys: Object.keys(modified).toSorted() }
    : patch;
}

function isMerged(field: Field | undefined): field is Field {
  return field?.type.kind === 'list' && field.patchStrategies.includes('merge');
}

interface ListStates {
  readonly original: readonly unknown[];
  readonly modified: readonly unknown[];
  readonly current: readonly unknown[];
}

function diffMergedList(patch: MutableRecord, field: Field, states: ListStates): void {
  if (field.patchMergeKey === undefined) {
    diffSet(patch, field.name, states);
  } else {
    diffListOfRecords(patch, field, states, field.patchMergeKey);
  }
}

function diffSet(patch: MutableRecord, name: string, { original, modified, current }: ListStates): void {
  const added = modified.filter((item) => !current.includes(item));
  const removed = original.filter((item) => !modified.includes(item));
  if (added.length === 0 && removed.length === 0) {
    return;
  }
  setOwn(patch, `$setElementOrder/${name}`, modified);
  if (added.length > 0) {
    setOwn(patch, name, added);
  }
  if (removed.length > 0) {
    setOwn(patch, `$deleteFromPrimitiveList/${name}`, removed);
  }
}

function diffListOfRecords(
  patch: MutableRecord,
  field: Field,
  { original, modified, current }: ListStates,
  mergeKey: string,
): void {
  const itemType = field.type.kind === 'list' ? field.type.item : undefined;
  const find = (items: readonly unknown[], key: string | undefined): unknown =>
    items.find((item) => mergeKeyOf(item, mergeKey) === key);
  const items: unknown[] = [];
  for (const wanted of modified) {
    const key = mergeKeyOf(wanted, mergeKey);
    const is = find(current, key);
    if (!isRecord(wanted) || !isRecord(is) || key === undefined) {
      items.push(wanted);
      continue;
    }
    const was = find(original, key);
    const states = { original: isRecord(was) ? was : {}, modified: wanted, current: is };
    const inner = diffRecords(states, itemType);
    if (Object.keys(inner).length > 0) {
      items.push({ ...withRetainKeys(inner, wanted, field), [mergeKey]: wanted[mergeKey] });
    }
  }
  const modifiedKeys = new Set(modified.map((item) => mergeKeyOf(item, mergeKey)));
  for (const was of original) {
    if (isRecord(was) && !modifiedKeys.has(mergeKeyOf(was, mergeKey))) {
      items.push({ $patch: 'delete', [mergeKey]: was[mergeKey] });
    }
  }
  if (items.length > 0 || !isSameOrder(modified, current, mergeKey)) {
    setOwn(
      patch,
      `$setElementOrder/${field.name}`,
      modified.map((item) => ({ [mergeKey]: isRecord(item) ? item[mergeKey] : undefined })),
    );
  }
  if (items.length > 0) {
    setOwn(patch, field.name, items);
  }
}

/** Whether the wanted items already stand in their order; items of others may stand between them. */
function isSameOrder(modified: readonly unknown[], current: readonly unknown[], mergeKey: string): boolean {
  const wanted = modified.map((item) => mergeKeyOf(item, mergeKey));
  const present = current.map((item) => mergeKeyOf(item, mergeKey)).filter((key) => wanted.includes(key));
  return wanted.every((key, index) => present[index] === key);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
