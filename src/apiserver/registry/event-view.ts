import type { StoreEvent } from '#store/store.ts';
import { StoredObject, type StoredLayout } from './stored-object.ts';

/** One change of one resource, parsed and encoded at most once for all watchers together. */
export interface EventView {
  /** The object after the change; for a deletion its last state, at the deletion's revision. */
  readonly current: StoredObject;
  /** The object before the change; undefined when it is new. */
  readonly previous: StoredObject | undefined;
  readonly isDelete: boolean;
}

/** Live watchers share event objects, so what is derived from one is kept with it and goes with it. */
const views = new WeakMap<StoreEvent, EventView>();

export function eventView(
  event: StoreEvent,
  layout: StoredLayout,
  known: (event: StoreEvent) => StoredObject | undefined,
): EventView {
  let view = views.get(event);
  if (view === undefined) {
    view = buildView(event, layout, known);
    views.set(event, view);
  }
  return view;
}

function buildView(
  event: StoreEvent,
  layout: StoredLayout,
  known: (event: StoreEvent) => StoredObject | undefined,
): EventView {
  const previous = event.previous === undefined ? undefined : StoredObject.fromStore(event.previous, layout);
  if (event.type === 'delete') {
    return {
      current: new StoredObject(event.key, event.previous.value, event.revision, layout),
      previous,
      isDelete: true,
    };
  }
  return { current: known(event) ?? StoredObject.fromStore(event.kv, layout), previous, isDelete: false };
}
