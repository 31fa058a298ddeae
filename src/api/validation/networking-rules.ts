import { isIP } from 'node:net';
import {
  dns1035LabelProblems,
  dnsLabelProblems,
  dnsSubdomainProblems,
  portNameProblems,
  portNumberProblems,
  wildcardSubdomainProblems,
} from '../names.ts';
import type { EndpointAddress, EndpointSubset, Endpoints } from '../types/core.v1.ts';
import type { EndpointSlice } from '../types/discovery.v1.ts';
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '../types/networking.v1.ts';
import { checkCidr, checkIp } from './ip-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import { checkPort } from './probe-rules.ts';
import type { Problems } from './problems.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const SLICE_ENDPOINTS_MAX = 1000;
const SLICE_PORTS_MAX = 20_000;
const SLICE_ADDRESSES_MAX = 100;

export const INGRESS_RULES: KindRules<Ingress> = {
  check(problems, { spec }) {
    const rules = spec.rules ?? [];
    if (rules.length === 0 && spec.defaultBackend === undefined) {
      problems.invalid('spec', spec, 'either `defaultBackend` or `rules` must be specified');
    }
    if (spec.defaultBackend !== undefined) {
      checkBackend(problems, 'spec.defaultBackend', spec.defaultBackend);
    }
    for (const [index, { host = '', http }] of rules.entries()) {
      const at = `spec.rules[${index}]`;
      if (host !== '') {
        checkHost(problems, `${at}.host`, host);
      }
      if (http?.paths.length === 0) {
        problems.required(`${at}.http.paths`);
      }
      for (const [pathIndex, path] of (http?.paths ?? []).entries()) {
        checkIngressPath(problems, `${at}.http.paths[${pathIndex}]`, path);
      }
    }
    for (const [index, { hosts = [] }] of (spec.tls ?? []).entries()) {
      for (const [hostIndex, host] of hosts.entries()) {
        checkHost(problems, `spec.tls[${index}].hosts[${hostIndex}]`, host);
      }
    }
    if (spec.ingressClassName !== undefined) {
      problems.names(
        'spec.ingressClassName',
        spec.ingressClassName,
        dnsSubdomainProblems(spec.ingressClassName),
      );
    }
  },
};

function checkHost(problems: Problems, path: string, host: string): void {
  if (isIP(host) !== 0) {
    problems.invalid(path, host, 'must be a DNS name, not an IP address');
  } else {
    problems.names(
      path,
      host,
      host.includes('*') ? wildcardSubdomainProblems(host) : dnsSubdomainProblems(host),
    );
  }
}

const INVALID_PATH_PARTS = ['//', '/./', '/../', '%2f', '%2F'];
const INVALID_PATH_ENDS = ['/..', '/.'];

function checkIngressPath(
  problems: Problems,
  at: string,
  { path = '', pathType = '', backend }: HTTPIngressPath,
): void {
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!path.startsWith('/')) {
      problems.invalid(`${at}.path`, path, 'must be an absolute path');
    }
    for (const part of INVALID_PATH_PARTS.filter((each) => path.includes(each))) {
      problems.invalid(`${at}.path`, path, `must not contain '${part}'`);
    }
    for (const end of INVALID_PATH_ENDS.filter((each) => path.endsWith(each))) {
      problems.invalid(`${at}.path`, path, `cannot end with '${end}'`);
    }
  } else if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/')) {
      problems.invalid(`${at}.path`, path, 'must be an absolute path');
    }
  } else if (pathType === '') {
    problems.required(`${at}.pathType`, 'pathType must be specified');
  } else {
    problems.oneOf(`${at}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']);
  }
  checkBackend(problems, `${at}.backend`, backend);
}

function checkBackend(problems: Problems, path: string, { service, resource }: IngressBackend): void {
  if (resource !== undefined) {
    if (service !== undefined) {
      problems.invalid(path, '', 'cannot set both resource and service backends');
    }
    return;
  }
  if (service === undefined) {
    problems.required(path, 'port name or number is required');
    return;
  }
  problems.requiredName(`${path}.service.name`, service.name, dns1035LabelProblems);
  const { name = '', number = 0 } = service.port ?? {};
  if (name !== '' && number !== 0) {
    problems.invalid(path, '', 'cannot set both port name & port number');
  } else if (name !== '') {
    problems.names(`${path}.service.port.name`, name, portNameProblems(name));
  } else if (number !== 0) {
    for (const problem of portNumberProblems(number)) {
      problems.invalid(`${path}.service.port.number`, number, problem);
    }
  } else {
    problems.required(path, 'port name or number is required');
  }
}

export const NETWORK_POLICY_RULES: KindRules<NetworkPolicy> = {
  check(problems, { spec }) {
    checkLabelSelector(problems, 'spec.podSelector', spec.podSelector);
    for (const [index, rule] of (spec.ingress ?? []).entries()) {
      checkPolicyPorts(problems, `spec.ingress[${index}].ports`, rule.ports);
      checkPeers(problems, `spec.ingress[${index}].from`, rule.from);
    }
    for (const [index, rule] of (spec.egress ?? []).entries()) {
      checkPolicyPorts(problems, `spec.egress[${index}].ports`, rule.ports);
      checkPeers(problems, `spec.egress[${index}].to`, rule.to);
    }
    const types = spec.policyTypes ?? [];
    if (types.length > 2) {
      problems.invalid('spec.policyTypes', types, 'may not specify more than two policyTypes');
    }
    for (const [index, type] of types.entries()) {
      problems.oneOf(`spec.policyTypes[${index}]`, type, ['Egress', 'Ingress']);
    }
  },
};

function checkPolicyPorts(
  problems: Problems,
  path: string,
  ports: readonly NetworkPolicyPort[] | undefined,
): void {
  for (const [index, { protocol, port, endPort }] of (ports ?? []).entries()) {
    const at = `${path}[${index}]`;
    if (protocol !== undefined) {
      problems.oneOf(`${at}.protocol`, protocol, PROTOCOLS);
    }
    if (port !== undefined) {
      checkPort(problems, `${at}.port`, port);
    }
    if (endPort === undefined) {
      continue;
    }
    if (typeof port === 'string') {
      problems.invalid(`${at}.endPort`, endPort, 'may not be specified when `port` is non-numeric');
    } else if (port === undefined) {
      problems.invalid(`${at}.endPort`, endPort, 'may not be specified when `port` is not specified');
    } else if (endPort < port) {
      problems.invalid(`${at}.endPort`, endPort, 'must be greater than or equal to `port`');
    }
  }
}

function checkPeers(problems: Problems, path: string, peers: readonly NetworkPolicyPeer[] | undefined): void {
  for (const [index, { podSelector, namespaceSelector, ipBlock }] of (peers ?? []).entries()) {
    const at = `${path}[${index}]`;
    checkLabelSelector(problems, `${at}.podSelector`, podSelector);
    checkLabelSelector(problems, `${at}.namespaceSelector`, namespaceSelector);
    if (ipBlock !== undefined) {
      if (ipBlock.cidr === '') {
        problems.required(`${at}.ipBlock.cidr`);
      } else {
        checkCidr(problems, `${at}.ipBlock.cidr`, ipBlock.cidr);
      }
      for (const [exceptIndex, range] of (ipBlock.except ?? []).entries()) {
        checkCidr(problems, `${at}.ipBlock.except[${exceptIndex}]`, range);
      }
      if (podSelector !== undefined || namespaceSelector !== undefined) {
        problems.forbidden(at, 'may not specify both ipBlock and another peer');
      }
    } else if (podSelector === undefined && namespaceSelector === undefined) {
      problems.required(at, 'must specify a peer');
    }
  }
}

export const ENDPOINT_SLICE_RULES: KindRules<EndpointSlice> = {
  check(problems, { addressType, endpoints, ports }) {
    problems.requiredOneOf('addressType', addressType, ['FQDN', 'IPv4', 'IPv6']);
    const list = endpoints ?? [];
    if (list.length > SLICE_ENDPOINTS_MAX) {
      problems.tooMany('endpoints', list.length, SLICE_ENDPOINTS_MAX);
      return;
    }
    for (const [index, { addresses, hostname }] of list.entries()) {
      const at = `endpoints[${index}]`;
      if (addresses.length === 0) {
        problems.required(`${at}.addresses`, 'must contain at least 1 address');
      } else if (addresses.length > SLICE_ADDRESSES_MAX) {
        problems.tooMany(`${at}.addresses`, addresses.length, SLICE_ADDRESSES_MAX);
      }
      for (const [addressIndex, address] of addresses.entries()) {
        checkSliceAddress(problems, `${at}.addresses[${addressIndex}]`, address, addressType);
      }
      if (hostname !== undefined) {
        problems.names(`${at}.hostname`, hostname, dnsLabelProblems(hostname));
      }
    }
    checkSlicePorts(problems, ports ?? []);
  },
  onUpdate(problems, next, previous) {
    problems.immutable('addressType', next.addressType, previous.addressType);
  },
};

function checkSliceAddress(problems: Problems, path: string, address: string, type: string): void {
  if (type === 'FQDN') {
    problems.names(path, address, dnsSubdomainProblems(address));
    return;
  }
  const family = type === 'IPv6' ? 6 : 4;
  if (isIP(address) !== family) {
    problems.invalid(path, address, `must be a valid ${type} address`);
  }
}

function checkSlicePorts(problems: Problems, ports: NonNullable<EndpointSlice['ports']>): void {
  if (ports.length > SLICE_PORTS_MAX) {
    problems.tooMany('ports', ports.length, SLICE_PORTS_MAX);
    return;
  }
  const names = new Set<string>();
  for (const [index, { name = '', protocol }] of ports.entries()) {
    if (name !== '') {
      problems.names(
        `ports[${index}].name`,
        name,
        portNameProblems(name).filter((each) => !each.includes('15')),
      );
    }
    if (names.has(name)) {
      problems.duplicate(`ports[${index}].name`, name);
    }
    names.add(name);
    problems.requiredOneOf(`ports[${index}].protocol`, protocol, PROTOCOLS);
  }
}

export const ENDPOINTS_RULES: KindRules<Endpoints> = {
  check(problems, { subsets }) {
    for (const [index, subset] of (subsets ?? []).entries()) {
      checkSubset(problems, `subsets[${index}]`, subset);
    }
  },
};

function checkSubset(problems: Problems, path: string, subset: EndpointSubset): void {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  if (addresses.length + notReadyAddresses.length === 0) {
    problems.required(path, 'must specify `addresses` or `notReadyAddresses`');
  }
  for (const [field, list] of Object.entries({ addresses, notReadyAddresses })) {
    for (const [index, address] of list.entries()) {
      checkEndpointAddress(problems, `${path}.${field}[${index}]`, address);
    }
  }
  for (const [index, { name = '', port, protocol }] of ports.entries()) {
    const at = `${path}.ports[${index}]`;
    if (name !== '') {
      problems.names(`${at}.name`, name, dnsLabelProblems(name));
    } else if (ports.length > 1) {
      problems.required(`${at}.name`);
    }
    for (const problem of portNumberProblems(port)) {
      problems.invalid(`${at}.port`, port, problem);
    }
    problems.requiredOneOf(`${at}.protocol`, protocol, PROTOCOLS);
  }
}

function checkEndpointAddress(
  problems: Problems,
  path: string,
  { ip, hostname = '' }: EndpointAddress,
): void {
  checkIp(problems, `${path}.ip`, ip);
  if (hostname !== '') {
    problems.names(`${path}.hostname`, hostname, dnsLabelProblems(hostname));
  }
  const special = SPECIAL_ADDRESSES.find(([pattern]) => pattern.test(ip));
  if (special !== undefined) {
    problems.invalid(`${path}.ip`, ip, special[1]);
  }
}

const SPECIAL_ADDRESSES: readonly (readonly [RegExp, string])[] = [
  [/^(?:0\.0\.0\.0|::)$/, 'may not be unspecified (0.0.0.0 or ::)'],
  [/^(?:127\.|::1$)/, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  [/^(?:169\.254\.|fe[89ab])/i, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  [/^(?:224\.0\.0\.|ff02)/i, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
];
