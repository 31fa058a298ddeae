import { type FieldsNode, LEAF, NO_FIELDS, isEmptySet, isMember, makeNode } from './fields-v1.ts';
import { type Shape, isListShape, isObjectShape, itemElement, shapeOfEntry } from './field-shape.ts';

/** The fields that an applied configuration speaks of. */
export function fieldSetOf(object: unknown, shape: Shape): FieldsNode {
  return nodeOf(object, shape, false) ?? NO_FIELDS;
}

function nodeOf(value: unknown, shape: Shape, isOwned: boolean): FieldsNode | undefined {
  const children = new Map<string, FieldsNode>();
  if (isObjectShape(shape, value)) {
    for (const name in value) {
      const entry = value[name];
      if (entry !== undefined) {
        setChild(
          children,
          `f:${name}`,
          nodeOf(entry, shapeOfEntry(shape, name), isEntryOwned(shape, name, entry)),
        );
      }
    }
    return makeNode(isOwned, children);
  }
  if (isListShape(shape, value)) {
    const itemShape: Shape = shape.kind === 'list' ? shape.item : { kind: 'leaf' };
    for (const item of value) {
      setChild(children, itemElement(shape, item), nodeOf(item, itemShape, true));
    }
    return makeNode(isOwned, children);
  }
  return LEAF;
}

/** A struct's own fields are owned through what is in them; the entries of a map are owned themselves. */
function isEntryOwned(shape: Shape, name: string, value: unknown): boolean {
  const isNamed = shape.kind === 'struct' && shape.struct.byName.has(name);
  if (!isNamed) {
    return true;
  }
  return (
    value === null || (typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0)
  );
}

function setChild(children: Map<string, FieldsNode>, element: string, child: FieldsNode | undefined): void {
  if (child !== undefined) {
    children.set(element, child);
  }
}

/** The set with every struct field on the way to a member made a member too. */
export function withNamedParents(root: FieldsNode, shape: Shape): FieldsNode {
  return isEmptySet(root) ? root : (named(root, shape, false) ?? NO_FIELDS);
}

function named(node: FieldsNode, shape: Shape, isOwned: boolean): FieldsNode | undefined {
  const children = new Map<string, FieldsNode>();
  for (const element in node) {
    const child = node[element];
    if (element === '.' || child === undefined) {
      continue;
    }
    const name = element.startsWith('f:') ? element.slice(2) : undefined;
    const isNamed = name !== undefined && shape.kind === 'struct' && shape.struct.byName.has(name);
    const childShape: Shape =
      name !== undefined ? shapeOfEntry(shape, name) : shape.kind === 'list' ? shape.item : { kind: 'leaf' };
    const result = named(child, childShape, isNamed || isMember(child));
    if (result !== undefined) {
      children.set(element, result);
    }
  }
  return makeNode(isOwned, children);
}
