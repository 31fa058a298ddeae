import { type MutableRecord, isRecord, setOwn } from '../own-property.ts';
import { type FieldsNode, isMember } from './fields-v1.ts';
import { type Shape, isListShape, isObjectShape, itemElement, shapeOfEntry } from './field-shape.ts';

/** `live` with an applied configuration laid over it. Pure; unchanged parts are shared. */
export function mergeFields(live: unknown, applied: unknown, shape: Shape): unknown {
  if (live === undefined || live === applied) {
    return applied;
  }
  if (isObjectShape(shape, live) && isObjectShape(shape, applied)) {
    const merged: MutableRecord = { ...live };
    for (const name of Object.keys(applied)) {
      const current = Object.hasOwn(live, name) ? live[name] : undefined;
      setOwn(merged, name, mergeFields(current, applied[name], shapeOfEntry(shape, name)));
    }
    return merged;
  }
  if (isListShape(shape, live) && isListShape(shape, applied)) {
    return mergeLists(live, applied, shape);
  }
  return applied;
}

/** Items keep the order of the configuration; those only the live list has stay before what they stood before. */
function mergeLists(live: readonly unknown[], applied: readonly unknown[], shape: Shape): readonly unknown[] {
  const itemShape: Shape = shape.kind === 'list' ? shape.item : { kind: 'leaf' };
  const liveByElement = new Map(live.map((item) => [itemElement(shape, item), item]));
  const elements = applied.map((item) => itemElement(shape, item));
  const indexOf = new Map(elements.map((element, index) => [element, index]));
  const merged: unknown[] = [];
  let next = 0;
  const takeUntil = (end: number): void => {
    for (; next < end; next += 1) {
      merged.push(mergeFields(liveByElement.get(elements[next] ?? ''), applied[next], itemShape));
    }
  };
  for (const item of live) {
    const index = indexOf.get(itemElement(shape, item));
    if (index === undefined) {
      merged.push(item);
    } else {
      takeUntil(index + 1);
    }
  }
  takeUntil(applied.length);
  return merged;
}

/** The object without the members of a set. Pure; unchanged parts are shared. */
export function removeFields(value: unknown, fields: FieldsNode, shape: Shape): unknown {
  if (isObjectShape(shape, value)) {
    const kept: MutableRecord = {};
    for (const name of Object.keys(value)) {
      const node = fields[`f:${name}`];
      if (node === undefined) {
        setOwn(kept, name, value[name]);
      } else if (!isMember(node)) {
        setOwn(kept, name, removeFields(value[name], node, shapeOfEntry(shape, name)));
      }
    }
    return kept;
  }
  if (isListShape(shape, value)) {
    const itemShape: Shape = shape.kind === 'list' ? shape.item : { kind: 'leaf' };
    return value.flatMap((item) => {
      const node = fields[itemElement(shape, item)];
      if (node === undefined) {
        return [item];
      }
      return isMember(node) ? [] : [isRecord(item) ? removeFields(item, node, itemShape) : item];
    });
  }
  return value;
}
