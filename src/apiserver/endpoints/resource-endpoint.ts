import type { GroupVersionResource } from '#api/resource-type.ts';
import { methodNotSupported } from '#api/status-error.ts';
import { kindDeprecation } from '#api/warnings/kind-deprecations.ts';
import type { DeleteOptions, Status } from '#api/types/meta.v1.ts';
import { createObject } from '../registry/create.ts';
import { deleteCollection } from '../registry/delete-collection.ts';
import { deleteObject } from '../registry/delete.ts';
import { listObjects } from '../registry/list.ts';
import { parseSelection, type Selectable, type Selection } from '../registry/selection.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import { withMetadata } from '../registry/metadata.ts';
import { updateObject } from '../registry/update.ts';
import { checkWatchOptions, watchObjects } from '../registry/watch.ts';
import type { Target } from '../registry/request-context.ts';
import type { ApiCall, ApiResult, Served } from './api-call.ts';
import { contextOf, listOptionsOf, readCount, watchOptionsOf } from './call-options.ts';
import { decodeBody, decodeDeleteOptions } from './decode-body.ts';
import { patchObject } from './patch-endpoint.ts';

/** Serves the verbs of a stored resource and of its `status`-like subresources, in the stored version or another. */
export async function serveResource(served: Served, call: ApiCall): Promise<ApiResult> {
  const { info } = call;
  const { storage } = served;
  const { strategy } = storage;
  const verbs =
    info.subresource === ''
      ? strategy.info.verbs
      : (strategy.info.subresources[info.subresource]?.verbs ?? []);
  if (!verbs.includes(info.verb)) {
    throw methodNotSupported(strategy.info, info.verb);
  }
  const deprecation = kindDeprecation(strategy.info);
  if (deprecation !== undefined) {
    call.warnings.push(deprecation);
  }
  switch (info.verb) {
    case 'get':
      return { kind: 'stored', code: 200, stored: await storage.get(info.namespace, info.name), ...served };
    case 'list':
      return list(served, call);
    case 'watch':
      return watch(served, call);
    case 'create':
      return create(served, call);
    case 'update':
      return update(served, call);
    case 'patch': {
      const { stored, isCreated } = await patchObject(served, targetOf(call), call);
      return { kind: 'stored', code: isCreated ? 201 : 200, stored, ...served };
    }
    case 'delete':
      return remove(served, call);
    case 'deletecollection':
      return removeCollection(served, call);
    default:
      throw methodNotSupported(strategy.info, info.verb);
  }
}

function targetOf({ info }: ApiCall): Target {
  return { namespace: info.namespace, name: info.name, subresource: info.subresource };
}

async function list(served: Served, call: ApiCall): Promise<ApiResult> {
  const { storage } = served;
  const page = await listObjects(
    storage,
    call.info.namespace,
    selectionOf(served, call),
    listOptionsOf(call.query),
  );
  return { kind: 'page', page, ...served };
}

async function create(served: Served, call: ApiCall): Promise<ApiResult> {
  const context = contextOf(call, 'create', served.view);
  const body = decodeBody(served, call.body, context);
  const stored = await createObject(served.storage, call.info.namespace, body, context);
  return { kind: 'stored', code: 201, stored, ...served };
}

async function update(served: Served, call: ApiCall): Promise<ApiResult> {
  const { storage } = served;
  const context = contextOf(call, 'update', served.view);
  const body = decodeBody(served, call.body, context);
  // What is made anew has no version yet, whichever one the client has seen.
  const createInstead = storage.strategy.allowsCreateOnUpdate
    ? { createInstead: () => withMetadata(body, { ...body.metadata, resourceVersion: undefined }) }
    : {};
  const { stored, isCreated } = await updateObject(
    storage,
    targetOf(call),
    { produce: () => body, uid: body.metadata.uid, ...createInstead },
    context,
  );
  return { kind: 'stored', code: isCreated ? 201 : 200, stored, ...served };
}

function selectionOf(served: Served, { info, query }: ApiCall): Selection {
  const fields = query.get('fieldSelector') ?? '';
  // A watch of one object is a watch with a selector for its name.
  const named =
    info.name === ''
      ? fields
      : [`metadata.name=${info.name}`, fields].filter((text) => text !== '').join(',');
  return parseSelection(selectableOf(served), query.get('labelSelector') ?? '', named);
}

/** The fields of the version that was asked, which read the stored ones. */
function selectableOf({ storage: { strategy }, view }: Served): Selectable {
  if (view?.selectableAs === undefined) {
    return strategy;
  }
  const fields = Object.entries(view.selectableAs).flatMap(([name, stored]) => {
    const reader = strategy.selectableFields[stored];
    return reader === undefined ? [] : [[name, reader] as const];
  });
  return { info: view.info, selectableFields: Object.fromEntries(fields) };
}

/** Without a time-out from the client a watch lasts between these two, so that clients spread out again. */
const WATCH_SECONDS_MIN = 1800;

function watch(served: Served, call: ApiCall): ApiResult {
  const { storage } = served;
  const { clock, random } = storage.deps;
  const asked = readCount(call.query.get('timeoutSeconds'), 'timeoutSeconds');
  const seconds = asked > 0 ? asked : WATCH_SECONDS_MIN * (1 + random.float());
  const selection = selectionOf(served, call);
  const options = watchOptionsOf(call.query);
  checkWatchOptions(options);
  const start = async function* (): ReturnType<typeof watchObjects> {
    const ending = new AbortController();
    const timer = clock.schedule(seconds * 1000, () => ending.abort());
    try {
      yield* watchObjects(
        storage,
        call.info.namespace,
        selection,
        options,
        AbortSignal.any([call.signal, ending.signal]),
      );
    } finally {
      timer.cancel();
    }
  };
  return { kind: 'watch', batches: start(), ...served };
}

async function remove(served: Served, call: ApiCall): Promise<ApiResult> {
  const { storage } = served;
  const { info } = call;
  const options = decodeDeleteOptions(call);
  const context = {
    ...contextOf(call, 'delete', served.view),
    ...((options.dryRun ?? []).includes('All') ? { isDryRun: true } : {}),
  };
  const target = { namespace: info.namespace, name: info.name, subresource: '' };
  const { stored, isGone } = await deleteObject(storage, target, options, context);
  if (isGone && !storage.strategy.returnsDeleted) {
    return { kind: 'value', code: 200, value: deletedStatus(storage.strategy.info, stored) };
  }
  // Only clients that asked for the dependents to go too learn that the deletion is still under way.
  const code = !isGone && options.orphanDependents === false ? 202 : 200;
  return { kind: 'stored', code, stored, ...served };
}

function deletedStatus({ group, resource }: GroupVersionResource, { object }: StoredObject): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: object.metadata.name,
      ...(group === '' ? {} : { group }),
      kind: resource,
      uid: object.metadata.uid,
    },
  };
}

async function removeCollection(served: Served, call: ApiCall): Promise<ApiResult> {
  const { storage } = served;
  const deleteOptions: Partial<DeleteOptions> = decodeDeleteOptions(call);
  const page = await deleteCollection(
    storage,
    call.info.namespace,
    { selection: selectionOf(served, call), listOptions: listOptionsOf(call.query), deleteOptions },
    contextOf(call, 'delete', served.view),
  );
  return { kind: 'page', page, ...served };
}
