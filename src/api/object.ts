import type { ObjectMeta } from './types/meta.v1.ts';

/** What every stored object has in common. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/**
 * What a client may send to create a `T`: no server-made metadata, status or defaulted structs needed.
 * `apiVersion` and `kind` are filled in from the resource when left out.
 */
export type NewObject<T extends ApiObject> = DeepPartial<Omit<T, 'apiVersion' | 'kind' | 'metadata'>> & {
  readonly apiVersion?: T['apiVersion'];
  readonly kind?: T['kind'];
  readonly metadata: Partial<T['metadata']>;
};

/** Every field optional, at every depth. */
export type DeepPartial<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends readonly (infer Item)[]
      ? readonly DeepPartial<Item>[]
      : { readonly [Key in keyof T]?: DeepPartial<T[Key]> };

/** Namespace and name; the namespace is empty for objects of the cluster. */
export interface NamespacedName {
  readonly namespace: string;
  readonly name: string;
}

/** `namespace/name`, or `name` alone for objects of the cluster. The inverse is {@link parseObjectKey}. */
export function objectKey(object: {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** The inverse of {@link objectKey}. */
export function parseObjectKey(key: string): NamespacedName {
  const slash = key.indexOf('/');
  return slash < 0
    ? { namespace: '', name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
