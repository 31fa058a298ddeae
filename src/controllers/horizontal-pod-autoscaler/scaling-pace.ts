import type { HorizontalPodAutoscalerSpec, HPAScalingRules } from '#api/types/autoscaling.v2.ts';

/** A change of the number of replicas that was made, or a number that was recommended. */
export interface Entry {
  readonly timeMs: number;
  readonly value: number;
}

/** What is remembered of one autoscaler, as long as the process lives. */
export interface ScalingHistory {
  recommendations: readonly Entry[];
  /** Replicas added, and replicas removed. */
  ups: readonly Entry[];
  downs: readonly Entry[];
}

export interface PacedReplicas {
  readonly replicas: number;
  /** A window held the change back. */
  readonly stabilized: 'ScaleUpStabilized' | 'ScaleDownStabilized' | undefined;
  readonly limited: 'ScaleUpLimit' | 'ScaleDownLimit' | 'TooManyReplicas' | 'TooFewReplicas' | undefined;
}

interface Pace {
  readonly windowMs: number;
  readonly select: string;
  readonly policies: NonNullable<HPAScalingRules['policies']>;
}

const PERIOD_SECONDS_DEFAULT = 15;
/** Upstream's `--horizontal-pod-autoscaler-downscale-stabilization`. */
const DOWN_WINDOW_SECONDS = 300;
/** The longest window that can be asked for. */
const HISTORY_MS = 3600_000;

/** Starts from what there is, so that a new process does not scale down at once. */
export function newHistory(current: number, nowMs: number): ScalingHistory {
  return { recommendations: [{ timeMs: nowMs, value: current }], ups: [], downs: [] };
}

/** Brings the number that the metrics ask for within what windows, policies and bounds allow, and remembers it. */
export function paced(
  spec: HorizontalPodAutoscalerSpec,
  history: ScalingHistory,
  { current, desired, nowMs }: { readonly current: number; readonly desired: number; readonly nowMs: number },
): PacedReplicas {
  const up = upPace(spec.behavior?.scaleUp);
  const down = downPace(spec.behavior?.scaleDown);
  const recent = history.recommendations.filter(({ timeMs }) => timeMs > nowMs - HISTORY_MS);
  const within = (windowMs: number): number[] =>
    recent.filter(({ timeMs }) => timeMs > nowMs - windowMs).map(({ value }) => value);
  const lowest = Math.min(desired, ...within(up.windowMs));
  const highest = Math.max(desired, ...within(down.windowMs));
  history.recommendations = [...recent, { timeMs: nowMs, value: desired }];
  const stable = Math.min(Math.max(current, lowest), Math.max(highest, lowest));
  const stabilized =
    stable === desired ? undefined : desired > current ? 'ScaleUpStabilized' : 'ScaleDownStabilized';
  return { ...bounded(spec, history, { current, stable, nowMs, up, down }), stabilized };
}

/** Notes a change that was made, for the policies that count changes over a time. */
export function recordScaling(history: ScalingHistory, change: number, nowMs: number): void {
  const entry = { timeMs: nowMs, value: Math.abs(change) };
  const recent = (entries: readonly Entry[]): Entry[] =>
    entries.filter(({ timeMs }) => timeMs > nowMs - HISTORY_MS);
  history.ups = change > 0 ? [...recent(history.ups), entry] : recent(history.ups);
  history.downs = change < 0 ? [...recent(history.downs), entry] : recent(history.downs);
}

function bounded(
  { minReplicas = 1, maxReplicas }: HorizontalPodAutoscalerSpec,
  history: ScalingHistory,
  input: { current: number; stable: number; nowMs: number; up: Pace; down: Pace },
): Pick<PacedReplicas, 'replicas' | 'limited'> {
  const { current, stable, nowMs, up, down } = input;
  if (stable > current) {
    const limit = Math.max(upLimit(up, history, current, nowMs), current);
    const top = Math.min(limit, maxReplicas);
    return stable > top
      ? { replicas: top, limited: limit < maxReplicas ? 'ScaleUpLimit' : 'TooManyReplicas' }
      : {
          replicas: Math.max(stable, minReplicas),
          limited: stable < minReplicas ? 'TooFewReplicas' : undefined,
        };
  }
  if (stable < current) {
    const limit = Math.min(downLimit(down, history, current, nowMs), current);
    const bottom = Math.max(limit, minReplicas);
    return stable < bottom
      ? { replicas: bottom, limited: limit > minReplicas ? 'ScaleDownLimit' : 'TooFewReplicas' }
      : {
          replicas: Math.min(stable, maxReplicas),
          limited: stable > maxReplicas ? 'TooManyReplicas' : undefined,
        };
  }
  return { replicas: current, limited: undefined };
}

function upLimit(
  { select, policies }: Pace,
  history: ScalingHistory,
  current: number,
  nowMs: number,
): number {
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = replicasAt(history, current, nowMs - periodSeconds * 1000);
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return select === 'Disabled' ? current : select === 'Min' ? Math.min(...limits) : Math.max(...limits);
}

function downLimit(
  { select, policies }: Pace,
  history: ScalingHistory,
  current: number,
  nowMs: number,
): number {
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = replicasAt(history, current, nowMs - periodSeconds * 1000);
    return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100));
  });
  // The largest change down is the smallest number.
  return select === 'Disabled' ? current : select === 'Min' ? Math.max(...limits) : Math.min(...limits);
}

function replicasAt({ ups, downs }: ScalingHistory, current: number, sinceMs: number): number {
  const sum = (entries: readonly Entry[]): number =>
    entries.reduce((total, { timeMs, value }) => (timeMs > sinceMs ? total + value : total), 0);
  return current - sum(ups) + sum(downs);
}

function upPace(rules: HPAScalingRules | undefined): Pace {
  return {
    windowMs: (rules?.stabilizationWindowSeconds ?? 0) * 1000,
    select: rules?.selectPolicy ?? 'Max',
    policies: rules?.policies ?? [
      { type: 'Pods', value: 4, periodSeconds: PERIOD_SECONDS_DEFAULT },
      { type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS_DEFAULT },
    ],
  };
}

function downPace(rules: HPAScalingRules | undefined): Pace {
  return {
    windowMs: (rules?.stabilizationWindowSeconds ?? DOWN_WINDOW_SECONDS) * 1000,
    select: rules?.selectPolicy ?? 'Max',
    policies: rules?.policies ?? [{ type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS_DEFAULT }],
  };
}
