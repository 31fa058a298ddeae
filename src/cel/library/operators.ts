import { intArithmetic, uintArithmetic } from '../arithmetic.ts';
import { declare } from '../declarations.ts';
import type { Library, Overload } from '../declarations.ts';
import { compareText, equal } from '../equality.ts';
import { selectIndex, selectOptionalIndex } from '../evaluator/access.ts';
import { TIMESTAMP_SECONDS_MAX, TIMESTAMP_SECONDS_MIN } from '../time-text.ts';
import {
  Double,
  Duration,
  EvaluationError,
  ListValue,
  Timestamp,
  fitsInt,
  noSuchOverload,
} from '../value.ts';
import type { MapValue, Uint, Value } from '../value.ts';

const NANOS_PER_SECOND = 1_000_000_000n;

function boolean(name: string, signature: string): Overload {
  // The evaluator compiles these itself, as they do not always need all their operands.
  return declare(name, signature, noSuchOverload);
}

const LOGIC = [
  boolean('conditional', '_?_:_(bool, A, A): A'),
  boolean('logical_and', '_&&_(bool, bool): bool'),
  boolean('logical_or', '_||_(bool, bool): bool'),
  boolean('not_strictly_false', '@not_strictly_false(bool): bool'),
  declare('logical_not', '!_(bool): bool', (value: boolean) => !value),
  declare('equals', '_==_(A, A): bool', (a: Value, b: Value) => equal(a, b)),
  declare('not_equals', '_!=_(A, A): bool', (a: Value, b: Value) => !equal(a, b)),
];

function durationOf(nanos: bigint): Duration | EvaluationError {
  return fitsInt(nanos) ? new Duration(nanos) : new EvaluationError('duration overflow');
}

function nanosOf({ seconds, nanos }: Timestamp): bigint {
  return BigInt(seconds) * NANOS_PER_SECOND + BigInt(nanos);
}

function timestampOf(total: bigint): Timestamp | EvaluationError {
  const nanos = ((total % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND;
  const seconds = Number((total - nanos) / NANOS_PER_SECOND);
  return seconds >= TIMESTAMP_SECONDS_MIN && seconds <= TIMESTAMP_SECONDS_MAX
    ? new Timestamp(seconds, Number(nanos))
    : new EvaluationError('timestamp overflow');
}

/** Lists that are sets or maps unite; `map` keeps the place of what is replaced. */
function concatenate(a: ListValue, b: ListValue): ListValue {
  const { kind } = a;
  if (kind === 'atomic') {
    return ListValue.of([...a.toArray(), ...b.toArray()]);
  }
  const united = [...a.toArray()];
  for (const added of b.toArray()) {
    const place = united.findIndex((element) =>
      kind === 'set' ? equal(element, added) : kind.keys.every((key) => equalField(element, added, key)),
    );
    if (place === -1) {
      united.push(added);
    } else {
      united[place] = added;
    }
  }
  return ListValue.of(united, kind);
}

function equalField(a: Value, b: Value, key: string): boolean {
  return equal(selectIndex(a, key), selectIndex(b, key));
}

const ARITHMETIC = [
  declare(
    'add_bytes',
    '_+_(bytes, bytes): bytes',
    (a: Uint8Array, b: Uint8Array) => new Uint8Array([...a, ...b]),
  ),
  declare(
    'add_double',
    '_+_(double, double): double',
    (a: Double, b: Double) => new Double(a.value + b.value),
  ),
  declare('add_duration_duration', '_+_(duration, duration): duration', (a: Duration, b: Duration) =>
    durationOf(a.nanos + b.nanos),
  ),
  declare('add_duration_timestamp', '_+_(duration, timestamp): timestamp', (a: Duration, b: Timestamp) =>
    timestampOf(a.nanos + nanosOf(b)),
  ),
  declare('add_timestamp_duration', '_+_(timestamp, duration): timestamp', (a: Timestamp, b: Duration) =>
    timestampOf(nanosOf(a) + b.nanos),
  ),
  declare('add_int64', '_+_(int, int): int', intArithmetic.add),
  declare('add_list', '_+_(list(A), list(A)): list(A)', concatenate),
  declare('add_string', '_+_(string, string): string', (a: string, b: string) => a + b),
  declare('add_uint64', '_+_(uint, uint): uint', uintArithmetic.add),
  declare(
    'subtract_double',
    '_-_(double, double): double',
    (a: Double, b: Double) => new Double(a.value - b.value),
  ),
  declare('subtract_duration_duration', '_-_(duration, duration): duration', (a: Duration, b: Duration) =>
    durationOf(a.nanos - b.nanos),
  ),
  declare('subtract_int64', '_-_(int, int): int', intArithmetic.subtract),
  declare('subtract_timestamp_duration', '_-_(timestamp, duration): timestamp', (a: Timestamp, b: Duration) =>
    timestampOf(nanosOf(a) - b.nanos),
  ),
  declare(
    'subtract_timestamp_timestamp',
    '_-_(timestamp, timestamp): duration',
    (a: Timestamp, b: Timestamp) => durationOf(nanosOf(a) - nanosOf(b)),
  ),
  declare('subtract_uint64', '_-_(uint, uint): uint', uintArithmetic.subtract),
  declare(
    'multiply_double',
    '_*_(double, double): double',
    (a: Double, b: Double) => new Double(a.value * b.value),
  ),
  declare('multiply_int64', '_*_(int, int): int', intArithmetic.multiply),
  declare('multiply_uint64', '_*_(uint, uint): uint', uintArithmetic.multiply),
  declare(
    'divide_double',
    '_/_(double, double): double',
    (a: Double, b: Double) => new Double(a.value / b.value),
  ),
  declare('divide_int64', '_/_(int, int): int', intArithmetic.divide),
  declare('divide_uint64', '_/_(uint, uint): uint', uintArithmetic.divide),
  declare('modulo_int64', '_%_(int, int): int', intArithmetic.modulo),
  declare('modulo_uint64', '_%_(uint, uint): uint', uintArithmetic.modulo),
  declare('negate_double', '-_(double): double', (a: Double) => new Double(-a.value)),
  declare('negate_int64', '-_(int): int', intArithmetic.negate),
];

/** Negative, zero or positive; NaN where there is no order. */
type Compare = (a: never, b: never) => number;

/** The parts of overloads' names and types for each pair that has an order. */
const COMPARED: readonly (readonly [suffix: string, left: string, right: string, compare: Compare])[] = [
  ['bool', 'bool', 'bool', (a: boolean, b: boolean) => Number(a) - Number(b)],
  ['int64', 'int', 'int', (a: number | bigint, b: number | bigint) => (a < b ? -1 : a > b ? 1 : 0)],
  ['int64_double', 'int', 'double', (a: number | bigint, b: Double) => compareNumbers(a, b.value)],
  ['int64_uint64', 'int', 'uint', (a: number | bigint, b: Uint) => compareNumbers(a, b.value)],
  ['uint64', 'uint', 'uint', (a: Uint, b: Uint) => compareNumbers(a.value, b.value)],
  ['uint64_double', 'uint', 'double', (a: Uint, b: Double) => compareNumbers(a.value, b.value)],
  ['uint64_int64', 'uint', 'int', (a: Uint, b: number | bigint) => compareNumbers(a.value, b)],
  ['double', 'double', 'double', (a: Double, b: Double) => compareNumbers(a.value, b.value)],
  ['double_int64', 'double', 'int', (a: Double, b: number | bigint) => compareNumbers(a.value, b)],
  ['double_uint64', 'double', 'uint', (a: Double, b: Uint) => compareNumbers(a.value, b.value)],
  ['string', 'string', 'string', compareText],
  ['bytes', 'bytes', 'bytes', (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b)],
  [
    'timestamp',
    'timestamp',
    'timestamp',
    (a: Timestamp, b: Timestamp) => a.seconds - b.seconds || a.nanos - b.nanos,
  ],
  ['duration', 'duration', 'duration', (a: Duration, b: Duration) => compareNumbers(a.nanos, b.nanos)],
];

/** The language compares bigints and numbers exactly. */
function compareNumbers(a: number | bigint, b: number | bigint): number {
  if (a < b) {
    return -1;
  }
  // A bigint is never `===` to a number, but orders with one.
  return a > b ? 1 : a >= b ? 0 : Number.NaN;
}

const RELATIONS: readonly (readonly [id: string, operator: string, holds: (order: number) => boolean])[] = [
  ['less', '_<_', (order) => order < 0],
  ['less_equals', '_<=_', (order) => order <= 0],
  ['greater', '_>_', (order) => order > 0],
  ['greater_equals', '_>=_', (order) => order >= 0],
];

const COMPARISONS = RELATIONS.flatMap(([id, operator, holds]) =>
  COMPARED.map(([suffix, left, right, compare]) =>
    declare(`${id}_${suffix}`, `${operator}(${left}, ${right}): bool`, (a: never, b: never) =>
      holds(compare(a, b)),
    ),
  ),
);

const COLLECTIONS = [
  declare('index_list', '_[_](list(A), int): A', selectIndex),
  declare('index_map', '_[_](map(A, B), A): B', selectIndex),
  declare('in_list', '@in(A, list(A)): bool', (value: Value, list: ListValue) => {
    for (let index = 0; index < list.size; index++) {
      if (equal(list.at(index), value)) {
        return true;
      }
    }
    return false;
  }),
  declare('in_map', '@in(A, map(A, B)): bool', (key: Value, map: MapValue) => map.has(key)),
  // Folds insert in place; these are what the checker knows of it.
  declare('cel.@mapInsert_map_key_value', 'cel.@mapInsert(map(K, V), K, V): map(K, V)', noSuchOverload),
  declare('cel.@mapInsert_map_map', 'cel.@mapInsert(map(K, V), map(K, V)): map(K, V)', noSuchOverload),
  declare(
    'optional_list_optindex_optional_int',
    '_[?_](optional(list(V)), int): optional(V)',
    selectOptionalIndex,
  ),
  declare('list_optindex_optional_int', '_[?_](list(V), int): optional(V)', selectOptionalIndex),
  declare(
    'optional_map_optindex_optional_value',
    '_[?_](optional(map(K, V)), K): optional(V)',
    selectOptionalIndex,
  ),
  declare('map_optindex_optional_value', '_[?_](map(K, V), K): optional(V)', selectOptionalIndex),
  declare('optional_list_index_int', '_[_](optional(list(V)), int): optional(V)', selectIndex),
  declare('optional_map_index_value', '_[_](optional(map(K, V)), K): optional(V)', selectIndex),
];

/** What the grammar's operators do. */
export const OPERATORS: Library = { overloads: [...LOGIC, ...ARITHMETIC, ...COMPARISONS, ...COLLECTIONS] };
