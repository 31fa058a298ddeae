import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';

/** An object of a custom resource; `Spec` and `Status` are what its definition's schema says. */
export interface CustomObject<Spec, Status = object> extends ApiObject {
  readonly spec: Spec;
  readonly status?: Status;
}

export interface CustomResourceNames {
  /** `example.com` */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower case, as in the definition's `spec.names.plural`. */
  readonly plural: string;
  /** False for `spec.scope: Cluster`; true when left out. */
  readonly isNamespaced?: boolean;
}

/**
 * Names a custom resource for clients, informers and controllers, with the type of its objects:
 *
 * ```ts
 * interface Website extends CustomObject<{ readonly image: string }, { readonly url?: string }> {}
 * const WEBSITE = customResource<Website>({ group: 'example.com', version: 'v1', kind: 'Website', plural: 'websites' });
 * ```
 */
export function customResource<T extends ApiObject>({
  group,
  version,
  kind,
  plural,
  isNamespaced = true,
}: CustomResourceNames): ResourceType<T> {
  return { group, version, resource: plural, kind, isNamespaced };
}
