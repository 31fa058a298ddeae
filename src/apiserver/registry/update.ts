import type { ApiObject } from '#api/object.ts';
import { notFound } from '#api/status-error.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { shareEqual } from '#base/json-share.ts';
import { isSameState } from '#codec/stored-form.ts';
import { admit, validateAdmission, type AdmissionFace } from './admission-step.ts';
import { asStatus, createObject, refuseInvalid } from './create.ts';
import {
  anotherObject,
  checkResourceVersion,
  keepSystemMetadata,
  staleObject,
  withMetadata,
} from './metadata.ts';
import type { RequestContext, Target } from './request-context.ts';
import type { ResourceStorage } from './resource-storage.ts';
import { StoredObject } from './stored-object.ts';
import type { DraftObject, Strategy } from './strategy.ts';
import { restoreFields, statesElsewhere, trackFields } from './track-fields.ts';

/** Rounds a write without a resourceVersion may lose against others before the client has to try again. */
const CONFLICT_TRIES = 64;

export interface UpdateOptions {
  /**
   * Makes the new state from the current one. Runs again on the newer state after a lost race, so it must
   * not have side effects.
   */
  readonly produce: (current: ApiObject) => DraftObject | Promise<DraftObject>;
  /** The one object that is meant: another of its name, or none, is a conflict. */
  readonly uid?: string | undefined;
  /** With the object absent: what to create, for PUT where the kind allows it and for server-side apply. */
  readonly createInstead?: () => DraftObject;
  /** A patch is made anew on the newer state, even though what it produces carries a resourceVersion. */
  readonly isPatch?: boolean;
  /** Server-side apply has computed `managedFields` itself. */
  readonly keepsManagedFields?: boolean;
  /** What admission sees in place of the object. */
  readonly face?: AdmissionFace;
}

export interface UpdateResult {
  readonly stored: StoredObject;
  readonly isCreated: boolean;
}

/**
 * Replaces an object by what `produce` makes of it: PUT, all patches, and the server's own small changes.
 *
 * @throws {StatusError} NotFound, Conflict, Invalid, or what admission says
 */
export async function updateObject(
  storage: ResourceStorage,
  target: Target,
  options: UpdateOptions,
  context: RequestContext,
): Promise<UpdateResult> {
  let current = await storage.find(target.namespace, target.name);
  for (let tries = 1; ; tries++) {
    if (current === undefined) {
      return createInstead(storage, target, options, context);
    }
    const attempt = await prepare(storage, target, current, options, context);
    if (attempt.kind === 'unchanged' || context.isDryRun) {
      const stored = attempt.kind === 'unchanged' ? current : dryRunView(storage, current, attempt.object);
      return { stored, isCreated: false };
    }
    const outcome = await write(storage, current, attempt);
    if (outcome instanceof StoredObject) {
      return { stored: outcome, isCreated: false };
    }
    if (attempt.isConditional || tries >= CONFLICT_TRIES) {
      throw staleObject(storage.strategy, target.name);
    }
    current = outcome === 'missing' ? undefined : outcome.current;
  }
}

type Attempt =
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'write' | 'remove';
      readonly object: DraftObject;
      /** The client named the state it started from, so a lost race is its conflict, not ours. */
      readonly isConditional: boolean;
    };

async function prepare(
  storage: ResourceStorage,
  target: Target,
  current: StoredObject,
  options: UpdateOptions,
  context: RequestContext,
): Promise<Attempt & { readonly isConditional?: boolean }> {
  const { strategy } = storage;
  // Every stored object has the shape of its kind.
  const live = current.object as DraftObject;
  const produced = await options.produce(live);
  checkResourceVersion(produced, live, strategy);
  const isConditional =
    options.isPatch !== true &&
    (produced.metadata.resourceVersion ?? '') !== '' &&
    produced.metadata.resourceVersion !== '0';
  const kept = keepSystemMetadata(produced, live, target, strategy);
  const defaulted = strategy.applyDefaults(shareEqual(kept, live));
  const { subresource } = target;
  const tracked =
    options.keepsManagedFields === true
      ? defaulted
      : trackFields(storage, defaulted, {
          live,
          subresource,
          context,
          elsewhere: await statesElsewhere(storage, defaulted, live, subresource),
        });
  const { face } = options;
  const admitted = await admit(storage, 'UPDATE', target, {
    object: tracked,
    oldObject: live,
    context,
    face,
  });
  const allowed = restoreFields(admitted, tracked, context);
  const prepared = bumpGeneration(
    storage,
    await strategy.prepareUpdate(allowed, live, subresource, context),
    live,
  );
  const found = strategy.validateUpdate(prepared, live, subresource);
  await refuseInvalid(storage, { next: prepared, previous: live, subresource, found, context });
  await validateAdmission(storage, 'UPDATE', target, { object: prepared, oldObject: live, context, face });
  if (isReleased(prepared) && strategy.isHeld?.(prepared) !== true) {
    return { kind: 'remove', object: prepared, isConditional };
  }
  if (isSameState(prepared, live) && !storage.isOutdated(current)) {
    return { kind: 'unchanged' };
  }
  return { kind: 'write', object: prepared, isConditional };
}

/** The last finalizer went from an object whose grace period is over: now it really is deleted. */
function isReleased({ metadata }: DraftObject): boolean {
  return (
    metadata.deletionTimestamp !== undefined &&
    (metadata.finalizers ?? []).length === 0 &&
    (metadata.deletionGracePeriodSeconds ?? 0) === 0
  );
}

function bumpGeneration(storage: ResourceStorage, next: DraftObject, live: DraftObject): DraftObject {
  const { strategy } = storage;
  if (!strategy.tracksGeneration || jsonEqual(desiredState(next, strategy), desiredState(live, strategy))) {
    return next;
  }
  return withMetadata(next, withGeneration(next.metadata, (live.metadata.generation ?? 0) + 1));
}

/** The same metadata, in the same order, with another generation. */
function withGeneration(metadata: DraftObject['metadata'], generation: number): object {
  if (metadata.generation !== undefined) {
    return { ...metadata, generation };
  }
  const entries = Object.entries(metadata);
  const after = entries.findIndex(([name]) => name === 'uid') + 1;
  return Object.fromEntries([
    ...entries.slice(0, after),
    ['generation', generation],
    ...entries.slice(after),
  ]);
}

/** What a user wants: everything but metadata and status. Custom objects have a status only where it is kept apart. */
function desiredState(object: DraftObject, { custom, info }: Strategy): object {
  const { metadata: _metadata, status: _status, ...desired } = object;
  return custom === undefined || Object.hasOwn(info.subresources, 'status')
    ? desired
    : { ...desired, status: object['status'] };
}

async function write(
  storage: ResourceStorage,
  current: StoredObject,
  attempt: Extract<Attempt, { kind: 'write' | 'remove' }>,
): Promise<StoredObject | { readonly current: StoredObject } | 'missing'> {
  const { key } = current;
  try {
    if (attempt.kind === 'remove') {
      const removed = await storage.deps.store.delete(key, current.revision);
      if (removed.kind === 'deleted') {
        storage.removed(key, removed.revision);
        storage.strategy.afterDelete?.(attempt.object);
        return new StoredObject(key, storage.encode(attempt.object), removed.revision, storage.layout);
      }
      return removed.kind === 'missing' ? 'missing' : { current: await storage.prepared(removed.current) };
    }
    const bytes = await storage.bytesToStore(attempt.object);
    const outcome = await storage.deps.store.update(key, bytes, current.revision);
    if (outcome.kind === 'updated') {
      return await storage.written(key, bytes, outcome.revision, attempt.object);
    }
    return outcome.kind === 'missing' ? 'missing' : { current: await storage.prepared(outcome.current) };
  } catch (error) {
    throw asStatus(error);
  }
}

async function createInstead(
  storage: ResourceStorage,
  target: Target,
  { createInstead: make, keepsManagedFields, uid = '' }: UpdateOptions,
  context: RequestContext,
): Promise<UpdateResult> {
  if (uid !== '') {
    throw anotherObject(storage.strategy, target.name, { uid, found: '' });
  }
  if (make === undefined || target.subresource !== '') {
    throw notFound(storage.strategy.info, target.name);
  }
  const stored = await createObject(storage, target.namespace, make(), context, { keepsManagedFields });
  return { stored, isCreated: true };
}

function dryRunView(storage: ResourceStorage, current: StoredObject, object: DraftObject): StoredObject {
  return new StoredObject(current.key, storage.encode(object), current.revision, storage.layout);
}
