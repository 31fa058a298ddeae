import { utf8Encode } from '#base/bytes.ts';
import type { Secret } from '#api/types/core.v1.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import { defaultStrategy } from '../default-strategy.ts';
import type { DraftObject, Strategy } from '../strategy.ts';
import { selectableFieldsOf } from './selectable-fields.ts';

/** `stringData` is for writing only: it becomes part of `data` and is never stored or shown. */
export function secretStrategy(info: ResourceInfo): Strategy {
  const base = defaultStrategy(info);
  return {
    ...base,
    selectableFields: selectableFieldsOf('secrets'),
    applyDefaults: (object) => base.applyDefaults(withoutStringData(object)),
  };
}

function withoutStringData(object: DraftObject): DraftObject {
  // The storage of secrets holds secrets only.
  const { stringData, ...secret } = object as unknown as Secret;
  if (stringData === undefined) {
    return object;
  }
  const encoded = Object.entries(stringData).map(
    ([key, text]) => [key, utf8Encode(text).toBase64()] as const,
  );
  const data = Object.fromEntries(
    [...Object.entries(secret.data ?? {}), ...encoded].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
  return { ...secret, data };
}
