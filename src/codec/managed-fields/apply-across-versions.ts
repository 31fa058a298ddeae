import type { StructType } from '#api/schema/schema.ts';
import { mergeFields } from './field-merge.ts';
import { shapeOfStruct } from './field-shape.ts';
import { NO_FIELDS } from './fields-v1.ts';
import type { Tracked, VersionStates } from './managed-fields.ts';
import { type ApplyOptions, type BegunApply, beginApply, finishApply, prune } from './server-side-apply.ts';

/** An object in some version, with the table of that version. */
export interface ObjectInVersion {
  readonly object: object;
  readonly struct: StructType | undefined;
}

/** Undefined for a version that is gone. */
export type InVersion = (object: object, apiVersion: string) => Promise<ObjectInVersion | undefined>;

/**
 * Server-side apply to an object of which other managers, or the applying one before, wrote in versions that name
 * their fields otherwise: each version's owners are asked about the change as their version shows it.
 *
 * @throws {StatusError} as `applyPatch` does, and what a conversion throws
 */
export async function applyAcrossVersions(options: ApplyOptions, inVersion: InVersion): Promise<Tracked> {
  const begun = beginApply(options);
  const next = await pruned(options, begun, inVersion);
  const elsewhere = new Map<string, VersionStates | 'gone'>();
  for (const { entry } of begun.others) {
    const { apiVersion = '' } = entry;
    if (apiVersion !== options.apiVersion && !elsewhere.has(apiVersion)) {
      const after = await inVersion(next, apiVersion);
      const before = options.live === undefined ? undefined : await inVersion(options.live, apiVersion);
      elsewhere.set(
        apiVersion,
        after === undefined ? 'gone' : { before: before?.object, after: after.object, struct: after.struct },
      );
    }
  }
  return finishApply(options, begun, next, elsewhere);
}

/** Without what the manager applied last time, in the version it did so, and applies no more. */
async function pruned(
  { apiVersion, patch }: ApplyOptions,
  { merged, last, others, applied, shape }: BegunApply,
  inVersion: InVersion,
): Promise<Tracked> {
  const lastVersion = last?.entry.apiVersion ?? apiVersion;
  const ownedIn = (version: string) =>
    others.filter(({ entry }) => entry.apiVersion === version).map((owner) => owner.fields);
  if (last === undefined || lastVersion === apiVersion) {
    const owned = [applied, ...ownedIn(apiVersion)];
    return prune({ merged, last: last?.fields ?? NO_FIELDS, owned, shape });
  }
  const there = await inVersion(merged as object, lastVersion);
  if (there === undefined) {
    return merged as Tracked;
  }
  const left = prune({
    merged: there.object,
    last: last.fields,
    owned: ownedIn(lastVersion),
    shape: shapeOfStruct(there.struct),
  });
  const back = await inVersion(left, apiVersion);
  // What is applied now was taken away with what was applied before, under its other name.
  return mergeFields(back?.object ?? merged, patch, shape) as Tracked;
}
