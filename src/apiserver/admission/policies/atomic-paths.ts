import { isListShape, isObjectShape, shapeOfEntry, type Shape } from '#codec/managed-fields/field-shape.ts';

/**
 * Where a configuration sets lists, maps or structs that only change as a whole: setting some of their parts would
 * silently remove the others.
 */
export function atomicPaths(value: unknown, shape: Shape, path = ''): readonly string[] {
  if (isObjectShape(shape, value)) {
    return Object.entries(value).flatMap(([name, entry]) =>
      atomicPaths(entry, shapeOfEntry(shape, name), `${path}.${name}`),
    );
  }
  if (isListShape(shape, value)) {
    const item: Shape = shape.kind === 'list' ? shape.item : { kind: 'leaf' };
    return value.flatMap((each, index) => atomicPaths(each, item, `${path}[${index}]`));
  }
  return typeof value === 'object' && value !== null ? [path] : [];
}
