import type { Deployment, ReplicaSet } from '#api/types/apps.v1.ts';
import { maxSurge, replicasOf } from './rollout-bounds.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';
/** Annotations of a deployment that say nothing about its template. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
]);
/** Characters of the revision history; the oldest revisions are dropped beyond. */
const HISTORY_MAX = 2000;

type Annotations = Readonly<Record<string, string>>;

/** Zero without one. 64 bits wide: a rollout goes on from whatever number a set was given. */
export function revisionOf({ metadata }: ReplicaSet): bigint {
  return revisionIn(metadata.annotations) ?? 0n;
}

export function maxRevision(sets: readonly ReplicaSet[]): bigint {
  return sets.map(revisionOf).reduce((max, revision) => (revision > max ? revision : max), 0n);
}

/** The size of the whole deployment when this set was last sized. */
export function desiredReplicasOf({ metadata }: ReplicaSet): number | undefined {
  return numberIn(metadata.annotations, DESIRED_REPLICAS);
}

export function maxReplicasOf({ metadata }: ReplicaSet): number | undefined {
  return numberIn(metadata.annotations, MAX_REPLICAS);
}

/** The annotations of the set that is the deployment's newest revision. `current` are those it has now. */
export function newestSetAnnotations(
  deployment: Deployment,
  current: Annotations,
  revision: bigint,
): Annotations {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(
    ([key]) => !NOT_COPIED.has(key),
  );
  const annotations = { ...current, ...Object.fromEntries(copied) };
  const previous = revisionIn(current);
  if ((previous ?? 0n) >= revision) {
    return annotations;
  }
  const history =
    previous === undefined ? undefined : appendHistory(current[REVISION_HISTORY] ?? '', previous);
  return {
    ...annotations,
    [REVISION]: String(revision),
    ...(history === undefined ? {} : { [REVISION_HISTORY]: history }),
  };
}

/** What a set remembers of its deployment's size, so that a later scaling keeps the proportions. */
export function sizeAnnotations(deployment: Deployment): Annotations {
  const replicas = replicasOf(deployment);
  return { [DESIRED_REPLICAS]: String(replicas), [MAX_REPLICAS]: String(replicas + maxSurge(deployment)) };
}

export function hasAnnotations(current: Annotations | undefined, wanted: Annotations): boolean {
  return Object.entries(wanted).every(([key, value]) => current?.[key] === value);
}

function appendHistory(history: string, revision: bigint): string {
  const entries = history === '' ? [] : history.split(',');
  entries.push(String(revision));
  while (entries.join(',').length > HISTORY_MAX) {
    entries.shift();
  }
  return entries.join(',');
}

function numberIn(annotations: Annotations | undefined, key: string): number | undefined {
  const text = annotations?.[key];
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

const INT64_MAX = 2n ** 63n - 1n;

function revisionIn(annotations: Annotations | undefined): bigint | undefined {
  const text = annotations?.[REVISION];
  const revision = text !== undefined && /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  return revision !== undefined && revision <= INT64_MAX ? revision : undefined;
}
