import { structOfKind } from '#api/schema/schema.ts';
import { threeWayPatch } from '#codec/patch/strategic-diff.ts';
import type { JsonRecord } from '#codec/own-property.ts';
import type { ApiResource } from './discovery.ts';
import { lastAppliedOf } from './last-applied.ts';
import type { AnyObject } from './object-access.ts';

/** The patch by which `apply` brings an object to what a file says, and its content type. */
export interface ApplyPatch {
  readonly patch: JsonRecord;
  readonly contentType: string;
}

/**
 * Compares what was applied last, what is wanted and what there is.
 *
 * @param current  as the server has it
 * @param modified as the file has it, prepared for the server
 */
export function applyPatch(resource: ApiResource, current: AnyObject, modified: AnyObject): ApplyPatch {
  const struct = structOfKind(resource.group, resource.version, resource.kind);
  return {
    patch: threeWayPatch({ original: lastAppliedOf(current) ?? {}, modified, current }, struct),
    contentType: `application/${struct === undefined ? 'merge' : 'strategic-merge'}-patch+json`,
  };
}
