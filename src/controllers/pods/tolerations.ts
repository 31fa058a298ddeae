import type { Taint, Toleration } from '#api/types/core.v1.ts';

export function tolerates(
  { key = '', operator = 'Equal', value = '', effect }: Toleration,
  taint: Taint,
): boolean {
  if (effect !== undefined && effect !== taint.effect) {
    return false;
  }
  if (key !== '' && key !== taint.key) {
    return false;
  }
  return operator === 'Exists' || (key !== '' && value === (taint.value ?? ''));
}

/** The taints of these effects that no toleration answers. */
export function untolerated(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  effects: readonly string[],
): readonly Taint[] {
  return taints.filter(
    (taint) =>
      effects.includes(taint.effect) && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}
