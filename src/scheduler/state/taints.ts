import type { Taint, Toleration } from '#api/types/core.v1.ts';

/** Whether the toleration lets a pod ignore the taint. An empty key, effect or operator is a wildcard. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = '', value = '', effect = '' } = toleration;
  if ((effect !== '' && effect !== taint.effect) || (key !== '' && key !== taint.key)) {
    return false;
  }
  switch (operator) {
    case '':
    case 'Equal':
      return value === (taint.value ?? '');
    case 'Exists':
      return true;
    default:
      return false;
  }
}

/** The first taint that keeps the pod off the node: `NoSchedule` or `NoExecute`, and not tolerated. */
export function untoleratedTaint(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
): Taint | undefined {
  return taints.find(
    (taint) =>
      (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') &&
      !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

/** How many `PreferNoSchedule` taints the pod does not tolerate. */
export function countIntolerablePreferences(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
): number {
  let count = 0;
  for (const taint of taints) {
    if (
      taint.effect === 'PreferNoSchedule' &&
      !tolerations.some(
        (toleration) =>
          ((toleration.effect ?? '') === '' || toleration.effect === 'PreferNoSchedule') &&
          tolerates(toleration, taint),
      )
    ) {
      count += 1;
    }
  }
  return count;
}
