import type { Endpoints, Service } from '#api/types/core.v1.ts';
import type { EndpointSlice } from '#api/types/discovery.v1.ts';
import type {
  Ingress,
  IngressClass,
  IPAddress,
  NetworkPolicy,
  ServiceCIDR,
} from '#api/types/networking.v1.ts';
import { labelSelectorFromObject } from '#api/label-selector.ts';
import { AGE, mapText, NONE, printer, someOf } from './printer.ts';

function externalIp({ spec, status }: Service): string {
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'LoadBalancer': {
      const addresses = (status.loadBalancer.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '');
      const all = [...addresses, ...external];
      return all.length === 0 ? '<pending>' : all.join(',');
    }
    case 'ExternalName':
      return spec.externalName ?? NONE;
    default:
      return external.length === 0 ? NONE : external.join(',');
  }
}

function servicePorts({ spec }: Service): string {
  const ports = (spec.ports ?? []).map(
    ({ port, nodePort, protocol }) =>
      `${port}${(nodePort ?? 0) > 0 ? `:${nodePort}` : ''}/${protocol ?? 'TCP'}`,
  );
  return ports.length === 0 ? NONE : ports.join(',');
}

export const SERVICE_PRINTER = printer<Service>([
  { name: 'Type', cell: ({ spec }) => spec.type ?? 'ClusterIP' },
  {
    name: 'Cluster-IP',
    cell: ({ spec }) =>
      spec.clusterIPs?.[0] ?? (spec.clusterIP === undefined || spec.clusterIP === '' ? NONE : spec.clusterIP),
  },
  { name: 'External-IP', cell: externalIp },
  { name: 'Port(s)', cell: servicePorts },
  AGE,
  { name: 'Selector', isWide: true, cell: ({ spec }) => mapText(spec.selector) },
]);

/** Addresses shown before the rest is only counted. */
const ADDRESSES_SHOWN = 3;

export const ENDPOINTS_PRINTER = printer<Endpoints>([
  {
    name: 'Endpoints',
    cell: ({ subsets = [] }) => {
      const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
        ports.length === 0
          ? addresses.map(({ ip }) => ip)
          : ports.flatMap(({ port }) =>
              addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
            ),
      );
      return someOf(all, ADDRESSES_SHOWN);
    },
  },
  AGE,
]);

export const ENDPOINT_SLICE_PRINTER = printer<EndpointSlice>([
  { name: 'AddressType', cell: ({ addressType }) => addressType },
  {
    name: 'Ports',
    cell: ({ ports }) =>
      ports === null || ports === undefined || ports.length === 0
        ? UNSET_PORTS
        : someOf(
            ports.map(({ port }) => (port === undefined ? '*' : String(port))),
            ADDRESSES_SHOWN,
          ),
  },
  {
    name: 'Endpoints',
    cell: ({ endpoints }) =>
      someOf(
        (endpoints ?? []).flatMap(({ addresses }) => addresses),
        ADDRESSES_SHOWN,
      ),
  },
  AGE,
]);
const UNSET_PORTS = '<unset>';

export const INGRESS_PRINTER = printer<Ingress>([
  {
    name: 'Class',
    cell: ({ spec, metadata }) =>
      spec.ingressClassName ?? metadata.annotations?.['kubernetes.io/ingress.class'] ?? NONE,
  },
  {
    name: 'Hosts',
    cell: ({ spec }) => {
      const hosts = [
        ...new Set(
          (spec.rules ?? []).flatMap(({ host }) => (host === undefined || host === '' ? [] : [host])),
        ),
      ];
      return hosts.length === 0 ? '*' : someOf(hosts, ADDRESSES_SHOWN);
    },
  },
  {
    name: 'Address',
    cell: ({ status }) =>
      (status.loadBalancer.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '').join(','),
  },
  { name: 'Ports', cell: ({ spec }) => ((spec.tls ?? []).length > 0 ? '80, 443' : '80') },
  AGE,
]);

export const INGRESS_CLASS_PRINTER = printer<IngressClass>([
  { name: 'Controller', cell: ({ spec }) => spec.controller ?? '' },
  {
    name: 'Parameters',
    cell: ({ spec: { parameters } }) =>
      parameters === undefined
        ? NONE
        : `${parameters.kind}${parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`}/${parameters.name}`,
  },
  AGE,
]);

export const NETWORK_POLICY_PRINTER = printer<NetworkPolicy>([
  {
    name: 'Pod-Selector',
    cell: ({ spec }) => {
      const text = spec.podSelector === undefined ? '' : labelSelectorFromObject(spec.podSelector).toString();
      return text === '' ? NONE : text;
    },
  },
  AGE,
]);

export const IP_ADDRESS_PRINTER = printer<IPAddress>([
  {
    name: 'ParentRef',
    cell: ({ spec: { parentRef } }) =>
      [parentRef?.resource, parentRef?.group, parentRef?.namespace]
        .filter((part) => part !== undefined && part !== '')
        .join('.') + (parentRef === undefined ? '' : `/${parentRef.name}`),
  },
  AGE,
]);

export const SERVICE_CIDR_PRINTER = printer<ServiceCIDR>([
  { name: 'CIDRs', cell: ({ spec }) => (spec.cidrs ?? []).join(',') },
  AGE,
]);
