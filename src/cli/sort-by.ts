import { parseQuantity, QuantityError } from '#api/quantity.ts';
import { CliError } from './cli-error.ts';
import { type AnyObject, valueAt } from './object-access.ts';
import { jsonPathText, valuesAtPath } from './printers/json-path.ts';
import { parseRelaxedPath } from './printers/json-path-parser.ts';

/** Objects in the order of a field: numbers by size, quantities by amount, text in natural order. */
export function sortObjects(objects: readonly AnyObject[], path: string): readonly AnyObject[] {
  return sorted(objects, path, (object) => object);
}

/** Rows of a table, by a field of the objects they came with. */
export function sortRows(rows: readonly unknown[], path: string): readonly unknown[] {
  return sorted(rows, path, (row) => valueAt(row, 'object'));
}

function sorted<T>(items: readonly T[], path: string, objectOf: (item: T) => unknown): readonly T[] {
  const template = parseRelaxedPath(path);
  const keyed = items.map((item) => ({
    item,
    key: valuesAtPath(template, objectOf(item), { allowsMissing: true })[0],
  }));
  if (keyed.length > 0 && keyed.every(({ key }) => key === undefined)) {
    throw new CliError(
      `couldn't find any field with path ${JSON.stringify(bracedPath(path))} in the list of objects`,
    );
  }
  return keyed.toSorted((left, right) => compareKeys(left.key, right.key)).map(({ item }) => item);
}

function bracedPath(path: string): string {
  return path.startsWith('{') ? path : `{${path.startsWith('.') ? '' : '.'}${path}}`;
}

function compareKeys(left: unknown, right: unknown): number {
  if (left === undefined || right === undefined) {
    return Number(left !== undefined) - Number(right !== undefined);
  }
  if (typeof left === 'number' && typeof right === 'number') {
    return left - right;
  }
  const [leftText, rightText] = [jsonPathText(left), jsonPathText(right)];
  const [leftNanos, rightNanos] = [nanosOf(leftText), nanosOf(rightText)];
  if (leftNanos !== undefined && rightNanos !== undefined) {
    return leftNanos < rightNanos ? -1 : leftNanos > rightNanos ? 1 : 0;
  }
  return naturalOrder(leftText, rightText);
}

function nanosOf(text: string): bigint | undefined {
  try {
    return parseQuantity(text).nanos;
  } catch (error) {
    if (error instanceof QuantityError) {
      return undefined;
    }
    throw error;
  }
}

/** `web-2` stands before `web-10`. */
function naturalOrder(left: string, right: string): number {
  const [leftParts, rightParts] = [left.match(/\d+|\D+/g) ?? [], right.match(/\d+|\D+/g) ?? []];
  for (let index = 0; index < Math.max(leftParts.length, rightParts.length); index++) {
    const [one, other] = [leftParts[index], rightParts[index]];
    if (one === undefined || other === undefined) {
      return one === undefined ? -1 : 1;
    }
    const isNumeric = /^\d/.test(one) && /^\d/.test(other);
    const order = isNumeric ? Number(one) - Number(other) : one < other ? -1 : one > other ? 1 : 0;
    if (order !== 0) {
      return order;
    }
  }
  return 0;
}
