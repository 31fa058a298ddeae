import { assert } from '#base/assert.ts';

/** One of those who share. `target >= lower >= 0`, and `upper >= lower`. */
export interface Sharer {
  readonly lower: number;
  readonly upper: number;
  readonly target: number;
}

export interface Shares {
  readonly seats: readonly number[];
  /** What part of its target each gets that meets neither of its bounds. */
  readonly fairFraction: number;
}

/** Keeps a target of nothing from dividing by zero. */
const TARGET_MIN = 0.001;

/**
 * Shares `total` seats so that everybody gets the same fraction of its target, save those whom that would put
 * below their lower or above their upper bound: they get the bound. Undefined when the bounds leave no such sharing.
 *
 * The sum grows with the fraction, piece by piece linear between the fractions at which somebody leaves the
 * lower or meets the upper bound; so the piece that holds the total is looked for, and the line solved.
 */
export function shareSeats(total: number, sharers: readonly Sharer[]): Shares | undefined {
  const lowest = sum(sharers.map(({ lower }) => lower));
  const highest = sum(sharers.map(({ upper }) => upper));
  const tolerance = 1e-7;
  if (total < 0 || lowest - total > tolerance || total - highest > tolerance) {
    return undefined;
  }
  if (total === 0) {
    return { seats: sharers.map(() => 0), fairFraction: 0 };
  }
  const targets = sharers.map(({ target }) => Math.max(target, TARGET_MIN));
  const bends = sharers
    .flatMap(({ lower, upper }, index) => [lower / (targets[index] ?? 1), upper / (targets[index] ?? 1)])
    .toSorted((left, right) => left - right);
  const given = (fraction: number): number[] =>
    sharers.map(({ lower, upper }, index) =>
      Math.min(Math.max(fraction * (targets[index] ?? 1), lower), upper),
    );
  let below = bends[0] ?? 0;
  for (const bend of bends) {
    const sumAtBend = sum(given(bend));
    if (sumAtBend >= total - tolerance) {
      const sumBelow = sum(given(below));
      const slope = bend === below ? 0 : (sumAtBend - sumBelow) / (bend - below);
      const fairFraction = slope === 0 ? bend : Math.min(below + (total - sumBelow) / slope, bend);
      return { seats: given(Math.max(fairFraction, below)), fairFraction };
    }
    below = bend;
  }
  assert(highest - total <= tolerance, 'some fraction gives out all seats');
  return { seats: sharers.map(({ upper }) => upper), fairFraction: below };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
