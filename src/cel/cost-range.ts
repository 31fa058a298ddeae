/** Least and most, of a cost or a size. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Estimates stop here, at 2^64, as upstream's do; it stands for "no bound is known". */
export const UNBOUNDED = 2 ** 64;

export const UNKNOWN_SIZE: Range = { min: 0, max: UNBOUNDED };
export const ZERO: Range = { min: 0, max: 0 };
export const ONE: Range = { min: 1, max: 1 };

function capped(value: number): number {
  return Math.min(value, UNBOUNDED);
}

export function fixed(value: number): Range {
  return { min: value, max: value };
}

export function plus(...ranges: readonly Range[]): Range {
  return ranges.reduce(
    (sum, { min, max }) => ({ min: capped(sum.min + min), max: capped(sum.max + max) }),
    ZERO,
  );
}

export function times(a: Range, b: Range): Range {
  return { min: capped(a.min * b.min), max: capped(a.max * b.max) };
}

/** Rounded up to whole units. */
export function scaled({ min, max }: Range, factor: number): Range {
  return { min: capped(Math.ceil(min * factor)), max: capped(Math.ceil(max * factor)) };
}

/** The smallest range that holds both. */
export function union(a: Range, b: Range): Range {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}
