import { declare, method } from '../declarations.ts';
import type { Library } from '../declarations.ts';
import { structType } from '../types.ts';
import { EvaluationError, OpaqueValue, intOf } from '../value.ts';
import type { Value } from '../value.ts';

export const SEMVER_TYPE = structType('kubernetes.Semver');

class SemverValue extends OpaqueValue {
  readonly type = SEMVER_TYPE;
  /** Major, minor, patch. */
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly prerelease: readonly string[];

  constructor(numbers: readonly [bigint, bigint, bigint], prerelease: readonly string[]) {
    super();
    this.numbers = numbers;
    this.prerelease = prerelease;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof SemverValue && compare(this, other) === 0;
  }
}

const NUMBER = '(0|[1-9]\\d*)';
const SEMVER = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);

function parse(text: string): SemverValue | EvaluationError {
  const match = SEMVER.exec(text);
  const prerelease = match?.[4]?.split('.') ?? [];
  if (match === null || prerelease.some((part) => /^0\d+$/.test(part))) {
    return new EvaluationError(`invalid semantic version ${JSON.stringify(text)}`);
  }
  const [major = 0n, minor = 0n, patch = 0n] = match.slice(1, 4).map(BigInt);
  return new SemverValue([major, minor, patch], prerelease);
}

/** Drops a `v` in front and zeros that lead, and fills in what is missing: `v1.02` becomes `1.2.0`. */
function normalize(text: string): string {
  const [, core = '', rest = ''] = /^v?([^+-]*)(.*)$/s.exec(text) ?? [];
  const parts = core.split('.').map((part) => part.replace(/^0+(?=\d)/, ''));
  while (parts.length < 3) {
    parts.push('0');
  }
  return parts.join('.') + rest;
}

function compare(a: SemverValue, b: SemverValue): number {
  for (const [index, left] of a.numbers.entries()) {
    const right = b.numbers[index] ?? 0n;
    if (left !== right) {
      return left < right ? -1 : 1;
    }
  }
  return comparePrerelease(a.prerelease, b.prerelease);
}

/** A version before its release comes first; numbers come before words. */
function comparePrerelease(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) {
    return Math.sign(b.length - a.length);
  }
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) {
      return 1;
    }
    if (left !== right) {
      const [isLeftNumber, isRightNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)];
      if (isLeftNumber && isRightNumber) {
        return BigInt(left) < BigInt(right) ? -1 : 1;
      }
      return isLeftNumber !== isRightNumber ? (isLeftNumber ? -1 : 1) : left < right ? -1 : 1;
    }
  }
  return a.length < b.length ? -1 : 0;
}

function read(text: string, shouldNormalize = false): Value {
  return parse(shouldNormalize ? normalize(text) : text);
}

function isSemver(text: string, shouldNormalize = false): boolean {
  return read(text, shouldNormalize) instanceof SemverValue;
}

function part(index: 0 | 1 | 2): (version: SemverValue) => Value {
  return ({ numbers }) => intOf(numbers[index]);
}

const semver = SEMVER_TYPE.name;

/** `semver('1.2.3')` and what can be asked of it: version 1, which can also normalize. */
export const SEMVER_LIBRARY: Library = {
  types: [SEMVER_TYPE],
  overloads: [
    declare('string_to_semver', `semver(string): ${semver}`, read),
    declare('string_bool_to_semver', `semver(string, bool): ${semver}`, read),
    declare('is_semver_string', 'isSemver(string): bool', isSemver),
    declare('is_semver_string_bool', 'isSemver(string, bool): bool', isSemver),
    method('semver_compare_to', `compareTo(${semver}, ${semver}): int`, compare),
    method(
      'semver_is_greater_than',
      `isGreaterThan(${semver}, ${semver}): bool`,
      (a: SemverValue, b: SemverValue) => compare(a, b) > 0,
    ),
    method(
      'semver_is_less_than',
      `isLessThan(${semver}, ${semver}): bool`,
      (a: SemverValue, b: SemverValue) => compare(a, b) < 0,
    ),
    method('semver_major', `major(${semver}): int`, part(0)),
    method('semver_minor', `minor(${semver}): int`, part(1)),
    method('semver_patch', `patch(${semver}): int`, part(2)),
  ],
};
