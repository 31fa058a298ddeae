import type { Service } from '#api/types/core.v1.ts';
import type { ClusterRecords } from './cluster-records.ts';
import { RECORD_TYPES, type DnsQuestion, type DnsRecord } from './dns-record.ts';
import { endpointNames, readyEndpoints, type NamedEndpoint } from './endpoint-names.ts';
import { addressOfReverseName, dashedToIp } from './reverse-name.ts';

/** The zone that is served, and what is said about the server itself. */
export interface ZoneOptions {
  /** Lower case, without the final dot: `cluster.local`. */
  readonly zone: string;
  /** Seconds that answers, and the absence of one, may be kept. */
  readonly ttl: number;
  /** Under which addresses clients reach this server: the records of the zone's name server. */
  readonly serverIps: readonly string[];
  /** Serial number of the zone, for those who compare. */
  readonly serial: number;
}

export type Resolution =
  /** The name is served here. An empty list of answers means: the name exists, with other types only. */
  | {
      readonly kind: 'found';
      readonly answers: readonly DnsRecord[];
      readonly additionals: readonly DnsRecord[];
    }
  /** An alias whose target is not served here; the target's records complete the answer. */
  | { readonly kind: 'alias'; readonly answers: readonly DnsRecord[]; readonly target: string }
  | { readonly kind: 'missing' }
  /** Not a name of this zone. */
  | { readonly kind: 'forward' };

/** Version of the specification of Kubernetes' names that is kept to. */
const SCHEMA_VERSION = '1.1.0';

/** Aliases followed inside the zone before the answer is given as it is. */
const ALIAS_DEPTH_MAX = 8;

/**
 * Answers a question from the cluster's objects, as the DNS specification of Kubernetes (version 1.1.0) has it,
 * and as CoreDNS does where that is silent.
 */
export function resolve(question: DnsQuestion, records: ClusterRecords, options: ZoneOptions): Resolution {
  const lookup: Lookup = { ...question, records, options, depth: 0 };
  const reverse = addressOfReverseName(question.name.toLowerCase());
  return reverse === undefined ? resolveName(lookup) : resolveAddress(lookup, reverse);
}

/** The record that goes with an answer "no": who says so, and for how long. */
export function startOfAuthority({ zone, ttl, serial }: ZoneOptions): DnsRecord {
  const data = { primary: `ns.dns.${zone}`, mailbox: `hostmaster.${zone}`, serial };
  return {
    name: zone,
    type: 'SOA',
    ttl,
    data: { ...data, refresh: 7_200, retry: 1_800, expire: 86_400, minimum: ttl },
  };
}

interface Lookup extends DnsQuestion {
  readonly records: ClusterRecords;
  readonly options: ZoneOptions;
  readonly depth: number;
}

const MISSING: Resolution = { kind: 'missing' };
const NO_DATA: Resolution = { kind: 'found', answers: [], additionals: [] };

function resolveName(lookup: Lookup): Resolution {
  const { zone, serverIps } = lookup.options;
  const name = lookup.name.toLowerCase();
  if (name === zone) {
    return resolveApex(lookup);
  }
  if (!name.endsWith(`.${zone}`)) {
    return { kind: 'forward' };
  }
  const labels = name.slice(0, -zone.length - 1).split('.');
  const base = labels.pop();
  switch (base) {
    case 'svc':
      return resolveService(lookup, labels);
    case 'pod':
      return resolvePod(lookup, labels);
    case 'dns-version':
      return labels.length > 0 ? MISSING : ofType(lookup, 'TXT', [SCHEMA_VERSION]);
    case 'dns':
      if (labels.length === 0) {
        return NO_DATA;
      }
      return labels.length === 1 && labels[0] === 'ns' ? addresses(lookup, serverIps) : MISSING;
    default:
      return MISSING;
  }
}

function resolveApex(lookup: Lookup): Resolution {
  const { zone } = lookup.options;
  if (lookup.type === RECORD_TYPES.SOA) {
    return found([{ ...startOfAuthority(lookup.options), name: lookup.name }]);
  }
  return ofType(lookup, 'NS', [`ns.dns.${zone}`]);
}

/** `[[_port._protocol.]|[host.]]service.namespace.svc` */
function resolveService(lookup: Lookup, labels: readonly string[]): Resolution {
  const { records } = lookup;
  const namespace = labels.at(-1);
  const name = labels.at(-2);
  if (namespace === undefined) {
    return NO_DATA;
  }
  if (name === undefined) {
    return records.hasNamespace(namespace) ? NO_DATA : MISSING;
  }
  const service = records.service(namespace, name);
  const rest = labels.slice(0, -2);
  if (service === undefined || rest.length > 2) {
    return MISSING;
  }
  if (service.spec.type === 'ExternalName') {
    return rest.length > 0 ? MISSING : resolveAlias(lookup, service.spec.externalName ?? '');
  }
  const [first = '', second = ''] = rest;
  if (rest.length === 2) {
    return first.startsWith('_') && second.startsWith('_')
      ? resolvePorts(lookup, service, { port: first.slice(1), protocol: second.slice(1) })
      : MISSING;
  }
  if (rest.length === 1) {
    const hosts = endpointsOf(lookup, service).filter(({ hostname }) => hostname === first);
    return hosts.length === 0 ? MISSING : addresses(lookup, unique(hosts.map(({ ip }) => ip)));
  }
  if (lookup.type === RECORD_TYPES.SRV) {
    return resolvePorts(lookup, service, undefined);
  }
  const ips = isHeadless(service)
    ? unique(endpointsOf(lookup, service).map(({ ip }) => ip))
    : (service.spec.clusterIPs ?? []);
  // A headless service with nothing behind it has no name, says the specification.
  return ips.length === 0 ? MISSING : addresses(lookup, ips);
}

interface PortFilter {
  readonly port: string;
  readonly protocol: string;
}

function resolvePorts(lookup: Lookup, service: Service, filter: PortFilter | undefined): Resolution {
  const isWanted = (port: { readonly name?: string; readonly protocol?: string }): boolean =>
    filter === undefined ||
    ((port.name ?? '') === filter.port && (port.protocol ?? 'TCP').toLowerCase() === filter.protocol);
  const ownName = `${service.metadata.name}.${service.metadata.namespace}.svc.${lookup.options.zone}`;
  const targets = isHeadless(service)
    ? endpointsOf(lookup, service).flatMap(({ hostname, ip, ports }) =>
        ports.filter(isWanted).map(({ port }) => ({ target: `${hostname}.${ownName}`, ips: [ip], port })),
      )
    : (service.spec.ports ?? [])
        .filter(isWanted)
        .map(({ port }) => ({ target: ownName, ips: service.spec.clusterIPs ?? [], port }));
  if (targets.length === 0) {
    return MISSING;
  }
  if (lookup.type !== RECORD_TYPES.SRV) {
    // The name is there; clients that ask for its addresses get them too.
    return addresses(lookup, unique(targets.flatMap(({ ips }) => ips)));
  }
  const { ttl } = lookup.options;
  // Weights share out a hundred, as CoreDNS has it, and never reach zero, which would mean "last resort".
  const weight = Math.max(1, Math.floor(100 / targets.length));
  const additionals = new Map(
    targets.flatMap(({ target, ips }) =>
      ips.map((ip) => [`${target} ${ip}`, addressRecord(target, ip, ttl)] as const),
    ),
  );
  return {
    kind: 'found',
    answers: targets.map(({ target, port }) => ({
      name: lookup.name,
      type: 'SRV',
      ttl,
      data: { priority: 0, weight, port, target },
    })),
    additionals: [...additionals.values()],
  };
}

function resolveAlias(lookup: Lookup, target: string): Resolution {
  const { ttl } = lookup.options;
  const name = target.replace(/\.$/, '');
  const alias: DnsRecord = { name: lookup.name, type: 'CNAME', ttl, data: name };
  if (lookup.type === RECORD_TYPES.CNAME || name === '' || lookup.depth >= ALIAS_DEPTH_MAX) {
    return found([alias]);
  }
  const next = resolveName({ ...lookup, name, depth: lookup.depth + 1 });
  switch (next.kind) {
    case 'forward':
      return { kind: 'alias', answers: [alias], target: name };
    case 'alias':
      return { ...next, answers: [alias, ...next.answers] };
    case 'missing':
      return found([alias]);
    default:
      return { ...next, answers: [alias, ...next.answers] };
  }
}

/** `10-244-0-5.namespace.pod`: the address is in the name, so that only the namespace is looked up. */
function resolvePod(lookup: Lookup, labels: readonly string[]): Resolution {
  const namespace = labels.at(-1);
  if (namespace === undefined) {
    return NO_DATA;
  }
  if (!lookup.records.hasNamespace(namespace) || labels.length > 2) {
    return MISSING;
  }
  const [dashed] = labels;
  if (labels.length === 1 || dashed === undefined) {
    return NO_DATA;
  }
  const ip = dashedToIp(dashed);
  return ip === undefined ? MISSING : addresses(lookup, [ip]);
}

function resolveAddress(lookup: Lookup, ip: string): Resolution {
  const { records, options } = lookup;
  const service = records.serviceByIp(ip);
  const names =
    service === undefined
      ? endpointNames(ip, records).map((name) => `${name}.svc.${options.zone}`)
      : [`${service.metadata.name}.${service.metadata.namespace}.svc.${options.zone}`];
  return names.length === 0 ? { kind: 'forward' } : ofType(lookup, 'PTR', names);
}

function endpointsOf({ records }: Lookup, { metadata }: Service): readonly NamedEndpoint[] {
  return readyEndpoints(records.slices(metadata.namespace, metadata.name));
}

function addresses(lookup: Lookup, ips: readonly string[]): Resolution {
  const wanted = ips.filter(
    (ip) =>
      lookup.type === RECORD_TYPES.ANY ||
      lookup.type === (ip.includes(':') ? RECORD_TYPES.AAAA : RECORD_TYPES.A),
  );
  return found(wanted.map((ip) => addressRecord(lookup.name, ip, lookup.options.ttl)));
}

function addressRecord(name: string, ip: string, ttl: number): DnsRecord {
  return { name, type: ip.includes(':') ? 'AAAA' : 'A', ttl, data: ip };
}

function ofType(lookup: Lookup, type: 'NS' | 'PTR' | 'TXT', data: readonly string[]): Resolution {
  const isAsked = lookup.type === RECORD_TYPES[type] || lookup.type === RECORD_TYPES.ANY;
  const { ttl } = lookup.options;
  return isAsked ? found(data.map((text) => ({ name: lookup.name, type, ttl, data: text }))) : NO_DATA;
}

function found(answers: readonly DnsRecord[]): Resolution {
  return { kind: 'found', answers, additionals: [] };
}

function isHeadless({ spec }: Service): boolean {
  return spec.clusterIP === 'None' || spec.clusterIP === undefined || spec.clusterIP === '';
}

function unique(items: readonly string[]): readonly string[] {
  return [...new Set(items)];
}
