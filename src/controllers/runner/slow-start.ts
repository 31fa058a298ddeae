/**
 * Runs `count` creations in batches of 1, 2, 4, … and stops after the first batch with a failure, so that
 * what cannot work (a quota, a refused template) costs one call and not hundreds.
 *
 * @returns how many succeeded, and the first failure
 */
export async function slowStart(
  count: number,
  create: (index: number) => Promise<void>,
): Promise<{ readonly succeeded: number; readonly error: unknown }> {
  let succeeded = 0;
  for (let size = Math.min(1, count), begun = 0; size > 0; size = Math.min(size * 2, count - begun)) {
    const batch = Array.from({ length: size }, (_, offset) => create(begun + offset));
    const outcomes = await Promise.allSettled(batch);
    begun += size;
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
    succeeded += outcomes.length - failures.length;
    if (failures[0] !== undefined) {
      return { succeeded, error: failures[0].reason };
    }
  }
  return { succeeded, error: undefined };
}
