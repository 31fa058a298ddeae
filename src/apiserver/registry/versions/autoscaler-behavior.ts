import type { HPAScalingRules, HorizontalPodAutoscalerBehavior } from '#api/types/autoscaling.v2.ts';

/** A behavior as version 1's annotation has it: with capital names, and null for what is not set. */
export function oldBehavior({ scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior): object {
  return { ScaleUp: oldRules(scaleUp), ScaleDown: oldRules(scaleDown) };
}

function oldRules(rules: HPAScalingRules | undefined): object | null {
  if (rules === undefined) {
    return null;
  }
  return {
    StabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? null,
    SelectPolicy: rules.selectPolicy ?? null,
    Policies:
      rules.policies?.map(({ type, value, periodSeconds }) => ({
        Type: type,
        Value: value,
        PeriodSeconds: periodSeconds,
      })) ?? null,
    Tolerance: rules.tolerance ?? null,
  };
}

/** Reads it back; names may have any case. Undefined when nothing is in it. */
export function newBehavior(old: unknown): HorizontalPodAutoscalerBehavior | undefined {
  const behavior = withSmallNames(old) as HorizontalPodAutoscalerBehavior | undefined;
  return typeof behavior === 'object' && Object.keys(behavior).length > 0 ? behavior : undefined;
}

function withSmallNames(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withSmallNames);
  }
  if (typeof value !== 'object' || value === null) {
    return value ?? undefined;
  }
  const entries = Object.entries(value).flatMap(([name, inner]: [string, unknown]) =>
    inner === null ? [] : [[`${name.charAt(0).toLowerCase()}${name.slice(1)}`, withSmallNames(inner)]],
  );
  return Object.fromEntries(entries);
}
