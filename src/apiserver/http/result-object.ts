import { apiVersionOf } from '#api/resource-type.ts';
import type { ApiResult } from '../endpoints/api-call.ts';
import { infoOf, shown } from './served-objects.ts';
import { listKind, listMetadata } from './write-result.ts';

/** The object that an answer holds, in the version that was asked for; undefined for streams and texts. */
export function resultObject(result: ApiResult): object | undefined {
  switch (result.kind) {
    case 'stored':
      return shown(result.stored.object, result);
    case 'value':
      return result.value;
    case 'page': {
      const info = infoOf(result);
      return {
        kind: listKind(info),
        apiVersion: apiVersionOf(info),
        metadata: listMetadata(result.page),
        items: result.page.items.map(({ object }) => shown(object, result)),
      };
    }
    default:
      return undefined;
  }
}
