import { conflict, invalid } from '#api/status-error.ts';
import type { DeleteOptions } from '#api/types/meta.v1.ts';
import { admitDeletion } from './admission-step.ts';
import { asStatus } from './create.ts';
import { withMetadata } from './metadata.ts';
import type { RequestContext, Target } from './request-context.ts';
import type { ResourceStorage } from './resource-storage.ts';
import { StoredObject } from './stored-object.ts';
import type { DraftObject, Strategy } from './strategy.ts';

const ORPHAN_FINALIZER = 'orphan';
const FOREGROUND_FINALIZER = 'foregroundDeletion';

export interface DeleteResult {
  /** The last state: as deleted, or marked for deletion. */
  readonly stored: StoredObject;
  /** False while finalizers or a grace period keep the object. */
  readonly isGone: boolean;
}

/**
 * Deletes an object, or marks it when finalizers or a grace period have to run first.
 *
 * @throws {StatusError} NotFound, Conflict for a failed precondition, or what admission says
 */
export async function deleteObject(
  storage: ResourceStorage,
  target: Target,
  options: Partial<DeleteOptions>,
  context: RequestContext,
): Promise<DeleteResult> {
  let current = await storage.get(target.namespace, target.name);
  for (;;) {
    const live = current.object as DraftObject;
    checkPreconditions(storage.strategy, live, options);
    await admitDeletion(storage, target, { oldObject: live, options, context });
    const plan = planDeletion(storage, live, options);
    if (plan.kind === 'wait' || context.isDryRun) {
      return { stored: current, isGone: plan.kind === 'remove' };
    }
    const outcome =
      plan.kind === 'remove' ? await remove(storage, current) : await mark(storage, current, plan.object);
    if (outcome.kind === 'done') {
      return { stored: outcome.stored, isGone: plan.kind === 'remove' };
    }
    current = outcome.kind === 'missing' ? await storage.get(target.namespace, target.name) : outcome.current;
  }
}

type Plan =
  | { readonly kind: 'remove' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'mark'; readonly object: DraftObject };

/** Decides what a deletion does to the object; writes nothing. */
function planDeletion(storage: ResourceStorage, live: DraftObject, options: Partial<DeleteOptions>): Plan {
  const { strategy, deps } = storage;
  const { metadata } = live;
  const finalizers = finalizersAfter(finalizersOf(live, strategy), options, strategy, live);
  const requested = options.gracePeriodSeconds;
  const graceSeconds = strategy.deletionGraceSeconds?.(live, requested) ?? 0;
  const isMarked = metadata.deletionTimestamp !== undefined;
  const remaining = metadata.deletionGracePeriodSeconds ?? 0;
  const isHeld = finalizers.length > 0 || strategy.isHeld?.(live) === true;
  const isSameFinalizers = finalizers.join('\0') === (metadata.finalizers ?? []).join('\0');
  if (isMarked && isSameFinalizers) {
    // A second deletion can only shorten the wait.
    if (graceSeconds >= remaining && (remaining > 0 || isHeld)) {
      return { kind: 'wait' };
    }
    if (graceSeconds === 0 && !isHeld) {
      return { kind: 'remove' };
    }
  }
  if (graceSeconds === 0 && !isHeld) {
    return { kind: 'remove' };
  }
  const grace = isMarked ? Math.min(remaining, graceSeconds) : graceSeconds;
  const { finalizers: _old, ...rest } = metadata;
  const deadline = new Date(deps.clock.nowMs() + grace * 1000).toISOString().slice(0, 19);
  const marked = {
    ...rest,
    ...(strategy.tracksGeneration && !isMarked ? { generation: (metadata.generation ?? 0) + 1 } : {}),
    deletionTimestamp: isMarked && grace === remaining ? metadata.deletionTimestamp : `${deadline}Z`,
    deletionGracePeriodSeconds: grace,
    ...(finalizers.length > 0 ? { finalizers } : {}),
  };
  return { kind: 'mark', object: withMetadata(strategy.markDeleted?.(live) ?? live, marked) };
}

/** The object's finalizers, with those that its deletion brings when it begins. */
function finalizersOf({ metadata }: DraftObject, { deletionFinalizers = [] }: Strategy): readonly string[] {
  const existing = metadata.finalizers ?? [];
  return metadata.deletionTimestamp === undefined
    ? [...existing, ...deletionFinalizers.filter((name) => !existing.includes(name))]
    : existing;
}

/** What the propagation policy adds to or takes from the finalizers. */
function finalizersAfter(
  existing: readonly string[],
  { propagationPolicy, orphanDependents }: Partial<DeleteOptions>,
  strategy: Strategy,
  live: DraftObject,
): readonly string[] {
  if (propagationPolicy === undefined && orphanDependents === undefined) {
    return existing;
  }
  const others = existing.filter((name) => name !== ORPHAN_FINALIZER && name !== FOREGROUND_FINALIZER);
  const policy = propagationPolicy ?? (orphanDependents === true ? 'Orphan' : 'Background');
  switch (policy) {
    case 'Orphan':
      return [...others, ORPHAN_FINALIZER];
    case 'Foreground':
      return [...others, FOREGROUND_FINALIZER];
    case 'Background':
      return others;
    default:
      throw invalid({ group: '', kind: 'DeleteOptions' }, live.metadata.name, [
        {
          path: 'propagationPolicy',
          reason: 'FieldValueNotSupported',
          badValue: propagationPolicy,
          detail: `supported values: "Background", "Foreground", "Orphan" for ${strategy.info.resource}`,
        },
      ]);
  }
}

function checkPreconditions(
  { info }: Strategy,
  { metadata }: DraftObject,
  { preconditions }: Partial<DeleteOptions>,
): void {
  if (preconditions?.uid !== undefined && preconditions.uid !== metadata.uid) {
    throw conflict(
      info,
      metadata.name,
      `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${metadata.uid}`,
    );
  }
  if (
    preconditions?.resourceVersion !== undefined &&
    preconditions.resourceVersion !== metadata.resourceVersion
  ) {
    throw conflict(
      info,
      metadata.name,
      `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`,
    );
  }
}

type Outcome =
  | { readonly kind: 'done'; readonly stored: StoredObject }
  | { readonly kind: 'lost'; readonly current: StoredObject }
  | { readonly kind: 'missing' };

async function remove(storage: ResourceStorage, current: StoredObject): Promise<Outcome> {
  try {
    const outcome = await storage.deps.store.delete(current.key, current.revision);
    if (outcome.kind === 'deleted') {
      storage.removed(current.key, outcome.revision);
      storage.strategy.afterDelete?.(current.object as DraftObject);
      return {
        kind: 'done',
        stored: new StoredObject(current.key, current.bytes, outcome.revision, storage.layout),
      };
    }
    return outcome.kind === 'missing'
      ? outcome
      : { kind: 'lost', current: await storage.prepared(outcome.current) };
  } catch (error) {
    throw asStatus(error);
  }
}

async function mark(storage: ResourceStorage, current: StoredObject, object: DraftObject): Promise<Outcome> {
  try {
    const bytes = await storage.bytesToStore(object);
    const outcome = await storage.deps.store.update(current.key, bytes, current.revision);
    if (outcome.kind === 'updated') {
      return { kind: 'done', stored: await storage.written(current.key, bytes, outcome.revision, object) };
    }
    return outcome.kind === 'missing'
      ? outcome
      : { kind: 'lost', current: await storage.prepared(outcome.current) };
  } catch (error) {
    throw asStatus(error);
  }
}
