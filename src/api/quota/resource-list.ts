import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  subtractQuantities,
  type Quantity,
} from '../quantity.ts';

/** Quantities by the name of what they measure. */
export type ResourceList = Readonly<Record<string, string>>;

const ZERO: Quantity = parseQuantity('0');

/** Sums by name; what only one of them names stays as it is. */
export function addResources(left: ResourceList, right: ResourceList): ResourceList {
  return merge(left, right, addQuantities);
}

/** The larger of each; what only one of them names stays as it is. */
export function maxResources(left: ResourceList, right: ResourceList): ResourceList {
  return merge(left, right, (a, b) => (compareQuantities(a, b) >= 0 ? a : b));
}

function merge(
  left: ResourceList,
  right: ResourceList,
  join: (left: Quantity, right: Quantity) => Quantity,
): ResourceList {
  const joined: Record<string, string> = { ...left };
  for (const [name, value] of Object.entries(right)) {
    const before = joined[name];
    joined[name] =
      before === undefined ? value : formatQuantity(join(parseQuantity(before), parseQuantity(value)));
  }
  return joined;
}

/** By how much each quantity of `left` is above that of `right`; what is not above is left out. */
export function excessOf(left: ResourceList, right: ResourceList): ResourceList {
  const excess: Record<string, string> = {};
  for (const [name, value] of Object.entries(left)) {
    const difference = subtractQuantities(parseQuantity(value), parseQuantity(right[name] ?? '0'));
    if (compareQuantities(difference, ZERO) > 0) {
      excess[name] = formatQuantity(difference);
    }
  }
  return excess;
}

/** Only the named ones. */
export function pickResources(list: ResourceList, names: readonly string[]): ResourceList {
  return Object.fromEntries(names.flatMap((name) => (list[name] === undefined ? [] : [[name, list[name]]])));
}

/** The names of those that are above their bound, where there is one. */
export function exceededNames(list: ResourceList, bounds: ResourceList): readonly string[] {
  return Object.keys(list).filter((name) => {
    const bound = bounds[name];
    return (
      bound !== undefined && compareQuantities(parseQuantity(list[name] ?? '0'), parseQuantity(bound)) > 0
    );
  });
}

/** True when both measure the same things and find them equal. */
export function equalResources(left: ResourceList, right: ResourceList): boolean {
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => {
      const other = right[name];
      return (
        other !== undefined && compareQuantities(parseQuantity(left[name] ?? '0'), parseQuantity(other)) === 0
      );
    })
  );
}

/** @throws {QuantityError} the text is no quantity */
export function isNegative(quantity: string): boolean {
  return compareQuantities(parseQuantity(quantity), ZERO) < 0;
}
