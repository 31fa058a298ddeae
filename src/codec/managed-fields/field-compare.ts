import { jsonEqual } from '#base/json-equal.ts';
import type { JsonRecord } from '../own-property.ts';
import { type FieldsNode, LEAF, NO_FIELDS, makeNode } from './fields-v1.ts';
import { type Shape, isListShape, isObjectShape, itemElement, shapeOfEntry } from './field-shape.ts';

/** What one object has that another has not, as sets of fields. */
export interface Comparison {
  readonly added: FieldsNode;
  readonly modified: FieldsNode;
  readonly removed: FieldsNode;
}

interface Change {
  readonly added?: FieldsNode | undefined;
  readonly modified?: FieldsNode | undefined;
  readonly removed?: FieldsNode | undefined;
}

/**
 * Compares two objects of one shape. Undefined when they say the same, which is found out without making
 * anything: most writes change few fields.
 */
export function compareFields(before: unknown, after: unknown, shape: Shape): Comparison | undefined {
  const change = compare(before, after, shape);
  return change === undefined
    ? undefined
    : {
        added: change.added ?? NO_FIELDS,
        modified: change.modified ?? NO_FIELDS,
        removed: change.removed ?? NO_FIELDS,
      };
}

function compare(before: unknown, after: unknown, shape: Shape): Change | undefined {
  if (before === after) {
    return undefined;
  }
  if (before === undefined) {
    return { added: everyField(after, shape) };
  }
  if (after === undefined) {
    return { removed: everyField(before, shape) };
  }
  if (isObjectShape(shape, before) && isObjectShape(shape, after)) {
    return compareObjects(before, after, shape);
  }
  if (isListShape(shape, before) && isListShape(shape, after)) {
    return compareLists(before, after, shape);
  }
  return jsonEqual(before, after) ? undefined : { modified: LEAF };
}

class ChangeBuilder {
  readonly #added = new Map<string, FieldsNode>();
  readonly #modified = new Map<string, FieldsNode>();
  readonly #removed = new Map<string, FieldsNode>();

  add(element: string, { added, modified, removed }: Change): void {
    if (added !== undefined) {
      this.#added.set(element, added);
    }
    if (modified !== undefined) {
      this.#modified.set(element, modified);
    }
    if (removed !== undefined) {
      this.#removed.set(element, removed);
    }
  }

  build(): Change {
    return {
      added: makeNode(false, this.#added),
      modified: makeNode(false, this.#modified),
      removed: makeNode(false, this.#removed),
    };
  }
}

function compareObjects(before: JsonRecord, after: JsonRecord, shape: Shape): Change | undefined {
  let builder: ChangeBuilder | undefined;
  for (const name in after) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined;
    if (old === after[name]) {
      continue;
    }
    const change = compare(old, after[name], shapeOfEntry(shape, name));
    if (change !== undefined) {
      builder ??= new ChangeBuilder();
      builder.add(`f:${name}`, change);
    }
  }
  for (const name in before) {
    if (before[name] !== undefined && (!Object.hasOwn(after, name) || after[name] === undefined)) {
      builder ??= new ChangeBuilder();
      builder.add(`f:${name}`, { removed: everyField(before[name], shapeOfEntry(shape, name)) });
    }
  }
  return builder?.build();
}

function compareLists(
  before: readonly unknown[],
  after: readonly unknown[],
  shape: Shape,
): Change | undefined {
  const itemShape: Shape = shape.kind === 'list' ? shape.item : { kind: 'leaf' };
  const old = new Map(before.map((item) => [itemElement(shape, item), item]));
  let builder: ChangeBuilder | undefined;
  for (const item of after) {
    const element = itemElement(shape, item);
    const change = compare(old.get(element), item, itemShape);
    old.delete(element);
    if (change !== undefined) {
      builder ??= new ChangeBuilder();
      builder.add(element, change);
    }
  }
  for (const [element, item] of old) {
    builder ??= new ChangeBuilder();
    builder.add(element, { removed: everyField(item, itemShape) });
  }
  return builder?.build();
}

/** The value and everything below it. */
function everyField(value: unknown, shape: Shape): FieldsNode {
  const children = new Map<string, FieldsNode>();
  if (isObjectShape(shape, value)) {
    for (const name in value) {
      if (value[name] !== undefined) {
        children.set(`f:${name}`, everyField(value[name], shapeOfEntry(shape, name)));
      }
    }
  } else if (isListShape(shape, value)) {
    const itemShape: Shape = shape.kind === 'list' ? shape.item : { kind: 'leaf' };
    for (const item of value) {
      children.set(itemElement(shape, item), everyField(item, itemShape));
    }
  }
  return makeNode(true, children) ?? LEAF;
}
