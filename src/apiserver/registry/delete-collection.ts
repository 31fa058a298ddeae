import { isNotFound } from '#api/status-error.ts';
import type { DeleteOptions } from '#api/types/meta.v1.ts';
import { deleteObject } from './delete.ts';
import { listObjects, type ListOptions, type ObjectPage } from './list.ts';
import type { RequestContext } from './request-context.ts';
import type { ResourceStorage } from './resource-storage.ts';
import type { Selection } from './selection.ts';

/** Deletions under way at once; their commits share fsyncs. */
const CONCURRENT_DELETES = 256;

/** Deletes every selected object, and answers with the page of what was there. Objects that go meanwhile are fine. */
export async function deleteCollection(
  storage: ResourceStorage,
  namespace: string,
  {
    selection,
    listOptions,
    deleteOptions,
  }: { selection: Selection; listOptions: ListOptions; deleteOptions: Partial<DeleteOptions> },
  context: RequestContext,
): Promise<ObjectPage> {
  const page = await listObjects(storage, namespace, selection, listOptions);
  for (let start = 0; start < page.items.length; start += CONCURRENT_DELETES) {
    const chunk = page.items.slice(start, start + CONCURRENT_DELETES);
    await Promise.all(
      chunk.map(async ({ object: { metadata } }) => {
        const target = { namespace: metadata.namespace ?? '', name: metadata.name, subresource: '' };
        try {
          await deleteObject(storage, target, deleteOptions, context);
        } catch (error) {
          if (!isNotFound(error)) {
            throw error;
          }
        }
      }),
    );
  }
  return page;
}
