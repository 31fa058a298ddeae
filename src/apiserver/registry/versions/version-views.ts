import { resourceInfo } from '#api/resource-table.ts';
import type { GroupVersionResource } from '#api/resource-type.ts';
import { structOfKind } from '#api/schema/schema.ts';
import { defined } from '#base/assert.ts';
import { autoscalerFromStorage, autoscalerToStorage } from './autoscaler-view.ts';
import { EVENT_FIELDS, eventFromStorage, eventToStorage } from './event-view.ts';
import type { VersionView } from './version-view.ts';

interface ServedVersion {
  /** The resource that is stored. */
  readonly storage: GroupVersionResource;
  readonly view: VersionView;
}

const EVENTS = { group: 'events.k8s.io', version: 'v1', resource: 'events' };
const AUTOSCALERS = { group: 'autoscaling', version: 'v1', resource: 'horizontalpodautoscalers' };

const VERSIONS: ReadonlyMap<string, ServedVersion> = new Map([
  [
    keyOf(EVENTS),
    {
      storage: { group: '', version: 'v1', resource: 'events' },
      view: viewOf(EVENTS, {
        toStorage: eventToStorage,
        fromStorage: eventFromStorage,
        selectableAs: EVENT_FIELDS,
      }),
    },
  ],
  [
    keyOf(AUTOSCALERS),
    {
      storage: { group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers' },
      view: viewOf(AUTOSCALERS, { toStorage: autoscalerToStorage, fromStorage: autoscalerFromStorage }),
    },
  ],
]);

/** How a version that is not the stored one is served; undefined for stored versions. */
export function versionViewOf(resource: GroupVersionResource): ServedVersion | undefined {
  return VERSIONS.get(keyOf(resource));
}

/** The versions in which a stored resource is served beside its own. */
export function otherVersionsOf(stored: GroupVersionResource): readonly VersionView[] {
  const key = keyOf(stored);
  return [...VERSIONS.values()].filter(({ storage }) => keyOf(storage) === key).map(({ view }) => view);
}

function viewOf(
  resource: GroupVersionResource,
  conversion: Pick<VersionView, 'toStorage' | 'fromStorage' | 'selectableAs'>,
): VersionView {
  const info = defined(resourceInfo(resource), 'a served resource');
  return {
    info,
    struct: defined(structOfKind(info.group, info.version, info.kind), 'its type'),
    ...conversion,
  };
}

function keyOf({ group, version, resource }: GroupVersionResource): string {
  return `${group}/${version}/${resource}`;
}
