import { compareQuantities, parseQuantity } from '../quantity.ts';
import type {
  CapacityRequestPolicy,
  CapacityRequestPolicyRange,
  DeviceCapacity,
} from '../types/resource.v1.ts';
import { checkItems, checkUnique } from './device-rules.ts';
import type { Problems } from './problems.ts';

const CHOICES_MAX = 10;
const INT64_MAX = 2n ** 63n - 1n;
const NANOS = 1_000_000_000n;

/** How much of a capacity one claim may ask for; only where a device is shared. */
export function checkCapacity(
  problems: Problems,
  path: string,
  { value, requestPolicy: policy }: DeviceCapacity,
  isShared: boolean,
): void {
  if (policy === undefined) {
    return;
  }
  const at = `${path}.requestPolicy`;
  if (!isShared) {
    problems.forbidden(at, 'allowMultipleAllocations must be true');
    return;
  }
  const { validValues = [], validRange } = policy;
  if (validValues.length > 0 && validRange !== undefined) {
    problems.forbidden(
      at,
      'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time',
    );
  } else if (validValues.length > 0) {
    checkChoices(problems, at, value, policy);
  } else if (validRange !== undefined) {
    if (policy.default === undefined) {
      problems.required(`${at}.default`, 'required when validRange is defined');
    } else {
      checkRange(problems, `${at}.validRange`, {
        capacity: value,
        standard: policy.default,
        range: validRange,
      });
    }
  }
}

function isMore(left: string, right: string): boolean {
  return compareQuantities(parseQuantity(left), parseQuantity(right)) > 0;
}

function checkChoices(
  problems: Problems,
  path: string,
  capacity: string,
  { default: standard, validValues = [] }: CapacityRequestPolicy,
): void {
  if (standard === undefined) {
    problems.required(`${path}.default`, 'required when validValues is defined');
    return;
  }
  const at = `${path}.validValues`;
  for (const [index, value] of validValues.entries()) {
    const before = validValues[index - 1];
    if (before !== undefined && isMore(before, value)) {
      problems.invalid(`${at}[${index}]`, value, 'values must be sorted in ascending order');
    }
  }
  checkItems(problems, at, validValues, CHOICES_MAX, (value, atEach) => {
    if (isMore(value, capacity)) {
      problems.invalid(atEach, value, `option is larger than capacity value: ${capacity}`);
    }
  });
  checkUnique(problems, at, validValues, { max: CHOICES_MAX, keyOf: (value) => String(units(value)) });
  if (!validValues.some((value) => !isMore(value, standard) && !isMore(standard, value))) {
    problems.invalid(at, standard, 'default value is not valid according to the requestPolicy');
  }
}

/** Whole units, rounded up as upstream's quantities do. */
function units(text: string): bigint {
  const { nanos } = parseQuantity(text);
  const whole = nanos / NANOS;
  return nanos > whole * NANOS ? whole + 1n : whole;
}

interface RangeCheck {
  readonly capacity: string;
  readonly standard: string;
  readonly range: CapacityRequestPolicyRange;
}

function checkRange(problems: Problems, path: string, check: RangeCheck): void {
  const { capacity, standard, range } = check;
  const { min, max, step } = range;
  if (min === undefined) {
    problems.required(`${path}.min`, 'required when validRange is defined');
    return;
  }
  if (isMore(min, capacity)) {
    problems.invalid(`${path}.min`, min, `min is larger than capacity value: ${capacity}`);
  }
  if (isMore(min, standard)) {
    problems.invalid(`${path}.default`, standard, `default is less than min: ${min}`);
  }
  if (max !== undefined) {
    if (isMore(min, max)) {
      problems.invalid(`${path}.max`, min, `min is larger than max: ${max}`);
    }
    if (isMore(max, capacity)) {
      problems.invalid(`${path}.max`, max, `max is larger than capacity value: ${capacity}`);
    }
    if (isMore(standard, max)) {
      problems.invalid(`${path}.default`, standard, `default is more than max: ${max}`);
    }
  }
  if (step !== undefined) {
    checkStep(problems, path, step, { ...check, min });
  }
}

function checkStep(
  problems: Problems,
  path: string,
  step: string,
  { capacity, standard, range, min }: RangeCheck & { readonly min: string },
): void {
  const at = `${path}.step`;
  if (!isMore(step, '0')) {
    problems.invalid(at, step, 'must be greater than zero');
    return;
  }
  const [start, stride] = [units(min), units(step)];
  if (start + stride > units(capacity)) {
    problems.invalid(at, step, `one step ${start + stride} is larger than capacity value: ${capacity}`);
  }
  const bounds = { default: standard, min, max: range.max, step };
  let isSafe = true;
  for (const [name, bound] of Object.entries(bounds)) {
    const wrong = bound === undefined ? undefined : outOfRange(units(bound));
    if (bound !== undefined && wrong !== undefined) {
      problems.invalid(`${path}.${name}`, bound, wrong);
      isSafe = false;
    }
  }
  for (const value of isSafe ? [standard, range.max] : []) {
    if (value !== undefined && (units(value) - start) % stride !== 0n) {
      problems.invalid(at, value, `value is not a multiple of a given step (${step}) from (${min})`);
    }
  }
}

function outOfRange(value: bigint): string | undefined {
  if (value < 0n) {
    return 'must be greater than or equal to 0';
  }
  return value > INT64_MAX ? `must not be larger than ${INT64_MAX}` : undefined;
}
