import type { ApiObject } from '#api/object.ts';
import { apiVersionOf, type GroupVersionKind } from '#api/resource-type.ts';
import { normalizeObject } from '#codec/typed-decode.ts';
import type { EquivalentResource, ObjectVersions } from '../../admission/admission.ts';
import type { Strategy } from '../strategy.ts';
import type { VersionView } from './version-view.ts';

/**
 * The versions of a built-in resource, as admission may ask for them.
 *
 * @param views the versions beside the stored one
 * @param own the version of the request, when it is one of them
 */
export function builtInVersions(
  { info, struct }: Strategy,
  views: readonly VersionView[],
  own: VersionView | undefined,
): ObjectVersions {
  const requested = own?.info ?? info;
  const viewOf = ({ group, version }: GroupVersionKind): VersionView | undefined =>
    views.find((view) => view.info.group === group && view.info.version === version);
  return {
    get others(): readonly EquivalentResource[] {
      return [info, ...views.map((view) => view.info)]
        .filter((each) => apiVersionOf(each) !== apiVersionOf(requested))
        .map((each) => ({ resource: each, kind: each }));
    },
    fromStorage(object, kind): ApiObject {
      const view = viewOf(kind);
      return view === undefined ? object : normalizeObject(view.fromStorage(object), view.struct);
    },
    toStorage(object, kind): ApiObject {
      const view = viewOf(kind);
      return view === undefined ? object : normalizeObject(view.toStorage(object), struct);
    },
  };
}
