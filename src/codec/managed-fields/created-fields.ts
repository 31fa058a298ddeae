import type { StructType } from '#api/schema/schema.ts';
import { jsonEqual } from '#base/json-equal.ts';
import {
  type Shape,
  isListShape,
  isObjectShape,
  itemElement,
  shapeOfEntry,
  shapeOfStruct,
} from './field-shape.ts';
import { type FieldsNode } from './fields-v1.ts';
import { internFields } from './interned-fields.ts';

/** Signatures that one kind remembers; beyond it the oldest are let go. */
const REMEMBERED_MAX = 256;
/** Objects with a longer signature are made of many names that no other object has. */
const SIGNATURE_MAX = 8 * 1024;

const remembered = new WeakMap<StructType, Map<string, FieldsNode>>();

/**
 * The fields that the creator of `object` owns. Objects of one making differ in values and not in fields, so what was
 * found for one is found again by its {@link signature} and not computed.
 *
 * @param zero the object that says nothing: what it has, nobody owns
 * @param find computes the set
 */
export function createdFields(
  object: object,
  zero: object,
  struct: StructType,
  find: () => FieldsNode,
): FieldsNode {
  const text = signature(zero, object, shapeOfStruct(struct));
  if (text.length > SIGNATURE_MAX) {
    return find();
  }
  let known = remembered.get(struct);
  if (known === undefined) {
    known = new Map();
    remembered.set(struct, known);
  }
  let fields = known.get(text);
  if (fields === undefined) {
    fields = internFields(find());
    known.set(text, fields);
    for (const oldest of known.keys()) {
      if (known.size <= REMEMBERED_MAX) {
        break;
      }
      known.delete(oldest);
    }
  }
  return fields;
}

/**
 * A text that two objects of one kind share only when they have the same fields: each name with its length before it,
 * what is below it in parentheses. Values appear only where they are part of a path, as keys of lists.
 */
export function signature(before: unknown, after: unknown, shape: Shape): string {
  if (before === after || after === undefined) {
    return '';
  }
  if (isObjectShape(shape, after)) {
    const old = isObjectShape(shape, before) ? before : undefined;
    let text = '';
    for (const name in after) {
      const was = old !== undefined && Object.hasOwn(old, name) ? old[name] : undefined;
      const below = signature(was, after[name], shapeOfEntry(shape, name));
      if (below !== '') {
        text += `${name.length}:${name}${below}`;
      }
    }
    return text === '' && old !== undefined ? '' : `(${text})`;
  }
  if (isListShape(shape, after)) {
    const item: Shape = shape.kind === 'list' ? shape.item : { kind: 'leaf' };
    let text = '';
    for (const each of after) {
      const element = itemElement(shape, each);
      text += `${element.length}:${element}${signature(undefined, each, item)}`;
    }
    return `[${text}]`;
  }
  return before !== undefined && jsonEqual(before, after) ? '' : '.';
}
