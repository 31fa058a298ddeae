import { badRequest, invalid, StatusError } from '#api/status-error.ts';
import { CompactedError, FutureRevisionError, type ListResult, type Revision } from '#store/store.ts';
import { decodeContinue, encodeContinue, expiredContinue } from './continue-token.ts';
import type { ResourceStorage } from './resource-storage.ts';
import type { Selection } from './selection.ts';
import type { StoredObject } from './stored-object.ts';

export interface ListOptions {
  /** Most items of the page; 0 for all. */
  readonly limit: number;
  readonly continue: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
}

export interface ObjectPage {
  readonly items: readonly StoredObject[];
  readonly revision: Revision;
  /** Empty on the last page. */
  readonly continue: string;
  /** Set only where it is known without looking at the objects left. */
  readonly remaining: number | undefined;
}

/** Entries read from the store at a time while a selector is looking for enough matches. */
const SCAN_PAGE_MIN = 500;

/**
 * One page of a list, consistent at one revision.
 *
 * @throws {StatusError} BadRequest for options that do not go together, Expired for history that is gone
 */
export async function listObjects(
  storage: ResourceStorage,
  namespace: string,
  selection: Selection,
  options: ListOptions,
): Promise<ObjectPage> {
  const start = readStart(storage, options);
  try {
    return await collect(storage, namespace, { selection, limit: options.limit, start });
  } catch (error) {
    throw listError(error, options);
  }
}

interface Start {
  readonly revision: Revision | undefined;
  readonly after: string | undefined;
}

function readStart(storage: ResourceStorage, options: ListOptions): Start {
  const { resourceVersion, resourceVersionMatch } = options;
  checkMatch(options);
  if (options.continue !== '') {
    if (resourceVersion !== '' && resourceVersion !== '0') {
      throw badRequest('specifying resource version is not allowed when using continue');
    }
    const token = decodeContinue(options.continue);
    return { revision: token.revision > 0 ? token.revision : undefined, after: storage.prefix + token.after };
  }
  if (resourceVersion === '' || resourceVersion === '0') {
    return { revision: undefined, after: undefined };
  }
  const revision = parseResourceVersion(resourceVersion);
  // Without a match rule, a version with a limit asks for exactly that version, and without one for any newer.
  const isExact = resourceVersionMatch === 'Exact' || (resourceVersionMatch === '' && options.limit > 0);
  return { revision: isExact ? revision : undefined, after: undefined };
}

/** @throws {StatusError} BadRequest */
export function parseResourceVersion(text: string): Revision {
  if (!/^\d{1,16}$/.test(text)) {
    throw badRequest(`invalid resource version: ${JSON.stringify(text)}`);
  }
  return Number(text);
}

function checkMatch({ resourceVersion, resourceVersionMatch, continue: token }: ListOptions): void {
  if (resourceVersionMatch === '') {
    return;
  }
  const refuse = (detail: string): never => {
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
      { path: 'resourceVersionMatch', reason: 'FieldValueForbidden', detail },
    ]);
  };
  if (resourceVersion === '') {
    refuse('resourceVersionMatch is forbidden unless resourceVersion is provided');
  }
  if (token !== '') {
    refuse('resourceVersionMatch is forbidden when continue is provided');
  }
  if (resourceVersionMatch !== 'Exact' && resourceVersionMatch !== 'NotOlderThan') {
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
      {
        path: 'resourceVersionMatch',
        reason: 'FieldValueNotSupported',
        badValue: resourceVersionMatch,
        detail: 'supported values: "Exact", "NotOlderThan", ""',
      },
    ]);
  }
  if (resourceVersionMatch === 'Exact' && resourceVersion === '0') {
    refuse('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
}

interface Query {
  readonly selection: Selection;
  readonly limit: number;
  readonly start: Start;
}

async function collect(storage: ResourceStorage, namespace: string, query: Query): Promise<ObjectPage> {
  const { selection, limit, start } = query;
  const { store } = storage.deps;
  const prefix = storage.prefixOf(namespace);
  const items: StoredObject[] = [];
  let { revision, after } = start;
  for (;;) {
    const wanted =
      limit === 0 ? 0 : selection.isEverything ? limit - items.length : Math.max(limit, SCAN_PAGE_MIN);
    const page: ListResult = await store.list(prefix, {
      limit: wanted,
      ...(revision === undefined ? {} : { revision }),
      ...(after === undefined ? {} : { after }),
    });
    revision = page.revision;
    await storage.prepare(page.items);
    for (const [index, entry] of page.items.entries()) {
      const view = storage.view(entry);
      if (selection.isEverything || selection.matches(view.object)) {
        items.push(view);
      }
      const isMore = page.hasMore || index < page.items.length - 1;
      if (limit > 0 && items.length === limit && isMore) {
        const remaining = selection.isEverything ? page.remaining + page.items.length - 1 - index : undefined;
        return {
          items,
          revision,
          continue: encodeContinue({ revision, after: entry.key.slice(storage.prefix.length) }),
          remaining,
        };
      }
    }
    after = page.items.at(-1)?.key;
    if (!page.hasMore || after === undefined) {
      return { items, revision, continue: '', remaining: undefined };
    }
  }
}

function listError(error: unknown, options: ListOptions): unknown {
  if (error instanceof CompactedError) {
    return options.continue === ''
      ? tooOld(options.resourceVersion, error.compactedRevision)
      : expiredContinue();
  }
  if (error instanceof FutureRevisionError) {
    return tooLarge(options.resourceVersion, error.currentRevision);
  }
  return error;
}

/** The asked version was compacted. Clients list anew. */
export function tooOld(resourceVersion: string, compacted: Revision): StatusError {
  return new StatusError({
    code: 410,
    reason: 'Expired',
    message: `too old resource version: ${resourceVersion} (${compacted + 1})`,
  });
}

/** The asked version has not happened here. Clients wait and try again. */
export function tooLarge(resourceVersion: string, current: Revision): StatusError {
  return new StatusError({
    code: 504,
    reason: 'Timeout',
    message: `Too large resource version: ${resourceVersion}, current: ${current}`,
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  });
}
