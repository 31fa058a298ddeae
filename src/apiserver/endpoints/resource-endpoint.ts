import type { GroupVersionResource } from '#api/resource-type.ts';
import { methodNotSupported } from '#api/status-error.ts';
import type { DeleteOptions, Status } from '#api/types/meta.v1.ts';
import { createObject } from '../registry/create.ts';
import { deleteCollection } from '../registry/delete-collection.ts';
import { deleteObject } from '../registry/delete.ts';
import { listObjects } from '../registry/list.ts';
import type { ResourceStorage } from '../registry/resource-storage.ts';
import { parseSelection, type Selection } from '../registry/selection.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import { updateObject } from '../registry/update.ts';
import { watchObjects } from '../registry/watch.ts';
import type { ApiCall, ApiResult } from './api-call.ts';
import { contextOf, listOptionsOf, readCount, watchOptionsOf } from './call-options.ts';
import { decodeBody, decodeDeleteOptions } from './decode-body.ts';
import { patchObject } from './patch-endpoint.ts';

/** Serves the verbs of a stored resource and of its `status`-like subresources. */
export async function serveResource(storage: ResourceStorage, call: ApiCall): Promise<ApiResult> {
  const { info } = call;
  const { strategy } = storage;
  const verbs =
    info.subresource === ''
      ? strategy.info.verbs
      : (strategy.info.subresources[info.subresource]?.verbs ?? []);
  if (!verbs.includes(info.verb)) {
    throw methodNotSupported(strategy.info, info.verb);
  }
  const target = { namespace: info.namespace, name: info.name, subresource: info.subresource };
  switch (info.verb) {
    case 'get':
      return { kind: 'stored', code: 200, stored: await readObject(storage, call), storage };
    case 'list':
      return {
        kind: 'page',
        page: await listObjects(
          storage,
          info.namespace,
          selectionOf(storage, call),
          listOptionsOf(call.query),
        ),
        storage,
      };
    case 'watch':
      return watch(storage, call);
    case 'create': {
      const context = contextOf(call, 'create');
      const body = decodeBody(storage.strategy, call.body, context);
      return {
        kind: 'stored',
        code: 201,
        stored: await createObject(storage, info.namespace, body, context),
        storage,
      };
    }
    case 'update': {
      const context = contextOf(call, 'update');
      const body = decodeBody(strategy, call.body, context);
      const { stored, isCreated } = await updateObject(
        storage,
        target,
        { produce: () => body, ...(strategy.allowsCreateOnUpdate ? { createInstead: () => body } : {}) },
        context,
      );
      return { kind: 'stored', code: isCreated ? 201 : 200, stored, storage };
    }
    case 'patch': {
      const { stored, isCreated } = await patchObject(storage, target, call);
      return { kind: 'stored', code: isCreated ? 201 : 200, stored, storage };
    }
    case 'delete':
      return remove(storage, call);
    case 'deletecollection':
      return removeCollection(storage, call);
    default:
      throw methodNotSupported(strategy.info, info.verb);
  }
}

async function readObject(storage: ResourceStorage, { info }: ApiCall): Promise<StoredObject> {
  return storage.get(info.namespace, info.name);
}

function selectionOf(storage: ResourceStorage, { info, query }: ApiCall): Selection {
  const fields = query.get('fieldSelector') ?? '';
  // A watch of one object is a watch with a selector for its name.
  const named =
    info.name === ''
      ? fields
      : [`metadata.name=${info.name}`, fields].filter((text) => text !== '').join(',');
  return parseSelection(storage.strategy, query.get('labelSelector') ?? '', named);
}

/** Without a time-out from the client a watch lasts between these two, so that clients spread out again. */
const WATCH_SECONDS_MIN = 1800;

function watch(storage: ResourceStorage, call: ApiCall): ApiResult {
  const { clock, random } = storage.deps;
  const asked = readCount(call.query.get('timeoutSeconds'), 'timeoutSeconds');
  const seconds = asked > 0 ? asked : WATCH_SECONDS_MIN * (1 + random.float());
  const selection = selectionOf(storage, call);
  const options = watchOptionsOf(call.query);
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
  return { kind: 'watch', batches: start(), storage };
}

async function remove(storage: ResourceStorage, call: ApiCall): Promise<ApiResult> {
  const { info } = call;
  const options = decodeDeleteOptions(call);
  const context = {
    ...contextOf(call, 'delete'),
    ...((options.dryRun ?? []).includes('All') ? { isDryRun: true } : {}),
  };
  const target = { namespace: info.namespace, name: info.name, subresource: '' };
  const { stored, isGone } = await deleteObject(storage, target, options, context);
  if (isGone && !storage.strategy.returnsDeleted) {
    return { kind: 'value', code: 200, value: deletedStatus(storage.strategy.info, stored) };
  }
  // Only clients that asked for the dependents to go too learn that the deletion is still under way.
  const code = !isGone && options.orphanDependents === false ? 202 : 200;
  return { kind: 'stored', code, stored, storage };
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

async function removeCollection(storage: ResourceStorage, call: ApiCall): Promise<ApiResult> {
  const deleteOptions: Partial<DeleteOptions> = decodeDeleteOptions(call);
  const page = await deleteCollection(
    storage,
    call.info.namespace,
    { selection: selectionOf(storage, call), listOptions: listOptionsOf(call.query), deleteOptions },
    contextOf(call, 'delete'),
  );
  return { kind: 'page', page, storage };
}
