import { qualifiedNameProblems } from '#api/names.ts';
import type { DraftObject } from '../registry/strategy.ts';

/** Finalizers of Kubernetes itself, whose names are short. */
const STANDARD: ReadonlySet<string> = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

/** What the author of a finalizer should know of its name. Those that were there before are not spoken of again. */
export function finalizerWarnings(next: DraftObject, previous: DraftObject | undefined): readonly string[] {
  const finalizers = next.metadata.finalizers ?? [];
  if (finalizers.length === 0) {
    return [];
  }
  const before = new Set(previous?.metadata.finalizers ?? []);
  const added = [...new Set(finalizers)].filter((name) => !before.has(name)).sort();
  return added.flatMap((name) =>
    sentences(name).map((text) => `metadata.finalizers: ${JSON.stringify(name)}: ${text}`),
  );
}

function sentences(name: string): readonly string[] {
  const wrong = qualifiedNameProblems(name);
  if (name.includes('/') || STANDARD.has(name)) {
    return wrong;
  }
  const path = name.includes('.') ? ' including a path (/)' : '';
  return [
    ...wrong,
    `prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`,
  ];
}
