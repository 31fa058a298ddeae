import type { Toleration } from '#api/types/core.v1.ts';

/** All of both, without those that another one covers. */
export function mergeTolerations(
  first: readonly Toleration[],
  second: readonly Toleration[],
): readonly Toleration[] {
  const all = [...first, ...second];
  const merged: Toleration[] = [];
  for (const [index, each] of all.entries()) {
    const isCovered =
      merged.some((kept) => coversToleration(kept, each)) ||
      all.slice(index + 1).some((later) => !isSame(later, each) && coversToleration(later, each));
    if (!isCovered) {
      merged.push(each);
    }
  }
  return merged;
}

/** Whatever `narrow` tolerates, `wide` does. */
export function coversToleration(wide: Toleration, narrow: Toleration): boolean {
  if (isSame(wide, narrow)) {
    return true;
  }
  const { key = '', operator = '', effect = '', value = '', tolerationSeconds } = wide;
  const takesAnyKey = key === '' && operator === 'Exists';
  if ((narrow.key ?? '') !== key && !takesAnyKey) {
    return false;
  }
  if (effect !== '' && (narrow.effect ?? '') !== effect) {
    return false;
  }
  if (effect === 'NoExecute' && tolerationSeconds !== undefined) {
    if (narrow.tolerationSeconds === undefined || narrow.tolerationSeconds > tolerationSeconds) {
      return false;
    }
  }
  return operator === 'Exists' || (narrow.operator === 'Equal' && (narrow.value ?? '') === value);
}

function isSame(left: Toleration, right: Toleration): boolean {
  return (
    (left.key ?? '') === (right.key ?? '') &&
    (left.operator ?? '') === (right.operator ?? '') &&
    (left.value ?? '') === (right.value ?? '') &&
    (left.effect ?? '') === (right.effect ?? '') &&
    left.tolerationSeconds === right.tolerationSeconds
  );
}
