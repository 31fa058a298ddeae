import { invalid } from '#api/status-error.ts';
import {
  CompactedError,
  FutureRevisionError,
  type Revision,
  type StoreEvent,
  type WatchBatch,
} from '#store/store.ts';
import { eventView } from './event-view.ts';
import { parseResourceVersion, tooLarge, tooOld } from './list.ts';
import type { ResourceStorage } from './resource-storage.ts';
import type { Selection } from './selection.ts';
import type { StoredObject } from './stored-object.ts';

/** What a watch yields, before it is encoded. */
export type WatchItem =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly stored: StoredObject }
  | {
      readonly type: 'BOOKMARK';
      readonly revision: Revision;
      /** Set once, on the bookmark that closes the initial events of a `sendInitialEvents` watch. */
      readonly isInitialEnd: boolean;
    };

export interface WatchOptions {
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly sendInitialEvents: boolean | undefined;
  readonly allowBookmarks: boolean;
}

/** A bookmark goes out when at least this long has passed without one. As upstream, about once a minute. */
const BOOKMARK_INTERVAL_MS = 60_000;

/**
 * The changes of a resource, each batch as the store committed it.
 *
 * Without a resourceVersion (or with `0`), and with `sendInitialEvents`, the current objects come first as
 * `ADDED`. The iteration ends when `signal` fires.
 *
 * @param options have passed {@link checkWatchOptions}
 * @throws {StatusError} Expired when the asked version was compacted
 */
export async function* watchObjects(
  storage: ResourceStorage,
  namespace: string,
  selection: Selection,
  options: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly WatchItem[]> {
  const isFromNow = options.resourceVersion === '' || options.resourceVersion === '0';
  const wantsInitial = options.sendInitialEvents ?? isFromNow;
  let after: Revision;
  if (wantsInitial) {
    const initial = await storage.deps.store.list(storage.prefixOf(namespace));
    after = initial.revision;
    await storage.prepare(initial.items);
    const items = initial.items
      .map((entry) => storage.view(entry))
      .filter((view) => selection.isEverything || selection.matches(view.object))
      .map((stored): WatchItem => ({ type: 'ADDED', stored }));
    const isStreamed = options.sendInitialEvents === true;
    yield isStreamed && options.allowBookmarks
      ? [...items, { type: 'BOOKMARK', revision: after, isInitialEnd: true }]
      : items;
  } else {
    after = isFromNow
      ? await storage.deps.store.currentRevision()
      : parseResourceVersion(options.resourceVersion);
  }
  yield* follow({ storage, namespace, selection, options, signal }, after);
}

interface Follow {
  readonly storage: ResourceStorage;
  readonly namespace: string;
  readonly selection: Selection;
  readonly options: WatchOptions;
  readonly signal: AbortSignal;
}

async function* follow(
  { storage, namespace, selection, options, signal }: Follow,
  after: Revision,
): AsyncGenerator<readonly WatchItem[]> {
  const { store, clock } = storage.deps;
  let lastBookmarkMs = clock.monotonicMs();
  try {
    const batches: AsyncIterable<WatchBatch> = store.watch(
      storage.prefixOf(namespace),
      { after, progress: options.allowBookmarks && 'seldom' },
      signal,
    );
    for await (const batch of batches) {
      const items: WatchItem[] = [];
      const preparing = storage.prepareEvents(batch.events);
      if (preparing !== undefined) {
        await preparing;
      }
      for (const event of batch.events) {
        const item = selected(storage, event, selection);
        if (item !== undefined) {
          items.push(item);
        }
      }
      if (options.allowBookmarks && clock.monotonicMs() - lastBookmarkMs >= BOOKMARK_INTERVAL_MS) {
        lastBookmarkMs = clock.monotonicMs();
        items.push({ type: 'BOOKMARK', revision: batch.revision, isInitialEnd: false });
      }
      if (items.length > 0) {
        yield items;
      }
    }
  } catch (error) {
    if (error instanceof CompactedError) {
      throw tooOld(String(after), error.compactedRevision);
    }
    if (error instanceof FutureRevisionError) {
      throw tooLarge(String(after), error.currentRevision);
    }
    throw error;
  }
}

/**
 * How a change looks through a selector: an object that starts to match is added, one that stops is deleted,
 * whatever really happened to it.
 */
function selected(storage: ResourceStorage, event: StoreEvent, selection: Selection): WatchItem | undefined {
  const { current, previous, isDelete } = eventView(event, storage);
  if (selection.isEverything) {
    return { type: isDelete ? 'DELETED' : previous === undefined ? 'ADDED' : 'MODIFIED', stored: current };
  }
  const did = previous !== undefined && selection.matches(previous.object);
  const does = !isDelete && selection.matches(current.object);
  if (does) {
    return { type: did ? 'MODIFIED' : 'ADDED', stored: current };
  }
  // The client sees the state that no longer matches, as upstream's cache sends it, at the new revision.
  return did ? { type: 'DELETED', stored: isDelete ? current : previous.at(event.revision) } : undefined;
}

/**
 * To be asked before a watch starts: its answer is a stream from then on, and could no longer refuse.
 *
 * @throws {StatusError} BadRequest for a version that is none, Invalid for options that do not go together
 */
export function checkWatchOptions(options: WatchOptions): void {
  const { sendInitialEvents, resourceVersion, resourceVersionMatch, allowBookmarks } = options;
  if (resourceVersion !== '') {
    parseResourceVersion(resourceVersion);
  }
  const refuse = (path: string, detail: string): never => {
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
      { path, reason: 'FieldValueForbidden', detail },
    ]);
  };
  if (sendInitialEvents === undefined) {
    if (resourceVersionMatch !== '') {
      refuse(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      );
    }
    return;
  }
  if (resourceVersionMatch !== 'NotOlderThan') {
    refuse('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  }
  if (sendInitialEvents && !allowBookmarks) {
    refuse('allowWatchBookmarks', 'sendInitialEvents requires setting allowWatchBookmarks to true');
  }
}
