import { labelSelectorFromObject } from '#api/label-selector.ts';
import type { ApiObject } from '#api/object.ts';
import { parseApiVersion, type GroupVersionKind } from '#api/resource-type.ts';
import type { StructType } from '#api/schema/schema.ts';
import type { ParamKind, ParamRef } from '#api/types/admissionregistration.v1.ts';

/** The stored objects of one kind. */
export interface ParamObjects {
  readonly resource: string;
  readonly isNamespaced: boolean;
  get(namespace: string, name: string): Promise<ApiObject | undefined>;
  /** Of every namespace when it is empty. */
  list(namespace: string): Promise<readonly ApiObject[]>;
}

/** What policies know of the kinds that are served: the objects that bindings name as parameters, and their types. */
export interface ServedKinds {
  /** Undefined when no such kind is served. */
  find(kind: GroupVersionKind): ParamObjects | undefined;
  /** The type of objects of a kind, built in or not; undefined when it is not known (any more). */
  structOf(kind: GroupVersionKind): StructType | undefined;
}

/** Parameters to evaluate a policy with, one after the other; a text says why there are none to be had. */
export type Params = readonly (ApiObject | undefined)[] | string;

/** One evaluation without parameters. */
const NO_PARAMS: Params = [undefined];

export function kindOfParams({ apiVersion = '', kind = '' }: ParamKind): GroupVersionKind {
  return { ...parseApiVersion(apiVersion), kind };
}

/**
 * The parameters a binding chooses.
 *
 * @param objects those of the policy's kind of parameters; undefined when it has none
 * @param namespace of the request
 */
export async function collectParams(
  objects: ParamObjects | undefined,
  reference: ParamRef | undefined,
  namespace: string,
): Promise<Params> {
  if (objects === undefined || reference === undefined) {
    return NO_PARAMS;
  }
  const { name = '', namespace: own = '', selector } = reference;
  if (objects.isNamespaced && own === '' && namespace === '') {
    return 'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources';
  }
  if (!objects.isNamespaced && own !== '') {
    return 'paramRef.namespace must not be provided for a cluster-scoped `paramKind`';
  }
  if (name !== '' && selector !== undefined) {
    return 'paramRef.name and paramRef.selector are mutually exclusive';
  }
  const space = objects.isNamespaced ? (own === '' ? namespace : own) : '';
  const found = await choose(objects, space, reference);
  return found.length === 0 && reference.parameterNotFoundAction === 'Deny'
    ? 'no params found for policy binding with `Deny` parameterNotFoundAction'
    : found;
}

async function choose(
  objects: ParamObjects,
  namespace: string,
  { name = '', selector }: ParamRef,
): Promise<readonly ApiObject[]> {
  if (name !== '') {
    const object = await objects.get(namespace, name);
    return object === undefined ? [] : [object];
  }
  const wanted = labelSelectorFromObject(selector);
  return (await objects.list(namespace)).filter(({ metadata }) => wanted.matches(metadata.labels));
}
