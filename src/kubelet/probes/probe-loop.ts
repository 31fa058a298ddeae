import type { Clock } from '#base/clock.ts';
import type { Probe } from '#api/types/core.v1.ts';
import type { ProbeOutcome } from './prober.ts';

export interface ProbeLoopDeps {
  readonly clock: Clock;
  readonly carryOut: () => Promise<ProbeOutcome>;
  /** An attempt went wrong, whether or not it already changes the verdict. */
  readonly onBadOutcome: (outcome: ProbeOutcome) => void;
  /** The verdict changed. Returning false ends the loop. */
  readonly onVerdict: (isGood: boolean) => boolean;
}

export interface ProbeLoopOptions {
  readonly probe: Probe;
  /** When the container started, in wall time: the first attempt waits for `initialDelaySeconds` from then. */
  readonly startedAtMs: number;
  readonly initialVerdict: boolean | undefined;
  /** Until its first success asks again sooner than the period, so that a quick start is soon seen. */
  readonly isEager?: boolean;
}

const PERIOD_SECONDS_DEFAULT = 10;
const THRESHOLD_DEFAULT = { failure: 3, success: 1 };
/** A probe that could not be carried out is tried again at once, this many times in all. */
const TRIES_MAX = 3;
/** Of an eager probe, between its first two attempts; doubles until it reaches the period. */
const EAGER_MS = 100;

/**
 * Repeats one probe of one container until `signal` fires. The verdict changes only after as many equal
 * outcomes in a row as the probe's thresholds say.
 */
export async function runProbeLoop(
  deps: ProbeLoopDeps,
  { probe, startedAtMs, initialVerdict, isEager = false }: ProbeLoopOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, carryOut, onBadOutcome, onVerdict } = deps;
  const periodMs = (probe.periodSeconds ?? PERIOD_SECONDS_DEFAULT) * 1000;
  const firstMs = startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000;
  if (firstMs > clock.nowMs()) {
    await clock.sleep(firstMs - clock.nowMs(), signal);
  }
  let verdict = initialVerdict;
  let last: boolean | undefined;
  let runs = 0;
  let waitMs = isEager ? Math.min(EAGER_MS, periodMs) : periodMs;
  let isExtra = false;
  for (let dueMs = clock.monotonicMs(); !signal.aborted;) {
    const outcome = await withTries(carryOut);
    if (signal.aborted) {
      return;
    }
    const isGood = outcome.result === 'success';
    if (!isGood && !isExtra) {
      onBadOutcome(outcome);
    }
    runs = isGood === last ? runs + 1 : 1;
    last = isGood;
    const threshold = isGood
      ? (probe.successThreshold ?? THRESHOLD_DEFAULT.success)
      : (probe.failureThreshold ?? THRESHOLD_DEFAULT.failure);
    if (runs >= threshold && verdict !== isGood) {
      verdict = isGood;
      if (!onVerdict(isGood)) {
        return;
      }
    }
    isExtra = !isGood && waitMs < periodMs;
    const nextMs = isExtra ? waitMs : periodMs;
    waitMs = isGood ? periodMs : Math.min(waitMs * 2, periodMs);
    // A probe that took longer than its period is not made up for.
    dueMs = Math.max(dueMs + nextMs, clock.monotonicMs());
    await clock.sleep(dueMs - clock.monotonicMs(), signal);
  }
}

async function withTries(carryOut: () => Promise<ProbeOutcome>): Promise<ProbeOutcome> {
  let outcome = await carryOut();
  for (let tries = 1; outcome.result === 'error' && tries < TRIES_MAX; tries++) {
    outcome = await carryOut();
  }
  return outcome;
}
