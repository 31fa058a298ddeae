import { isDeepStrictEqual } from 'node:util';
import type { ApiObject } from '#api/object.ts';
import { isAlreadyExists, isNotFound } from '#api/status-error.ts';
import type { ControllerRevision } from '#api/types/apps.v1.ts';
import type { PodTemplateSpec } from '#api/types/core.v1.ts';
import { CONTROLLER_REVISION } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';
import { podTemplateHash } from '../pods/pod-template.ts';
import { controllerReference } from '../runner/controller-reference.ts';

/** An owner whose templates are kept as ControllerRevisions. */
export interface HistoryOwner extends ApiObject {
  readonly spec: { readonly template: PodTemplateSpec; readonly revisionHistoryLimit?: number };
  readonly status: { readonly collisionCount?: number };
}

export interface HistoryOptions<T extends HistoryOwner> {
  readonly client: Client;
  readonly owner: T;
  /** The revisions of the owner that exist. */
  readonly revisions: readonly ControllerRevision[];
  /** The label under which a revision carries its hash. */
  readonly hashLabel: string;
  readonly signal: AbortSignal;
}

export type HistoryOutcome =
  | {
      readonly kind: 'current';
      readonly current: ControllerRevision;
      readonly old: readonly ControllerRevision[];
    }
  /** The hash is taken by another content; count the collision and try again. */
  | { readonly kind: 'collision' };

const HISTORY_MAX = 10;

/** What a revision remembers: a patch that brings the template back. */
export function revisionData({ spec }: HistoryOwner): NonNullable<ControllerRevision['data']> {
  return { spec: { template: sorted({ ...spec.template, $patch: 'replace' }) } };
}

/** Clients compare the bytes with those of a patch of their own, and Go writes keys in their order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** The revision of the owner's template as it is now, made or moved to the front where needed. */
export async function syncHistory<T extends HistoryOwner>(
  options: HistoryOptions<T>,
): Promise<HistoryOutcome> {
  const { client, owner, revisions, signal } = options;
  const data = revisionData(owner);
  const newest = Math.max(0, ...revisions.map(({ revision }) => revision));
  const equal = revisions.filter((revision) => isDeepStrictEqual(revision.data, data));
  const latest = equal.toSorted((left, right) => left.revision - right.revision).at(-1);
  if (latest === undefined) {
    return await createRevision(options, newest + 1);
  }
  const old = revisions.filter((revision) => revision !== latest);
  if (latest.revision === newest) {
    return { kind: 'current', current: latest, old };
  }
  const current = await client
    .of(CONTROLLER_REVISION)
    .update({ ...latest, revision: newest + 1 }, {}, signal);
  return { kind: 'current', current, old };
}

/** Deletes the oldest revisions beyond the limit, apart from those in use. */
export async function trimHistory<T extends HistoryOwner>(
  { client, owner, signal }: HistoryOptions<T>,
  old: readonly ControllerRevision[],
  isInUse: (revision: ControllerRevision) => boolean,
): Promise<void> {
  const limit = owner.spec.revisionHistoryLimit ?? HISTORY_MAX;
  const unused = old
    .filter((revision) => !isInUse(revision))
    .sort((left, right) => left.revision - right.revision);
  for (const { metadata } of unused.slice(0, Math.max(unused.length - limit, 0))) {
    try {
      await client.of(CONTROLLER_REVISION).delete(metadata.namespace, metadata.name, {}, signal);
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }
}

async function createRevision<T extends HistoryOwner>(
  { client, owner, revisions, hashLabel, signal }: HistoryOptions<T>,
  revision: number,
): Promise<HistoryOutcome> {
  const hash = podTemplateHash(owner.spec.template, owner.status.collisionCount ?? 0);
  const { namespace = '' } = owner.metadata;
  const name = `${owner.metadata.name}-${hash}`;
  const labels = { ...owner.spec.template.metadata.labels, [hashLabel]: hash };
  const metadata = { namespace, name, labels, ownerReferences: [controllerReference(owner)] };
  const data = revisionData(owner);
  try {
    const current = await client.of(CONTROLLER_REVISION).create({ metadata, data, revision }, {}, signal);
    return { kind: 'current', current, old: revisions };
  } catch (error) {
    if (!isAlreadyExists(error)) {
      throw error;
    }
    const existing = await client.of(CONTROLLER_REVISION).get(namespace, name, signal);
    return isDeepStrictEqual(existing.data, data)
      ? {
          kind: 'current',
          current: existing,
          old: revisions.filter(({ metadata: { uid } }) => uid !== existing.metadata.uid),
        }
      : { kind: 'collision' };
  }
}
