import { scaledValue } from '#api/int-or-string.ts';
import { formatTime, parseTime } from '#api/time.ts';
import type { Pod } from '#api/types/core.v1.ts';
import type { Condition } from '#api/types/meta.v1.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '#api/types/policy.v1.ts';
import { isPodReady, isPodTerminal } from '../pods/pod-state.ts';

/** An eviction that was allowed and never led to a deletion is forgotten after this time. */
const DISRUPTION_MS = 120_000;

/** The pods that should exist: what the scale of each controller of `pods` adds up to. */
export type ExpectedScale =
  | { readonly kind: 'known'; readonly count: number }
  | { readonly kind: 'failed'; readonly message: string };

/** The status that a budget should have now. */
export function budgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  scale: () => ExpectedScale,
  nowMs: number,
): PodDisruptionBudgetStatus {
  const disruptedPods = stillDisrupted(budget, pods, nowMs);
  const { conditions = [] } = budget.status;
  const generation = budget.metadata.generation ?? 0;
  const demand = demandOf(budget, pods, scale);
  if (demand.kind === 'failed') {
    const condition = { status: 'False', reason: 'SyncFailed', message: demand.message };
    return {
      ...budget.status,
      disruptionsAllowed: 0,
      conditions: withCondition(conditions, condition, generation, nowMs),
    };
  }
  const currentHealthy = pods.filter(
    (pod) =>
      isPodReady(pod) &&
      pod.metadata.deletionTimestamp === undefined &&
      disruptedPods[pod.metadata.name] === undefined,
  ).length;
  const spare = currentHealthy - demand.desiredHealthy;
  const disruptionsAllowed = demand.expectedPods <= 0 || spare <= 0 ? 0 : spare;
  const condition =
    disruptionsAllowed > 0
      ? { status: 'True', reason: 'SufficientPods', message: '' }
      : { status: 'False', reason: 'InsufficientPods', message: '' };
  return {
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy: demand.desiredHealthy,
    expectedPods: demand.expectedPods,
    observedGeneration: generation,
    conditions: withCondition(conditions, condition, generation, nowMs),
  };
}

/** When the first allowed eviction is forgotten, in milliseconds from now; undefined when none waits. */
export function untilForgottenMs(
  { disruptedPods = {} }: PodDisruptionBudgetStatus,
  nowMs: number,
): number | undefined {
  const times = Object.values(disruptedPods).map(
    (since) => (parseTime(since) ?? nowMs) + DISRUPTION_MS - nowMs,
  );
  return times.length === 0 ? undefined : Math.max(Math.min(...times), 0);
}

type Demand =
  | { readonly kind: 'known'; readonly expectedPods: number; readonly desiredHealthy: number }
  | { readonly kind: 'failed'; readonly message: string };

function demandOf({ spec }: PodDisruptionBudget, pods: readonly Pod[], scale: () => ExpectedScale): Demand {
  const { minAvailable, maxUnavailable } = spec;
  if (maxUnavailable === undefined && typeof minAvailable === 'number') {
    return {
      kind: 'known',
      expectedPods: pods.filter((pod) => !isPodTerminal(pod)).length,
      desiredHealthy: minAvailable,
    };
  }
  if (maxUnavailable === undefined && minAvailable === undefined) {
    return { kind: 'known', expectedPods: pods.length, desiredHealthy: 1 };
  }
  const expected = scale();
  if (expected.kind === 'failed') {
    return expected;
  }
  const { count } = expected;
  const desiredHealthy =
    maxUnavailable === undefined
      ? (scaledValue(minAvailable ?? 0, count, 'up') ?? 0)
      : Math.max(count - (scaledValue(maxUnavailable, count, 'up') ?? 0), 0);
  return { kind: 'known', expectedPods: count, desiredHealthy };
}

function stillDisrupted(
  { status }: PodDisruptionBudget,
  pods: readonly Pod[],
  nowMs: number,
): Readonly<Record<string, string>> {
  const waiting = new Set(
    pods
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name),
  );
  return Object.fromEntries(
    Object.entries(status.disruptedPods ?? {}).filter(
      ([name, since]) => waiting.has(name) && (parseTime(since) ?? 0) + DISRUPTION_MS > nowMs,
    ),
  );
}

function withCondition(
  conditions: readonly Condition[],
  change: Pick<Condition, 'status' | 'reason' | 'message'>,
  observedGeneration: number,
  nowMs: number,
): readonly Condition[] {
  const type = 'DisruptionAllowed';
  const before = conditions.find((condition) => condition.type === type);
  const lastTransitionTime = before?.status === change.status ? before.lastTransitionTime : formatTime(nowMs);
  const wanted: Condition = { type, ...change, observedGeneration, lastTransitionTime };
  return [...conditions.filter((condition) => condition !== before), wanted];
}
