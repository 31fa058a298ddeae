import { apiVersionOf } from '#api/resource-type.ts';
import {
  areWellFormed,
  updateManagedFields,
  withManagedFields,
} from '#codec/managed-fields/managed-fields.ts';
import { onlyStatus, withStatus } from './default-strategy.ts';
import { timestamp } from './metadata.ts';
import type { RequestContext } from './request-context.ts';
import type { ResourceStorage } from './resource-storage.ts';
import type { DraftObject, Strategy } from './strategy.ts';

interface Writing {
  readonly live: DraftObject | undefined;
  readonly subresource: string;
  readonly context: RequestContext;
}

/**
 * Records what the client wrote. It runs after the defaults and before admission, as upstream does: what plugins and
 * webhooks add, or the server allocates, belongs to nobody.
 */
export function trackFields(
  { strategy, deps }: ResourceStorage,
  next: DraftObject,
  { live, subresource, context }: Writing,
): DraftObject {
  const { metadata } = updateManagedFields({
    live,
    next: writtenPart(strategy, next, live, subresource),
    struct: strategy.struct,
    manager: context.fieldManager,
    apiVersion: apiVersionOf(strategy.info),
    subresource,
    time: timestamp(deps.clock),
  });
  return metadata.managedFields === next.metadata.managedFields
    ? next
    : withManagedFields(next, metadata.managedFields ?? []);
}

/** What this endpoint lets a client write; the rest is reset, and so is not the client's. */
function writtenPart(
  strategy: Strategy,
  next: DraftObject,
  live: DraftObject | undefined,
  subresource: string,
): DraftObject {
  if (subresource === 'status' && live !== undefined) {
    return onlyStatus(next, live);
  }
  if (subresource !== '' || !Object.hasOwn(strategy.info.subresources, 'status')) {
    return next;
  }
  const isStruct = strategy.struct.byName.get('status')?.isPointer === false;
  return withStatus(next, live?.['status'] ?? (isStruct ? {} : undefined));
}

/** A plugin that broke the managed fields does not get its way; the client is told. */
export function restoreFields(
  admitted: DraftObject,
  before: DraftObject,
  { warnings }: RequestContext,
): DraftObject {
  const { managedFields } = admitted.metadata;
  if (managedFields === before.metadata.managedFields || areWellFormed(managedFields ?? [])) {
    return admitted;
  }
  warnings.push(
    '.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests',
  );
  return withManagedFields(admitted, before.metadata.managedFields ?? []);
}
