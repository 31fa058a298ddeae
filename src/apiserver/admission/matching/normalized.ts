import { applyDefaults } from '#api/defaulting/defaults.ts';
import type { ApiObject } from '#api/object.ts';
import type { GroupVersionKind } from '#api/resource-type.ts';
import { structOfKind } from '#api/schema/schema.ts';
import { deepFreeze } from '#codec/canonical.ts';
import { normalizeObject } from '#codec/typed-decode.ts';

/** An object that a webhook or policy changed, in the form everything behind expects: known fields, with defaults. */
export function normalized(object: ApiObject, kind: GroupVersionKind): ApiObject {
  const struct = structOfKind(kind.group, kind.version, kind.kind);
  // Objects of kinds defined in the cluster have no table; what is stored of them is decided behind admission.
  return deepFreeze(
    struct === undefined ? object : (applyDefaults(normalizeObject(object, struct), kind) as ApiObject),
  );
}
