// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as coreV1 from './core.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export interface Ingress {
  readonly apiVersion: 'networking.k8s.io/v1beta1';
  readonly kind: 'Ingress';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: IngressSpec;
  readonly status: IngressStatus;
}

export interface IngressList {
  readonly apiVersion: 'networking.k8s.io/v1beta1';
  readonly kind: 'IngressList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly Ingress[] | null;
}

export interface IngressSpec {
  readonly ingressClassName?: string;
  readonly backend?: IngressBackend;
  readonly tls?: readonly IngressTLS[];
  readonly rules?: readonly IngressRule[];
}

export interface IngressTLS {
  readonly hosts?: readonly string[];
  readonly secretName?: string;
}

export interface IngressStatus {
  readonly loadBalancer: IngressLoadBalancerStatus;
}

export interface IngressLoadBalancerStatus {
  readonly ingress?: readonly IngressLoadBalancerIngress[];
}

export interface IngressLoadBalancerIngress {
  readonly ip?: string;
  readonly hostname?: string;
  readonly ports?: readonly IngressPortStatus[];
}

export interface IngressPortStatus {
  readonly port: number;
  readonly protocol: coreV1.Protocol;
  readonly error?: string;
}

export interface IngressRule {
  readonly host?: string;
  readonly http?: HTTPIngressRuleValue;
}

export interface IngressRuleValue {
  readonly http?: HTTPIngressRuleValue;
}

export interface HTTPIngressRuleValue {
  readonly paths?: readonly HTTPIngressPath[] | null;
}

export type PathType = string;

export interface HTTPIngressPath {
  readonly path?: string;
  readonly pathType?: PathType;
  readonly backend: IngressBackend;
}

export interface IngressBackend {
  readonly serviceName?: string;
  readonly servicePort?: number | string;
  readonly resource?: coreV1.TypedLocalObjectReference;
}

export interface IngressClass {
  readonly apiVersion: 'networking.k8s.io/v1beta1';
  readonly kind: 'IngressClass';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: IngressClassSpec;
}

export interface IngressClassSpec {
  readonly controller?: string;
  readonly parameters?: IngressClassParametersReference;
}

export interface IngressClassParametersReference {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
  readonly scope?: string;
  readonly namespace?: string;
}

export interface IngressClassList {
  readonly apiVersion: 'networking.k8s.io/v1beta1';
  readonly kind: 'IngressClassList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly IngressClass[] | null;
}

export interface IPAddress {
  readonly apiVersion: 'networking.k8s.io/v1beta1';
  readonly kind: 'IPAddress';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: IPAddressSpec;
}

export interface IPAddressSpec {
  readonly parentRef?: ParentReference;
}

export interface ParentReference {
  readonly group?: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
}

export interface IPAddressList {
  readonly apiVersion: 'networking.k8s.io/v1beta1';
  readonly kind: 'IPAddressList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly IPAddress[];
}

export interface ServiceCIDR {
  readonly apiVersion: 'networking.k8s.io/v1beta1';
  readonly kind: 'ServiceCIDR';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: ServiceCIDRSpec;
  readonly status: ServiceCIDRStatus;
}

export interface ServiceCIDRSpec {
  readonly cidrs?: readonly string[];
}

export interface ServiceCIDRStatus {
  readonly conditions?: readonly metaV1.Condition[];
}

export interface ServiceCIDRList {
  readonly apiVersion: 'networking.k8s.io/v1beta1';
  readonly kind: 'ServiceCIDRList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly ServiceCIDR[];
}
