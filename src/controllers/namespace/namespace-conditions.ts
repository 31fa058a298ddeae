import { formatTime } from '#api/time.ts';
import type { NamespaceCondition } from '#api/types/core.v1.ts';

/** What emptying a namespace found. */
export interface EmptyingReport {
  /** Groups and versions of which nobody knows what they have. */
  readonly undiscovered: readonly string[];
  /** Why content could not be deleted, one line for each resource that failed. */
  readonly failures: readonly string[];
  /** Objects that are still there, by `resource.group`. */
  readonly remaining: ReadonlyMap<string, number>;
  /** Objects that are still there and have this finalizer. */
  readonly finalizers: ReadonlyMap<string, number>;
}

/** The conditions that a namespace on its way out shows, in upstream's words. */
export function namespaceConditions(
  current: readonly NamespaceCondition[],
  report: EmptyingReport,
  nowMs: number,
): readonly NamespaceCondition[] {
  return [
    report.undiscovered.length === 0
      ? condition(
          'NamespaceDeletionDiscoveryFailure',
          'ResourcesDiscovered',
          'All resources successfully discovered',
        )
      : problem(
          'NamespaceDeletionDiscoveryFailure',
          'DiscoveryFailed',
          `Discovery failed for some groups, ${report.undiscovered.length} failing: ${discoveryProblem(report.undiscovered)}`,
        ),
    condition(
      'NamespaceDeletionGroupVersionParsingFailure',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ),
    report.failures.length === 0
      ? condition(
          'NamespaceDeletionContentFailure',
          'ContentDeleted',
          'All content successfully deleted, may be waiting on finalization',
        )
      : problem(
          'NamespaceDeletionContentFailure',
          'ContentDeletionFailed',
          `Failed to delete all resource types, ${report.failures.length} remaining: ${report.failures.join(', ')}`,
        ),
    report.remaining.size === 0
      ? condition('NamespaceContentRemaining', 'ContentRemoved', 'All content successfully removed')
      : problem(
          'NamespaceContentRemaining',
          'SomeResourcesRemain',
          `Some resources are remaining: ${listed(report.remaining, (name, count) => `${name} has ${count} resource instances`)}`,
        ),
    report.finalizers.size === 0
      ? condition(
          'NamespaceFinalizersRemaining',
          'ContentHasNoFinalizers',
          'All content-preserving finalizers finished',
        )
      : problem(
          'NamespaceFinalizersRemaining',
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${listed(report.finalizers, (name, count) => `${name} in ${count} resource instances`)}`,
        ),
  ].map((wanted) => {
    const before = current.find(({ type }) => type === wanted.type);
    const isSame =
      before?.status === wanted.status &&
      before.reason === wanted.reason &&
      before.message === wanted.message;
    return isSame ? before : { ...wanted, lastTransitionTime: formatTime(nowMs) };
  });
}

/** In the words of upstream's discovery. */
export function discoveryProblem(undiscovered: readonly string[]): string {
  const each = undiscovered
    .toSorted()
    .map((version) => `${version}: stale GroupVersion discovery: ${version}`);
  return `unable to retrieve the complete list of server APIs: ${each.join(', ')}`;
}

function condition(type: string, reason: string, message: string): NamespaceCondition {
  return { type, status: 'False', reason, message };
}

function problem(type: string, reason: string, message: string): NamespaceCondition {
  return { type, status: 'True', reason, message };
}

function listed(counts: ReadonlyMap<string, number>, word: (name: string, count: number) => string): string {
  return [...counts]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, count]) => word(name, count))
    .join(', ');
}
