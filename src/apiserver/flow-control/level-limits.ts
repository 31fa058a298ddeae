import type { PriorityLevelConfiguration } from '#api/types/flowcontrol.v1.ts';
import { EXEMPT } from './bootstrap-config.ts';
import type { QueueConfig } from './queue-set.ts';
import type { SeatDemandStats } from './seat-demand.ts';
import { shareSeats } from './share-seats.ts';
import { entropyBits } from './shuffle-shard.ts';

/** Seats of a level: what its share comes to, what it keeps for itself, and what it may have at most. */
export interface LevelLimits {
  readonly nominal: number;
  readonly lower: number;
  readonly upper: number;
}

/** More would deal hands unevenly. */
const ENTROPY_BITS_MAX = 60;

/**
 * Shares of a level, of which an exempt one may have none.
 *
 * @param shareSum of all levels
 */
export function limitsOf(
  config: PriorityLevelConfiguration,
  { serverSeats, shareSum }: { readonly serverSeats: number; readonly shareSum: number },
): LevelLimits {
  const { limited, exempt } = config.spec;
  const nominal = shareSum === 0 ? 0 : Math.ceil((serverSeats * sharesOf(config)) / shareSum);
  const lendable = Math.round((nominal * ((limited ?? exempt)?.lendablePercent ?? 0)) / 100);
  const borrowable =
    limited?.borrowingLimitPercent === undefined
      ? serverSeats
      : Math.round((nominal * limited.borrowingLimitPercent) / 100);
  return { nominal, lower: nominal - lendable, upper: nominal + borrowable };
}

export function sharesOf({ spec: { limited, exempt } }: PriorityLevelConfiguration): number {
  return (limited ?? exempt)?.nominalConcurrencyShares ?? 0;
}

/** False for one that contradicts itself; it is treated as if it were not there. */
export function isUsable({ metadata: { name }, spec }: PriorityLevelConfiguration): boolean {
  const isExempt = spec.type === 'Exempt';
  if (isExempt !== (name === EXEMPT) || isExempt !== (spec.exempt !== undefined)) {
    return false;
  }
  if ((spec.type === 'Limited') !== (spec.limited !== undefined)) {
    return false;
  }
  const response = spec.limited?.limitResponse;
  if (response === undefined) {
    return isExempt;
  }
  const { queuing } = response;
  if ((response.type === 'Reject') !== (queuing === undefined)) {
    return false;
  }
  return (
    queuing === undefined ||
    (queuing.queues > 0 &&
      queuing.handSize > 0 &&
      queuing.handSize <= queuing.queues &&
      entropyBits(queuing.queues, queuing.handSize) <= ENTROPY_BITS_MAX)
  );
}

export function queueConfigOf({ spec }: PriorityLevelConfiguration): QueueConfig | undefined {
  const queuing = spec.limited?.limitResponse.queuing;
  return queuing === undefined
    ? undefined
    : { queues: queuing.queues, handSize: queuing.handSize, lengthMax: queuing.queueLengthLimit };
}

/** A level as it takes part in lending and borrowing. */
export interface Borrower {
  readonly isExempt: boolean;
  readonly limits: LevelLimits;
  readonly demand: SeatDemandStats;
  /** What it has until now; kept where no sharing is possible. */
  readonly current: number;
}

export interface Allocation {
  readonly fairFraction: number;
  /** By the order of the levels. */
  readonly seats: readonly number[];
  readonly targets: readonly number[];
}

/**
 * Shares out the server's seats anew: first what exempt levels used, then to each limited one at least what it
 * needed of its own, and the rest in proportion to what they need.
 */
export function allocateSeats(levels: readonly Borrower[], nominalSum: number): Allocation {
  const exemptSeats = ({ limits, demand }: Borrower): number => Math.max(limits.lower, demand.highWatermark);
  const floorOf = ({ limits, demand }: Borrower): number =>
    Math.max(limits.lower, Math.min(limits.nominal, demand.highWatermark));
  const targetOf = (level: Borrower): number => Math.max(floorOf(level), level.demand.smoothed);
  const limited = levels.filter(({ isExempt }) => !isExempt);
  const left = levels
    .filter(({ isExempt }) => isExempt)
    .reduce((rest, level) => rest - exemptSeats(level), nominalSum);
  const lowerSum = limited.reduce((sum, { limits }) => sum + limits.lower, 0);
  const floorSum = limited.reduce((sum, level) => sum + floorOf(level), 0);
  const targets = levels.map((level) => (level.isExempt ? exemptSeats(level) : targetOf(level)));
  const result = (seatsOf: (level: Borrower) => number, fairFraction = 0): Allocation => ({
    fairFraction,
    targets,
    seats: levels.map((level) => Math.round(level.isExempt ? exemptSeats(level) : seatsOf(level))),
  });
  if (left <= lowerSum) {
    return result(({ limits }) => limits.lower);
  }
  if (left <= floorSum) {
    const part = (left - lowerSum) / (floorSum - lowerSum);
    return result((level) => level.limits.lower + Math.round((floorOf(level) - level.limits.lower) * part));
  }
  const shares = shareSeats(
    nominalSum,
    limited.map((level) => ({ lower: floorOf(level), upper: level.limits.upper, target: targetOf(level) })),
  );
  return shares === undefined
    ? result(({ current }) => current)
    : result((level) => shares.seats[limited.indexOf(level)] ?? level.current, shares.fairFraction);
}
