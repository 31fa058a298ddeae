import type { PodSpec } from '#api/types/core.v1.ts';
import { BASELINE_CHECKS } from './baseline-checks.ts';
import type { Check, PodFacts, Violation } from './check.ts';
import type { LevelVersion } from './namespace-policy.ts';
import { RESTRICTED_CHECKS } from './restricted-checks.ts';

/** Everything about a pod that a level forbids. */
export function violationsOf(
  { level, minor }: LevelVersion,
  annotations: Readonly<Record<string, string>> | undefined,
  spec: PodSpec,
): readonly Violation[] {
  if (level === 'privileged') {
    return [];
  }
  const release = minor === 'latest' ? Number.POSITIVE_INFINITY : minor;
  const pod: PodFacts = {
    annotations: annotations ?? {},
    spec,
    containers: [
      ...(spec.initContainers ?? []),
      ...(spec.containers ?? []),
      ...(spec.ephemeralContainers ?? []),
    ],
  };
  return checksOf(level, release).flatMap((check) => check.run(pod, release) ?? []);
}

function checksOf(level: 'baseline' | 'restricted', release: number): readonly Check[] {
  const isThere = ({ sinceMinor }: Check): boolean => release >= sinceMinor;
  const baseline = BASELINE_CHECKS.filter(isThere);
  if (level === 'baseline') {
    return baseline;
  }
  const restricted = RESTRICTED_CHECKS.filter(isThere);
  const overridden = new Set(restricted.flatMap(({ overrides = [] }) => overrides));
  return [...baseline.filter(({ id }) => !overridden.has(id)), ...restricted];
}

/** `host namespaces (hostPID=true), privileged (container "c" must not …)` */
export function detailsText(violations: readonly Violation[]): string {
  return violations
    .map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`))
    .join(', ');
}

/** `host namespaces, privileged` */
export function reasonsText(violations: readonly Violation[]): string {
  return violations.map(({ reason }) => reason).join(', ');
}
