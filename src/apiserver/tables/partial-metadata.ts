import type { ApiObject } from '#api/object.ts';
import type { ListMeta } from '#api/types/meta.v1.ts';

/** An object reduced to its metadata, for clients that follow many objects and need only that. */
export function partialMetadata({ metadata }: ApiObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}

export function partialList(objects: readonly ApiObject[], metadata: ListMeta): object {
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    items: objects.map(partialMetadata),
  };
}
