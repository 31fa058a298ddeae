import { intArithmetic, uintArithmetic } from '../arithmetic.ts';
import { declare, method } from '../declarations.ts';
import type { Library, Overload } from '../declarations.ts';
import { equal } from '../equality.ts';
import { Double, Duration, EvaluationError, ListValue, fitsInt, isError, isInt } from '../value.ts';
import type { Uint, Value } from '../value.ts';
import { compareValues } from './compare-values.ts';

type Int = number | bigint;

/** Longest list that `lists.range` makes. */
const RANGE_MAX = 1_000_000;

const COMPARABLE = ['int', 'uint', 'double', 'bool', 'string', 'bytes', 'duration', 'timestamp'] as const;

/** Each type that adds up, with its nothing and its sum. */
const SUMMABLE: readonly (readonly [name: string, zero: () => Value, add: (a: never, b: never) => Value])[] =
  [
    ['int', () => 0, intArithmetic.add],
    ['uint', () => ZERO_UINT, uintArithmetic.add],
    ['double', () => new Double(0), (a: Double, b: Double) => new Double(a.value + b.value)],
    [
      'duration',
      () => new Duration(0n),
      (a: Duration, b: Duration) =>
        fitsInt(a.nanos + b.nanos)
          ? new Duration(a.nanos + b.nanos)
          : new EvaluationError('duration overflow'),
    ],
  ];

function isSorted(list: ListValue): Value {
  for (let index = 1; index < list.size; index++) {
    const order = compareValues(list.at(index - 1), list.at(index));
    if (order === undefined) {
      return new EvaluationError('no such overload');
    }
    if (order > 0) {
      return false;
    }
  }
  return true;
}

function extreme(name: 'min' | 'max'): (list: ListValue) => Value {
  return (list) => {
    if (list.size === 0) {
      return new EvaluationError(`${name} called on empty list`);
    }
    let best = list.at(0);
    for (let index = 1; index < list.size; index++) {
      const candidate = list.at(index);
      const order = compareValues(candidate, best);
      if (order === undefined) {
        return new EvaluationError('no such overload');
      }
      if (name === 'min' ? order < 0 : order > 0) {
        best = candidate;
      }
    }
    return best;
  };
}

function summed(zero: () => Value, add: (a: never, b: never) => Value): (list: ListValue) => Value {
  // The overload's type says that all elements are of the type that is added.
  const plus = add as (a: Value, b: Value) => Value;
  return (list) => {
    let total = zero();
    for (let index = 0; index < list.size; index++) {
      total = plus(total, list.at(index));
      if (isError(total)) {
        break;
      }
    }
    return total;
  };
}

function indexOf(list: ListValue, value: Value): number {
  return list.toArray().findIndex((element) => equal(element, value));
}

function lastIndexOf(list: ListValue, value: Value): number {
  return list.toArray().findLastIndex((element) => equal(element, value));
}

/** Also asked of single values, which are compared as they are. */
function includes(value: Value, wanted: Value): boolean {
  return value instanceof ListValue ? indexOf(value, wanted) !== -1 : equal(value, wanted);
}

const ZERO_UINT: Uint = uintArithmetic.zero;

/** The list functions Kubernetes had before the extension did. */
export const KUBERNETES_LISTS: Library = {
  overloads: [
    ...COMPARABLE.flatMap((name) => [
      method(`list_${name}_is_sorted_bool`, `isSorted(list(${name})): bool`, isSorted),
      method(`list_${name}_max_${name}`, `max(list(${name})): ${name}`, extreme('max')),
      method(`list_${name}_min_${name}`, `min(list(${name})): ${name}`, extreme('min')),
    ]),
    ...SUMMABLE.map(([name, zero, add]) =>
      method(`list_${name}_sum_${name}`, `sum(list(${name})): ${name}`, summed(zero, add)),
    ),
    method('list_a_index_of_int', 'indexOf(list(A), A): int', indexOf),
    method('list_a_last_index_of_int', 'lastIndexOf(list(A), A): int', lastIndexOf),
    method('list_includes_dyn_dyn', 'includes(dyn, dyn): bool', includes),
  ],
};

function slice(list: ListValue, start: Int, end: Int): Value {
  if (start < 0 || end < 0) {
    return new EvaluationError(`cannot slice(${start}, ${end}), negative indexes not supported`);
  }
  if (start > end) {
    return new EvaluationError(
      `cannot slice(${start}, ${end}), start index must be less than or equal to end index`,
    );
  }
  if (end > list.size) {
    return new EvaluationError(`cannot slice(${start}, ${end}), list is length ${list.size}`);
  }
  return ListValue.of(list.toArray().slice(Number(start), Number(end)));
}

function flatten(list: ListValue, depth: Int = 1): Value {
  return depth < 0
    ? new EvaluationError('level must be non-negative')
    : ListValue.of(flattened(list, Number(depth)));
}

function flattened(list: ListValue, depth: number): readonly Value[] {
  return list
    .toArray()
    .flatMap((element) =>
      element instanceof ListValue && depth > 0 ? flattened(element, depth - 1) : [element],
    );
}

function range(size: Int): Value {
  if (!isInt(size) || size > RANGE_MAX) {
    return new EvaluationError(`lists.range: size ${size} exceeds limit ${RANGE_MAX}`);
  }
  return ListValue.of(Array.from({ length: Math.max(0, Number(size)) }, (_, index) => index));
}

function distinct(list: ListValue): Value {
  const kept: Value[] = [];
  for (const element of list.toArray()) {
    if (!kept.some((other) => equal(other, element))) {
      kept.push(element);
    }
  }
  return ListValue.of(kept);
}

function sort(list: ListValue): Value {
  const elements = [...list.toArray()];
  const [first] = elements;
  if (first !== undefined && elements.some((element) => compareValues(first, element) === undefined)) {
    return new EvaluationError('list elements must have the same type');
  }
  return ListValue.of(elements.sort((a, b) => compareValues(a, b) ?? 0));
}

function sortByKeys(list: ListValue, keys: ListValue): Value {
  const pairs = list.toArray().map((element, index) => ({ element, key: keys.at(index) }));
  const [first] = pairs;
  if (first !== undefined && pairs.some(({ key }) => compareValues(first.key, key) === undefined)) {
    return new EvaluationError('list elements must have the same type');
  }
  return ListValue.of(pairs.sort((a, b) => compareValues(a.key, b.key) ?? 0).map(({ element }) => element));
}

const SORTS: readonly Overload[] = COMPARABLE.flatMap((name) => [
  method(`list_${name}_sort`, `sort(list(${name})): list(${name})`, sort),
  declare(
    `list_${name}_sortByAssociatedKeys`,
    `@sortByAssociatedKeys(list(T), list(${name})): list(T)`,
    sortByKeys,
  ),
]);

/** The lists extension as Kubernetes enables it: version 3. */
export const LISTS: Library = {
  overloads: [
    method('list_slice', 'slice(list(T), int, int): list(T)', slice),
    method('list_flatten', 'flatten(list(list(T))): list(T)', flatten),
    method('list_flatten_int', 'flatten(list(dyn), int): list(dyn)', flatten),
    ...SORTS,
    declare('lists_range', 'lists.range(int): list(int)', range),
    method('list_reverse', 'reverse(list(T)): list(T)', (list: ListValue) =>
      ListValue.of(list.toArray().toReversed()),
    ),
    method('list_distinct', 'distinct(list(T)): list(T)', distinct),
  ],
};

function containsAll(list: ListValue, others: ListValue): boolean {
  const elements = list.toArray();
  return others.toArray().every((other) => elements.some((element) => equal(element, other)));
}

/** The sets extension: lists whose order and repeats do not matter. */
export const SETS: Library = {
  overloads: [
    declare('list_sets_contains_list', 'sets.contains(list(T), list(T)): bool', containsAll),
    declare(
      'list_sets_equivalent_list',
      'sets.equivalent(list(T), list(T)): bool',
      (a: ListValue, b: ListValue) => containsAll(a, b) && containsAll(b, a),
    ),
    declare(
      'list_sets_intersects_list',
      'sets.intersects(list(T), list(T)): bool',
      (a: ListValue, b: ListValue) => {
        const others = b.toArray();
        return a.toArray().some((element) => others.some((other) => equal(element, other)));
      },
    ),
  ],
};
