// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as coreV1 from './core.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export interface EndpointSlice {
  readonly apiVersion: 'discovery.k8s.io/v1';
  readonly kind: 'EndpointSlice';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly addressType: AddressType;
  readonly endpoints?: readonly Endpoint[] | null;
  readonly ports?: readonly EndpointPort[] | null;
}

export type AddressType = string;

export interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions: EndpointConditions;
  readonly hostname?: string;
  readonly targetRef?: coreV1.ObjectReference;
  readonly deprecatedTopology?: { readonly [key: string]: string };
  readonly nodeName?: string;
  readonly zone?: string;
  readonly hints?: EndpointHints;
}

export interface EndpointConditions {
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
}

export interface EndpointHints {
  readonly forZones?: readonly ForZone[];
  readonly forNodes?: readonly ForNode[];
}

export interface ForZone {
  readonly name: string;
}

export interface ForNode {
  readonly name: string;
}

export interface EndpointPort {
  readonly name?: string;
  readonly protocol?: coreV1.Protocol;
  readonly port?: number;
  readonly appProtocol?: string;
}

export interface EndpointSliceList {
  readonly apiVersion: 'discovery.k8s.io/v1';
  readonly kind: 'EndpointSliceList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly EndpointSlice[];
}
