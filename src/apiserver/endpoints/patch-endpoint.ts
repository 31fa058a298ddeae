import type { ApiObject } from '#api/object.ts';
import { apiVersionOf } from '#api/resource-type.ts';
import { badRequest, conflict, StatusError } from '#api/status-error.ts';
import type { ObjectMeta } from '#api/types/meta.v1.ts';
import { applyJsonPatch } from '#codec/patch/json-patch.ts';
import { applyMergePatch } from '#codec/patch/merge-patch.ts';
import { applyStrategicMerge } from '#codec/patch/strategic-merge.ts';
import { applyAcrossVersions } from '#codec/managed-fields/apply-across-versions.ts';
import { applyPatch, type ApplyOptions } from '#codec/managed-fields/server-side-apply.ts';
import { timestamp } from '../registry/metadata.ts';
import type { RequestContext, Target } from '../registry/request-context.ts';
import type { DraftObject } from '../registry/strategy.ts';
import { foreignVersions } from '../registry/track-fields.ts';
import { updateObject, type UpdateResult } from '../registry/update.ts';
import { isTrue } from '../request-info.ts';
import type { ApiCall, Served } from './api-call.ts';
import { contextOf } from './call-options.ts';
import { decodeValue, problemsIn, typedObject } from './decode-body.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
const APPLY_YAML = 'application/apply-patch+yaml';

const ACCEPTED = [JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_YAML];
/** A schema has no strategies for merging. */
const CUSTOM_ACCEPTED = [JSON_PATCH, MERGE_PATCH, APPLY_YAML];

/** Serves PATCH in its four kinds. */
export async function patchObject(served: Served, target: Target, call: ApiCall): Promise<UpdateResult> {
  const context = contextOf(call, 'patch', served.view);
  const contentType = (call.body?.contentType ?? '').split(';')[0]?.trim() ?? '';
  const isForced = isTrue(call.query.get('force'));
  if (isForced && contentType !== APPLY_YAML) {
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    );
  }
  if (contentType === APPLY_YAML) {
    return applyServerSide(served, target, { call, context, isForced });
  }
  const patch = decodeValue(call.body);
  const change = changeOf(served, contentType, patch);
  const { storage, view } = served;
  const produce = (current: ApiObject): DraftObject => {
    if (view !== undefined) {
      return typedObject(served, change(view.fromStorage(current)), context);
    }
    return typedObject(served, change(current), context, { like: current });
  };
  return updateObject(storage, target, { produce, isPatch: true }, context);
}

function changeOf(
  { storage, view }: Served,
  contentType: string,
  patch: unknown,
): (current: ApiObject) => unknown {
  switch (contentType) {
    case JSON_PATCH:
      return (current) => applyJsonPatch(current, patch);
    case MERGE_PATCH:
      return (current) => applyMergePatch(current, patch);
    case STRATEGIC_PATCH:
      if (storage.strategy.custom !== undefined) {
        throw unsupportedPatch(CUSTOM_ACCEPTED);
      }
      return (current) => applyStrategicMerge(current, patch, (view ?? storage.strategy).struct);
    default:
      throw unsupportedPatch(storage.strategy.custom === undefined ? ACCEPTED : CUSTOM_ACCEPTED);
  }
}

function unsupportedPatch(accepted: readonly string[]): StatusError {
  return new StatusError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  });
}

interface Apply {
  readonly call: ApiCall;
  readonly context: RequestContext;
  readonly isForced: boolean;
}

function applyServerSide(
  served: Served,
  target: Target,
  { call, context, isForced }: Apply,
): Promise<UpdateResult> {
  const { storage, view } = served;
  const { info, struct } = view ?? storage.strategy;
  if ((call.query.get('fieldManager') ?? '') === '') {
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  }
  const patch = decodeValue(call.body) as DraftObject;
  checkRepeated(call, patch, context);
  const optionsFor = (live: ApiObject | undefined): ApplyOptions => ({
    live: live === undefined ? undefined : (view?.fromStorage(live) ?? live),
    patch,
    struct,
    manager: context.fieldManager,
    apiVersion: apiVersionOf(info),
    subresource: target.subresource,
    force: isForced,
    time: timestamp(storage.deps.clock),
  });
  const merge = async (live: ApiObject): Promise<DraftObject> => {
    const { inVersion } = storage;
    const isForeign = inVersion !== undefined && foreignVersions(storage, live).length > 0;
    const options = optionsFor(live);
    // What an apply makes of an object is an object.
    return (isForeign ? await applyAcrossVersions(options, inVersion) : applyPatch(options)) as DraftObject;
  };
  return updateObject(
    storage,
    target,
    {
      produce: async (current) => typedObject(served, await merge(current), context),
      createInstead: () => {
        refuseUid(served, target, patch);
        return typedObject(served, applyPatch(optionsFor(undefined)), context);
      },
      keepsManagedFields: true,
      isPatch: true,
    },
    context,
  );
}

/** @throws {StatusError} Conflict when the object is to be one that is not there */
function refuseUid({ storage }: Served, { name }: Target, patch: DraftObject): void {
  // What a client sends may lack what every stored object has.
  const { uid = '' }: Partial<ObjectMeta> = (patch as Partial<DraftObject>).metadata ?? {};
  if (uid !== '') {
    throw conflict(
      storage.strategy.info,
      name,
      `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    );
  }
}

/** Keys that stand twice in the text of an applied object. @throws {StatusError} BadRequest when strict */
function checkRepeated({ body }: ApiCall, patch: DraftObject, context: RequestContext): void {
  const source = context.fieldValidation === 'Ignore' ? undefined : problemsIn(body, patch);
  if (source?.kind !== 'yaml') {
    return;
  }
  if (context.fieldValidation === 'Strict') {
    throw badRequest(`error strict decoding YAML: ${source.problem}`);
  }
  context.warnings.push(source.problem);
}
