import { alreadyExists, internalError, invalid } from '#api/status-error.ts';
import { StoreWriteError } from '#store/store.ts';
import { admit, validateAdmission } from './admission-step.ts';
import { leaseFor } from './lease-pool.ts';
import { stampNew } from './metadata.ts';
import type { RequestContext } from './request-context.ts';
import type { ResourceStorage } from './resource-storage.ts';
import { StoredObject } from './stored-object.ts';
import type { DraftObject, ValidationCheck } from './strategy.ts';
import { restoreFields, trackFields } from './track-fields.ts';

/** How often a generated name may meet one that is taken before the client has to try again. */
const GENERATED_NAME_TRIES = 8;

export interface CreateOptions {
  /** Server-side apply has computed `managedFields` itself. */
  readonly keepsManagedFields?: boolean | undefined;
}

interface Creation extends CreateOptions {
  readonly context: RequestContext;
}

/**
 * Stores a new object: stamp, default, admit, validate, write.
 *
 * @param body decoded and pruned, of the storage's kind
 * @throws {StatusError} AlreadyExists, Invalid, or what admission says
 */
export async function createObject(
  storage: ResourceStorage,
  namespace: string,
  body: DraftObject,
  context: RequestContext,
  options: CreateOptions = {},
): Promise<StoredObject> {
  const isGenerated = (body.metadata.name ?? '') === '' && (body.metadata.generateName ?? '') !== '';
  for (let tries = 1; ; tries++) {
    const created = await tryCreate(storage, namespace, body, { ...options, context });
    if (created !== undefined) {
      return created;
    }
    if (!isGenerated || tries >= GENERATED_NAME_TRIES) {
      throw alreadyExists(storage.strategy.info, body.metadata.name ?? '');
    }
  }
}

async function tryCreate(
  storage: ResourceStorage,
  namespace: string,
  body: DraftObject,
  creation: Creation,
): Promise<StoredObject | undefined> {
  const { strategy } = storage;
  const { context } = creation;
  const ready = await prepare(storage, namespace, body, creation);
  const { name } = ready.metadata;
  const key = storage.keyOf(namespace, name);
  try {
    if (context.isDryRun) {
      const isTaken = (await storage.deps.store.get(key)) !== undefined;
      if (!isTaken) {
        strategy.afterDelete?.(ready);
      }
      return isTaken ? undefined : new StoredObject(key, storage.encode(ready), 0, storage.layout, ready);
    }
    const bytes = await storage.bytesToStore(ready);
    const lease = await leaseFor(storage);
    const outcome = await storage.deps.store.create(key, bytes, lease === undefined ? {} : { lease });
    if (outcome.kind === 'exists') {
      strategy.afterDelete?.(ready);
      return undefined;
    }
    return await storage.written(key, bytes, outcome.revision, ready);
  } catch (error) {
    strategy.afterDelete?.(ready);
    throw asStatus(error);
  }
}

async function prepare(
  storage: ResourceStorage,
  namespace: string,
  body: DraftObject,
  { context, keepsManagedFields }: Creation,
): Promise<DraftObject> {
  const { strategy, deps } = storage;
  const stamped = stampNew(body, { strategy, namespace, clock: deps.clock, random: deps.random });
  const defaulted = strategy.applyDefaults(stamped);
  const tracked =
    keepsManagedFields === true
      ? defaulted
      : trackFields(storage, defaulted, { live: undefined, subresource: '', context });
  const target = { namespace, name: stamped.metadata.name ?? '', subresource: '' };
  const admitted = await admit(storage, 'CREATE', target, { object: tracked, context });
  const prepared = await strategy.prepareCreate(restoreFields(admitted, tracked, context), context);
  try {
    const found = strategy.validateCreate(prepared);
    await refuseInvalid(storage, { next: prepared, previous: undefined, subresource: '', found, context });
    await validateAdmission(storage, 'CREATE', target, { object: prepared, context });
    return prepared;
  } catch (error) {
    strategy.afterDelete?.(prepared);
    throw error;
  }
}

/** @throws {StatusError} Invalid with every cause, when there is one */
export async function refuseInvalid({ strategy }: ResourceStorage, check: ValidationCheck): Promise<void> {
  const more = strategy.finishValidation === undefined ? [] : await strategy.finishValidation(check);
  const errors = more.length === 0 ? check.found : [...check.found, ...more];
  if (errors.length > 0) {
    throw invalid(strategy.info, check.next.metadata.name ?? '', errors);
  }
}

/** A store that cannot write (full disk) refuses the request in one clear sentence; all else passes on. */
export function asStatus(error: unknown): unknown {
  return error instanceof StoreWriteError ? internalError(error.message, error) : error;
}
