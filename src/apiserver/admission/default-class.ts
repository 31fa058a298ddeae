import type { ObjectMeta } from '#api/types/meta.v1.ts';

/** Of several classes marked as the default the youngest wins, and of equally old ones the first by name. */
export function defaultClass<T extends { readonly metadata: ObjectMeta }>(
  classes: readonly T[],
  annotations: readonly string[],
): T | undefined {
  const marked = classes.filter(({ metadata }) =>
    annotations.some((annotation) => metadata.annotations?.[annotation] === 'true'),
  );
  return marked.toSorted(
    (a, b) =>
      b.metadata.creationTimestamp.localeCompare(a.metadata.creationTimestamp) ||
      (a.metadata.name < b.metadata.name ? -1 : 1),
  )[0];
}
