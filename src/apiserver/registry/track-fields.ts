import type { ApiObject } from '#api/object.ts';
import { apiVersionOf } from '#api/resource-type.ts';
import type { InVersion } from '#codec/managed-fields/apply-across-versions.ts';
import {
  areWellFormed,
  type StatesElsewhere,
  updateManagedFields,
  type VersionStates,
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
  /** From {@link statesElsewhere}. */
  readonly elsewhere?: StatesElsewhere | undefined;
}

/** The versions other than a storage's own that an object's fields are owned in, where those name them otherwise. */
export function foreignVersions(storage: ResourceStorage, live: ApiObject): readonly string[] {
  if (storage.inVersion === undefined) {
    return [];
  }
  const own = apiVersionOf(storage.strategy.info);
  const versions = (live.metadata.managedFields ?? []).map(({ apiVersion = '' }) => apiVersion);
  return [...new Set(versions)].filter((version) => version !== own);
}

/** How a write looks in the versions that others wrote in. Undefined, and nothing to wait for, where that is all one. */
export function statesElsewhere(
  storage: ResourceStorage,
  next: DraftObject,
  live: DraftObject,
  subresource: string,
): Promise<StatesElsewhere> | undefined {
  const { inVersion, strategy } = storage;
  const versions = foreignVersions(storage, live);
  return inVersion === undefined || versions.length === 0
    ? undefined
    : readStates(versions, {
        inVersion,
        after: writtenPart(strategy, next, live, subresource),
        before: live,
      });
}

async function readStates(
  versions: readonly string[],
  { inVersion, before, after }: { inVersion: InVersion; before: DraftObject; after: DraftObject },
): Promise<StatesElsewhere> {
  const states = new Map<string, VersionStates | 'gone'>();
  for (const version of versions) {
    const [was, is] = [await inVersion(before, version), await inVersion(after, version)];
    states.set(
      version,
      is === undefined ? 'gone' : { before: was?.object, after: is.object, struct: is.struct },
    );
  }
  return states;
}

/**
 * Records what the client wrote. It runs after the defaults and before admission, as upstream does: what plugins and
 * webhooks add, or the server allocates, belongs to nobody.
 */
export function trackFields(
  { strategy, deps }: ResourceStorage,
  next: DraftObject,
  { live, subresource, context, elsewhere }: Writing,
): DraftObject {
  const { metadata } = updateManagedFields({
    live,
    next: writtenPart(strategy, next, live, subresource),
    struct: strategy.struct,
    manager: context.fieldManager,
    apiVersion: apiVersionOf(strategy.info),
    subresource,
    time: timestamp(deps.clock),
    elsewhere,
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
