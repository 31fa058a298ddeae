import { isIP } from 'node:net';
import {
  dnsLabelProblems,
  dnsSubdomainProblems,
  labelValueProblems,
  portNumberProblems,
  qualifiedNameProblems,
} from '../names.ts';
import type { EndpointAddress, EndpointSubset, Endpoints } from '../types/core.v1.ts';
import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice } from '../types/discovery.v1.ts';
import { checkIp, checkNotSpecialIp } from './ip-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabels } from './object-meta.ts';
import type { Problems } from './problems.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const ENDPOINTS_MAX = 1000;
const PORTS_MAX = 20_000;
const ADDRESSES_MAX = 100;
const TOPOLOGY_MAX = 16;
const HINTS_MAX = 8;

export const ENDPOINT_SLICE_RULES: KindRules<EndpointSlice> = {
  check(problems, { addressType, endpoints, ports }) {
    problems.requiredOneOf('addressType', addressType, ['FQDN', 'IPv4', 'IPv6']);
    checkEndpoints(problems, endpoints ?? [], addressType);
    checkPorts(problems, ports ?? []);
  },
  onUpdate(problems, next, previous) {
    problems.immutable('addressType', next.addressType, previous.addressType);
  },
};

function checkEndpoints(problems: Problems, endpoints: readonly Endpoint[], type: string): void {
  if (endpoints.length > ENDPOINTS_MAX) {
    problems.tooMany('endpoints', endpoints.length, ENDPOINTS_MAX);
    return;
  }
  for (const [index, endpoint] of endpoints.entries()) {
    const at = `endpoints[${index}]`;
    const { addresses, nodeName, deprecatedTopology: topology = {}, hostname, hints } = endpoint;
    if (addresses.length === 0) {
      problems.required(`${at}.addresses`, 'must contain at least 1 address');
    } else if (addresses.length > ADDRESSES_MAX) {
      problems.tooMany(`${at}.addresses`, addresses.length, ADDRESSES_MAX);
    }
    for (const [addressIndex, address] of addresses.entries()) {
      checkAddress(problems, `${at}.addresses[${addressIndex}]`, address, type);
    }
    if (nodeName !== undefined) {
      problems.names(`${at}.nodeName`, nodeName, dnsSubdomainProblems(nodeName));
    }
    const labels = Object.keys(topology).length;
    if (labels > TOPOLOGY_MAX) {
      problems.tooMany(`${at}.deprecatedTopology`, labels, TOPOLOGY_MAX);
    }
    checkLabels(problems, `${at}.deprecatedTopology`, topology);
    if (hostname !== undefined) {
      problems.names(`${at}.hostname`, hostname, dnsLabelProblems(hostname));
    }
    if (hints !== undefined) {
      checkHints(problems, `${at}.hints`, hints);
    }
  }
}

function checkAddress(problems: Problems, path: string, address: string, type: string): void {
  if (type === 'FQDN') {
    checkFullName(problems, path, address);
  } else if (type === 'IPv4' || type === 'IPv6') {
    if (isIP(address) !== (type === 'IPv6' ? 6 : 4)) {
      problems.invalid(path, address, `must be a valid ${type} address`);
    }
    checkNotSpecialIp(problems, path, address);
  }
}

function checkFullName(problems: Problems, path: string, name: string): void {
  if (name === '') {
    problems.required(path);
    return;
  }
  const wrong = dnsSubdomainProblems(name.replace(/\.$/, ''));
  problems.names(path, name, wrong);
  if (wrong.length === 0 && name.split('.').length < 2) {
    problems.invalid(path, name, 'should be a domain with at least two segments separated by dots');
  }
}

/** Where the traffic to an endpoint should come from. */
function checkHints(problems: Problems, path: string, { forZones = [], forNodes = [] }: EndpointHints): void {
  for (const [field, list] of Object.entries({ forZones, forNodes })) {
    if (list.length > HINTS_MAX) {
      problems.tooMany(`${path}.${field}`, list.length, HINTS_MAX);
      return;
    }
    const seen = new Set<string>();
    for (const [index, { name }] of list.entries()) {
      const at = `${path}.${field}[${index}].name`;
      if (seen.has(name)) {
        problems.duplicate(at, name);
      }
      seen.add(name);
      problems.names(at, name, field === 'forZones' ? labelValueProblems(name) : dnsSubdomainProblems(name));
    }
  }
}

function checkPorts(problems: Problems, ports: readonly EndpointPort[]): void {
  if (ports.length > PORTS_MAX) {
    problems.tooMany('ports', ports.length, PORTS_MAX);
    return;
  }
  const names = new Set<string>();
  for (const [index, { name = '', protocol, appProtocol }] of ports.entries()) {
    const at = `ports[${index}]`;
    if (name !== '') {
      problems.names(`${at}.name`, name, dnsLabelProblems(name));
    }
    if (names.has(name)) {
      problems.duplicate(`${at}.name`, name);
    }
    names.add(name);
    problems.requiredOneOf(`${at}.protocol`, protocol, PROTOCOLS);
    if (appProtocol !== undefined) {
      problems.names(`${at}.appProtocol`, appProtocol, qualifiedNameProblems(appProtocol));
    }
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
  for (const [index, { name = '', port, protocol, appProtocol }] of ports.entries()) {
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
    if (appProtocol !== undefined) {
      problems.names(`${at}.appProtocol`, appProtocol, qualifiedNameProblems(appProtocol));
    }
  }
}

function checkEndpointAddress(
  problems: Problems,
  path: string,
  { ip, hostname = '', nodeName }: EndpointAddress,
): void {
  checkIp(problems, `${path}.ip`, ip);
  if (hostname !== '') {
    problems.names(`${path}.hostname`, hostname, dnsLabelProblems(hostname));
  }
  if (nodeName !== undefined) {
    problems.names(`${path}.nodeName`, nodeName, dnsSubdomainProblems(nodeName));
  }
  checkNotSpecialIp(problems, `${path}.ip`, ip);
}
