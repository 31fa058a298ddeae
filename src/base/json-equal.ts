/** Whether two JSON values say the same; the order of keys does not matter, and undefined is as absent. */
export function jsonEqual(left: unknown, right: unknown): boolean {
  if (left === right) {
    return true;
  }
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => jsonEqual(item, right[index]))
    );
  }
  if (!isRecord(left) || !isRecord(right)) {
    return isSameNumber(left, right);
  }
  for (const key in left) {
    if (!jsonEqual(left[key], Object.hasOwn(right, key) ? right[key] : undefined)) {
      return false;
    }
  }
  for (const key in right) {
    if (right[key] !== undefined && (!Object.hasOwn(left, key) || left[key] === undefined)) {
      return false;
    }
  }
  return true;
}

/** A bigint is only another way to hold a number. */
function isSameNumber(left: unknown, right: unknown): boolean {
  const isMixed =
    typeof left === 'bigint'
      ? typeof right === 'number'
      : typeof right === 'bigint' && typeof left === 'number';
  return isMixed && String(left) === String(right);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
