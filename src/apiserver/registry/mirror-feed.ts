import type { Revision } from '#store/store.ts';
import type { StoredObject } from './stored-object.ts';

/** What the write path tells a mirror, before the writer is answered. */
export interface MirrorFeed {
  put(stored: StoredObject): void;
  remove(key: string, revision: Revision, isFromWatch: boolean): void;
}
