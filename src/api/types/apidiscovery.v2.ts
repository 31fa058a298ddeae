// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as metaV1 from './meta.v1.ts';

export interface APIGroupDiscoveryList {
  readonly apiVersion: 'apidiscovery.k8s.io/v2';
  readonly kind: 'APIGroupDiscoveryList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly APIGroupDiscovery[] | null;
}

export interface APIGroupDiscovery {
  readonly apiVersion: 'apidiscovery.k8s.io/v2';
  readonly kind: 'APIGroupDiscovery';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly versions?: readonly APIVersionDiscovery[];
}

export interface APIVersionDiscovery {
  readonly version: string;
  readonly resources?: readonly APIResourceDiscovery[];
  readonly freshness?: DiscoveryFreshness;
}

export interface APIResourceDiscovery {
  readonly resource: string;
  readonly responseKind?: metaV1.GroupVersionKind;
  readonly scope: ResourceScope;
  readonly singularResource: string;
  readonly verbs?: readonly string[] | null;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly APISubresourceDiscovery[];
}

export type ResourceScope = string;

export type DiscoveryFreshness = string;

export interface APISubresourceDiscovery {
  readonly subresource: string;
  readonly responseKind?: metaV1.GroupVersionKind;
  readonly acceptedTypes?: readonly metaV1.GroupVersionKind[];
  readonly verbs?: readonly string[] | null;
}
