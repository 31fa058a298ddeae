import type { ApiObject } from '#api/object.ts';
import { parseApiVersion, type ResourceType } from '#api/resource-type.ts';
import { RESOURCES, isServedByDefault, resourceOfKind, type ResourceInfo } from '#api/resource-table.ts';

/** A word that names no resource, or a manifest of a kind that is not served. */
export class UnknownResourceError extends Error {
  override readonly name = 'UnknownResourceError';
  readonly code = 'testing/unknown-resource';
}

/** One object, wherever it is named: `deployment/web`, `svc/web`, an object, or a handle with a name. */
export type Target<T extends ApiObject = ApiObject> =
  | string
  | { readonly resource: ResourceType<T>; readonly namespace?: string; readonly name: string }
  | T;

/** Where an object is. */
export interface Place<T extends ApiObject = ApiObject> {
  readonly resource: ResourceType<T>;
  readonly namespace: string;
  readonly name: string;
}

const builtIn = indexed(RESOURCES.filter(isServedByDefault));

function indexed(infos: readonly ResourceInfo[]): ReadonlyMap<string, ResourceInfo> {
  const byWord = new Map<string, ResourceInfo>();
  for (const info of infos) {
    for (const word of [info.resource, info.singular, info.kind.toLowerCase(), ...info.shortNames]) {
      if (!byWord.has(word)) {
        byWord.set(word, info);
      }
      byWord.set(`${word}.${info.group}`, info);
    }
  }
  return byWord;
}

/**
 * The resource a word names, as kubectl takes it: plural, singular, kind or short name, with `.group` where needed.
 *
 * @param custom the custom resources that are served now
 * @throws {UnknownResourceError}
 */
export function resourceNamed(word: string, custom: readonly ResourceInfo[]): ResourceType<ApiObject> {
  const name = word.toLowerCase();
  const info = builtIn.get(name) ?? indexed(custom).get(name);
  if (info === undefined) {
    throw new UnknownResourceError(`"${word}" is no resource of this cluster`);
  }
  return typeOf(info);
}

/** @throws {UnknownResourceError} */
export function resourceOf(
  object: { readonly apiVersion: string; readonly kind: string },
  custom: readonly ResourceInfo[],
): ResourceType<ApiObject> {
  const { group, version } = parseApiVersion(object.apiVersion);
  const { kind } = object;
  const info =
    resourceOfKind({ group, version, kind }) ??
    custom.find((each) => each.group === group && each.version === version && each.kind === kind);
  if (info === undefined) {
    throw new UnknownResourceError(`no resource of kind ${kind} in ${object.apiVersion}`);
  }
  return typeOf(info);
}

export interface PlaceContext {
  /** Of objects that have one, where the target does not say it itself. */
  readonly namespace: string;
  /** The custom resources that are served now. */
  readonly custom: readonly ResourceInfo[];
}

/** @throws {UnknownResourceError} */
export function placeOf<T extends ApiObject>(
  target: Target<T>,
  { namespace, custom }: PlaceContext,
): Place<T> {
  if (typeof target === 'string') {
    const slash = target.indexOf('/');
    const resource = resourceNamed(target.slice(0, Math.max(slash, 0)), custom);
    return {
      // The caller says by the type parameter what the word names.
      resource: resource as ResourceType<T>,
      namespace: resource.isNamespaced ? namespace : '',
      name: target.slice(slash + 1),
    };
  }
  if ('resource' in target) {
    const { resource, name } = target;
    return { resource, namespace: resource.isNamespaced ? (target.namespace ?? namespace) : '', name };
  }
  const { metadata } = target;
  return {
    // An object's own kind names its own type.
    resource: resourceOf(target, custom) as ResourceType<T>,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
  };
}

export function placeText({ resource, namespace, name }: Place): string {
  return `${resource.kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
}

function typeOf({ group, version, resource, kind, namespaced }: ResourceInfo): ResourceType<ApiObject> {
  return { group, version, resource, kind, isNamespaced: namespaced };
}
