import type { GroupVersionKind } from '../resource-type.ts';

/** Served kinds that have a successor; said with every request for them. */
const DEPRECATIONS: ReadonlyMap<string, string> = new Map([
  ['/v1/ComponentStatus', 'v1 ComponentStatus is deprecated in v1.19+'],
  ['/v1/Endpoints', 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
]);

export function kindDeprecation({ group, version, kind }: GroupVersionKind): string | undefined {
  return DEPRECATIONS.get(`${group}/${version}/${kind}`);
}
