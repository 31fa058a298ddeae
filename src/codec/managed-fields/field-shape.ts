import { type Field, type StructType, type ValueType, knownStruct } from '#api/schema/schema.ts';
import { encodeJson } from '../canonical.ts';
import { type JsonRecord, isRecord } from '../own-property.ts';

/**
 * How server-side apply sees a value. `leaf` is owned as one; the others are owned part by part. A value without a
 * known type is seen by what it is: objects part by part, all else as one.
 */
export type Shape =
  | { readonly kind: 'leaf' }
  | { readonly kind: 'struct'; readonly struct: StructType }
  | { readonly kind: 'map'; readonly value: Shape }
  | { readonly kind: 'list'; readonly keys: readonly ListKey[]; readonly item: Shape }
  | { readonly kind: 'set' }
  | { readonly kind: 'deduced' };

export interface ListKey {
  readonly name: string;
  /** What an item that leaves the key out has, such as `TCP`. */
  readonly default: unknown;
}

export const LEAF_SHAPE: Shape = { kind: 'leaf' };
export const DEDUCED_SHAPE: Shape = { kind: 'deduced' };

const structShapes = new WeakMap<StructType, Shape>();
const fieldShapes = new WeakMap<Field, Shape>();

/** The shape of an object; without a table it is deduced from each value. */
export function shapeOfStruct(struct: StructType | undefined): Shape {
  if (struct === undefined) {
    // Whatever the kind, its metadata is known.
    return shapeOfStruct(knownStruct('meta.v1.PartialObjectMetadata'));
  }
  let shape = structShapes.get(struct);
  if (shape === undefined) {
    shape = { kind: 'struct', struct };
    structShapes.set(struct, shape);
  }
  return shape;
}

export function shapeOfField(field: Field): Shape {
  let shape = fieldShapes.get(field);
  if (shape === undefined) {
    shape = buildShape(field.type, field);
    fieldShapes.set(field, shape);
  }
  return shape;
}

function buildShape(type: ValueType, field?: Field): Shape {
  if (field?.mapType === 'atomic') {
    return LEAF_SHAPE;
  }
  switch (type.kind) {
    case 'struct':
      return type.struct.isAtomic && field?.mapType !== 'granular' ? LEAF_SHAPE : shapeOfStruct(type.struct);
    case 'map':
      return { kind: 'map', value: buildShape(type.value) };
    case 'list':
      return listShape(type.item, field);
    default:
      return LEAF_SHAPE;
  }
}

function listShape(item: ValueType, field: Field | undefined): Shape {
  if (field?.listType === 'set') {
    return { kind: 'set' };
  }
  if (field?.listType !== 'map' || item.kind !== 'struct') {
    return LEAF_SHAPE;
  }
  const { byName } = item.struct;
  const keys = field.listMapKeys.toSorted().map((name) => ({ name, default: byName.get(name)?.default }));
  return { kind: 'list', keys, item: shapeOfStruct(item.struct) };
}

/** The shape of one entry of an object. An entry that the table does not have is deduced. */
export function shapeOfEntry(shape: Shape, name: string): Shape {
  switch (shape.kind) {
    case 'struct': {
      const field = shape.struct.byName.get(name);
      return field === undefined ? DEDUCED_SHAPE : shapeOfField(field);
    }
    case 'map':
      return shape.value;
    default:
      return DEDUCED_SHAPE;
  }
}

/** Whether the value is owned part by part and is an object. */
export function isObjectShape(shape: Shape, value: unknown): value is JsonRecord {
  return (shape.kind === 'struct' || shape.kind === 'map' || shape.kind === 'deduced') && isRecord(value);
}

/** Whether the value is owned item by item. */
export function isListShape(shape: Shape, value: unknown): value is readonly unknown[] {
  return (shape.kind === 'list' || shape.kind === 'set') && Array.isArray(value);
}

/** The path element of a list's item: `k:{"name":"web"}` or `v:"example.com/finalizer"`. */
export function itemElement(shape: Shape, item: unknown): string {
  if (shape.kind !== 'list' || !isRecord(item)) {
    return `v:${encodeJson(item)}`;
  }
  const [first] = shape.keys;
  if (shape.keys.length === 1 && first !== undefined && typeof item[first.name] === 'string') {
    return `k:{"${first.name}":${JSON.stringify(item[first.name])}}`;
  }
  const parts = shape.keys
    .map(({ name, default: byDefault }) => [name, item[name] ?? byDefault] as const)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${JSON.stringify(name)}:${encodeJson(value)}`);
  return `k:{${parts.join(',')}}`;
}
