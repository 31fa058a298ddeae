import type { KeyValue, StoreEvent } from '#store/store.ts';
import type { ResourceStorage } from './resource-storage.ts';
import type { StoredObject } from './stored-object.ts';

/** One change of one resource, parsed and encoded at most once for all watchers together. */
export interface EventView {
  /** The object after the change; for a deletion its last state, at the deletion's revision. */
  readonly current: StoredObject;
  /** The object before the change; undefined when it is new. */
  readonly previous: StoredObject | undefined;
  readonly isDelete: boolean;
}

export function eventView(event: StoreEvent, storage: ResourceStorage): EventView {
  let view = storage.eventViews.get(event);
  if (view === undefined) {
    view = buildView(event, storage);
    storage.eventViews.set(event, view);
  }
  return view;
}

function buildView(event: StoreEvent, storage: ResourceStorage): EventView {
  if (event.type === 'delete') {
    const last = viewBefore(event.previous, storage);
    return { current: last.at(event.revision), previous: last, isDelete: true };
  }
  const previous = event.previous === undefined ? undefined : viewBefore(event.previous, storage);
  return { current: storage.view(event.kv), previous, isDelete: false };
}

function viewBefore(entry: KeyValue, storage: ResourceStorage): StoredObject {
  return storage.cache.past(entry) ?? storage.pastView(entry);
}
