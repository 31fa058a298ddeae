import { isIP } from 'node:net';
import { jsonEqual } from '#base/json-equal.ts';
import {
  dns1035LabelProblems,
  dnsLabelProblems,
  dnsSubdomainProblems,
  portNumberProblems,
  qualifiedNameProblems,
} from '../names.ts';
import type { Service, ServicePort, ServiceSpec } from '../types/core.v1.ts';
import { checkCidr, checkIp, checkNotSpecialIp } from './ip-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLoadBalancerStatus } from './load-balancer-rules.ts';
import { checkLabels } from './object-meta.ts';
import { checkPort } from './probe-rules.ts';
import type { Problems } from './problems.ts';
import { checkAddressChange, checkClusterAddresses, isHeadless } from './service-address-rules.ts';

const AFFINITY_SECONDS_MAX = 86_400;
const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const POLICIES = ['Cluster', 'Local'];
const DISTRIBUTIONS = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];
const HINTS = 'service.kubernetes.io/topology-aware-hints';
const MODE = 'service.kubernetes.io/topology-mode';
const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'";

export const SERVICE_RULES: KindRules<Service> = {
  nameRule: dns1035LabelProblems,
  onCreate: checkService,
  onUpdate(problems, next, previous) {
    const [before, after] = [previous.spec, next.spec];
    checkAddressChange(problems, after, before);
    const isBalanced = after.type === 'LoadBalancer';
    if (
      isBalanced &&
      before.type === 'LoadBalancer' &&
      after.loadBalancerClass !== before.loadBalancerClass
    ) {
      problems.invalid(
        'spec.loadBalancerClass',
        after.loadBalancerClass ?? 'null',
        'may not change once set',
      );
    }
    checkClass(problems, after);
    if (
      needsHealthCheck(before) &&
      needsHealthCheck(after) &&
      after.healthCheckNodePort !== before.healthCheckNodePort
    ) {
      problems.forbidden('spec.healthCheckNodePort', 'field is immutable');
    }
    checkService(problems, next);
  },
  onStatusUpdate(problems, { spec, status }, previous) {
    if (spec.type !== 'LoadBalancer' && (status.loadBalancer.ingress ?? []).length > 0) {
      if (!jsonEqual(status.loadBalancer, previous.status.loadBalancer)) {
        problems.forbidden(
          'status.loadBalancer.ingress',
          "may only be used when `spec.type` is 'LoadBalancer'",
        );
      }
      return;
    }
    checkLoadBalancerStatus(problems, 'status.loadBalancer', status.loadBalancer);
  },
};

function checkService(problems: Problems, service: Service): void {
  const { spec } = service;
  const { annotations } = service.metadata;
  const [mode, hints] = [annotations?.[MODE], annotations?.[HINTS]];
  if (mode !== undefined && hints !== undefined && mode !== hints) {
    problems.invalid(
      `metadata.annotations[${MODE}]`,
      mode,
      `must match annotations[${HINTS}] when both are specified`,
    );
  }
  if ((spec.ports ?? []).length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName') {
    problems.required('spec.ports');
  }
  checkType(problems, spec);
  checkPorts(problems, spec);
  checkLabels(problems, 'spec.selector', spec.selector);
  checkAffinity(problems, spec);
  checkClusterAddresses(problems, spec);
  for (const [index, address] of (spec.externalIPs ?? []).entries()) {
    const at = `spec.externalIPs[${index}]`;
    if (isIP(address) === 0) {
      checkIp(problems, at, address);
    } else {
      checkNotSpecialIp(problems, at, address);
    }
  }
  problems.requiredOneOf('spec.type', spec.type, TYPES);
  checkRepeatedPorts(problems, spec);
  checkSourceRanges(problems, spec, annotations?.[SOURCE_RANGES]);
  checkBalancing(problems, spec);
  checkClass(problems, spec);
  checkExternalTraffic(problems, spec);
  checkInternalTraffic(problems, spec);
}

function checkType(problems: Problems, spec: ServiceSpec): void {
  const { type } = spec;
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(spec)) {
    problems.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`);
  }
  if (type !== 'ExternalName') {
    return;
  }
  const isSet = {
    clusterIPs: (spec.clusterIPs ?? []).length > 0 || (spec.clusterIP ?? '') !== '',
    ipFamilies: (spec.ipFamilies ?? []).length > 0,
    ipFamilyPolicy: spec.ipFamilyPolicy !== undefined,
  };
  for (const [field, is] of Object.entries(isSet)) {
    if (is) {
      problems.forbidden(`spec.${field}`, 'may not be set for ExternalName services');
    }
  }
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  problems.requiredName('spec.externalName', name, dnsSubdomainProblems);
}

function checkPorts(problems: Problems, { ports = [] }: ServiceSpec): void {
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    const { name = '', protocol, targetPort = 0, appProtocol } = port;
    if (name !== '') {
      problems.names(`${at}.name`, name, dnsLabelProblems(name));
      if (names.has(name)) {
        problems.duplicate(`${at}.name`, name);
      }
      names.add(name);
    } else if (ports.length > 1) {
      problems.required(`${at}.name`);
    }
    for (const problem of portNumberProblems(port.port)) {
      problems.invalid(`${at}.port`, port.port, problem);
    }
    problems.requiredOneOf(`${at}.protocol`, protocol, PROTOCOLS);
    checkPort(problems, `${at}.targetPort`, targetPort);
    if (appProtocol !== undefined) {
      problems.names(`${at}.appProtocol`, appProtocol, qualifiedNameProblems(appProtocol));
    }
  }
}

/** Node ports where there are none, and pairs of port and protocol that are taken. */
function checkRepeatedPorts(problems: Problems, { type, ports = [] }: ServiceSpec): void {
  for (const [index, { nodePort = 0 }] of ports.entries()) {
    if (type === 'ClusterIP' && nodePort !== 0) {
      problems.forbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'");
    }
  }
  const nodePorts = new Set<string>();
  for (const [index, { nodePort = 0, protocol }] of ports.entries()) {
    const key = `${nodePort}/${protocol}`;
    if (nodePort !== 0 && nodePorts.has(key)) {
      problems.duplicate(`spec.ports[${index}].nodePort`, nodePort);
    }
    nodePorts.add(key);
  }
  const taken = new Set<string>();
  for (const [index, { port, protocol }] of ports.entries()) {
    const key = `${port}/${protocol}`;
    if (taken.has(key)) {
      problems.duplicate(`spec.ports[${index}]`, emptyPort(port, protocol));
    }
    taken.add(key);
  }
}

/** What upstream shows of a repeated port: the two fields that are compared, all others empty. */
function emptyPort(Port: number, Protocol: ServicePort['protocol']): object {
  return { Name: '', Protocol, AppProtocol: null, Port, TargetPort: 0, NodePort: 0 };
}

function checkAffinity(problems: Problems, spec: ServiceSpec): void {
  problems.requiredOneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']);
  const config = spec.sessionAffinityConfig;
  const path = 'spec.sessionAffinityConfig';
  if (spec.sessionAffinity === 'None' && config !== undefined) {
    problems.forbidden(path, 'must not be set when session affinity is None');
  }
  if (spec.sessionAffinity !== 'ClientIP') {
    return;
  }
  const needed = 'when session affinity type is ClientIP';
  const seconds = config?.clientIP?.timeoutSeconds;
  if (config === undefined) {
    problems.required(path, needed);
  } else if (config.clientIP === undefined) {
    problems.required(`${path}.clientIP`, needed);
  } else if (seconds === undefined) {
    problems.required(`${path}.clientIP.timeoutSeconds`, needed);
  } else if (seconds <= 0 || seconds > AFFINITY_SECONDS_MAX) {
    problems.invalid(
      `${path}.clientIP.timeoutSeconds`,
      seconds,
      `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`,
    );
  }
}

/** The ranges may stand in a field or, as once, in an annotation; spaces around them have always been taken. */
function checkSourceRanges(problems: Problems, spec: ServiceSpec, annotation: string | undefined): void {
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const isField = ranges.length > 0;
  if (!isField && annotation === undefined) {
    return;
  }
  const path = isField ? 'spec.LoadBalancerSourceRanges' : `metadata.annotations[${SOURCE_RANGES}]`;
  if (spec.type !== 'LoadBalancer') {
    problems.forbidden(path, ONLY_LOAD_BALANCER);
  }
  const text = (annotation ?? '').trim();
  for (const [index, range] of (isField ? ranges : text === '' ? [] : text.split(',')).entries()) {
    checkCidr(problems, isField ? `${path}[${index}]` : path, range.trim());
  }
}

function checkBalancing(problems: Problems, spec: ServiceSpec): void {
  const { type, allocateLoadBalancerNodePorts: allocates } = spec;
  if (allocates !== undefined && type !== 'LoadBalancer') {
    problems.forbidden('spec.allocateLoadBalancerNodePorts', ONLY_LOAD_BALANCER);
  }
  if (allocates === undefined && type === 'LoadBalancer') {
    problems.required('allocateLoadBalancerNodePorts');
  }
}

function checkClass(problems: Problems, { type, loadBalancerClass }: ServiceSpec): void {
  if (loadBalancerClass === undefined) {
    return;
  }
  if (type === 'LoadBalancer') {
    problems.names('spec.loadBalancerClass', loadBalancerClass, qualifiedNameProblems(loadBalancerClass));
  } else {
    problems.forbidden('spec.loadBalancerClass', ONLY_LOAD_BALANCER);
  }
}

function needsHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

function checkExternalTraffic(problems: Problems, spec: ServiceSpec): void {
  const { type, externalTrafficPolicy: policy, healthCheckNodePort: port = 0 } = spec;
  const isExternal =
    type === 'NodePort' ||
    type === 'LoadBalancer' ||
    (type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
  if (isExternal) {
    problems.requiredOneOf('spec.externalTrafficPolicy', policy, POLICIES);
  } else if (policy !== undefined) {
    problems.invalid(
      'spec.externalTrafficPolicy',
      policy,
      'may only be set for externally-accessible services',
    );
  }
  if (!needsHealthCheck(spec)) {
    if (port !== 0) {
      problems.invalid(
        'spec.healthCheckNodePort',
        port,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      );
    }
  } else if (port === 0) {
    problems.required('spec.healthCheckNodePort');
  } else {
    for (const problem of portNumberProblems(port)) {
      problems.invalid('spec.healthCheckNodePort', port, problem);
    }
  }
}

function checkInternalTraffic(problems: Problems, spec: ServiceSpec): void {
  const { type, internalTrafficPolicy, trafficDistribution } = spec;
  if (internalTrafficPolicy !== undefined) {
    problems.oneOf('spec.internalTrafficPolicy', internalTrafficPolicy, POLICIES);
  } else if (type === 'NodePort' || type === 'LoadBalancer' || type === 'ClusterIP') {
    problems.required('spec.internalTrafficPolicy');
  }
  if (trafficDistribution !== undefined) {
    problems.oneOf('spec.trafficDistribution', trafficDistribution, DISTRIBUTIONS);
  }
}
