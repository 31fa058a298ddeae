import { isIP } from 'node:net';
import {
  dns1035LabelProblems,
  dnsLabelProblems,
  dnsSubdomainProblems,
  portNumberProblems,
} from '../names.ts';
import type { Service, ServicePort, ServiceSpec } from '../types/core.v1.ts';
import { checkCidr, checkIp } from './ip-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabels } from './object-meta.ts';
import { checkPort } from './probe-rules.ts';
import type { Problems } from './problems.ts';

const AFFINITY_SECONDS_MAX = 86_400;
const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const NONE = 'None';

export const SERVICE_RULES: KindRules<Service> = {
  nameRule: dns1035LabelProblems,
  check(problems, { spec }) {
    const { type } = spec;
    problems.requiredOneOf('spec.type', type, TYPES);
    const isHeadless = spec.clusterIP === NONE;
    if ((spec.ports ?? []).length === 0 && !isHeadless && type !== 'ExternalName') {
      problems.required('spec.ports');
    }
    if (type === 'LoadBalancer' && isHeadless) {
      problems.invalid('spec.clusterIPs[0]', NONE, "may not be set to 'None' for LoadBalancer services");
    }
    if (type === 'NodePort' && isHeadless) {
      problems.invalid('spec.clusterIPs[0]', NONE, "may not be set to 'None' for NodePort services");
    }
    checkExternalName(problems, spec);
    checkPorts(problems, spec);
    checkLabels(problems, 'spec.selector', spec.selector);
    checkAffinity(problems, spec);
    checkAddresses(problems, spec);
    checkTraffic(problems, spec);
  },
  onUpdate(problems, next, previous) {
    const [before, after] = [previous.spec, next.spec];
    const wasAllocated = before.type !== 'ExternalName' && after.type !== 'ExternalName';
    const hadAddress = before.clusterIP !== undefined && before.clusterIP !== '';
    if (wasAllocated && hadAddress && after.clusterIP !== before.clusterIP) {
      problems.invalid('spec.clusterIPs[0]', after.clusterIPs ?? after.clusterIP, 'may not change once set');
    }
  },
};

function checkExternalName(problems: Problems, spec: ServiceSpec): void {
  if (spec.type !== 'ExternalName') {
    return;
  }
  if (spec.clusterIP !== undefined && spec.clusterIP !== '') {
    problems.forbidden('spec.clusterIPs', 'may not be set for ExternalName services');
  }
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') {
    problems.required('spec.externalName');
  } else {
    problems.names('spec.externalName', name, dnsSubdomainProblems(name));
  }
}

function checkPorts(problems: Problems, spec: ServiceSpec): void {
  const ports = spec.ports ?? [];
  const seen = { names: new Set<string>(), ports: new Set<string>(), nodePorts: new Set<string>() };
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    checkPortFields(problems, at, port, ports.length > 1);
    const { name = '', protocol = '', nodePort = 0 } = port;
    if (name !== '' && seen.names.has(name)) {
      problems.duplicate(`${at}.name`, name);
    }
    seen.names.add(name);
    if (spec.type === 'ClusterIP' && nodePort !== 0) {
      problems.forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'");
    }
    const nodeKey = `${nodePort}/${protocol}`;
    if (nodePort !== 0 && seen.nodePorts.has(nodeKey)) {
      problems.duplicate(`${at}.nodePort`, nodePort);
    }
    seen.nodePorts.add(nodeKey);
    const key = `${port.port}/${protocol}`;
    if (seen.ports.has(key)) {
      problems.duplicate(at, port);
    }
    seen.ports.add(key);
  }
}

function checkPortFields(problems: Problems, path: string, port: ServicePort, needsName: boolean): void {
  const { name = '', protocol, targetPort = 0 } = port;
  if (name !== '') {
    problems.names(`${path}.name`, name, dnsLabelProblems(name));
  } else if (needsName) {
    problems.required(`${path}.name`);
  }
  for (const problem of portNumberProblems(port.port)) {
    problems.invalid(`${path}.port`, port.port, problem);
  }
  problems.requiredOneOf(`${path}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']);
  checkPort(problems, `${path}.targetPort`, targetPort);
}

function checkAffinity(problems: Problems, spec: ServiceSpec): void {
  problems.requiredOneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', NONE]);
  const config = spec.sessionAffinityConfig;
  const path = 'spec.sessionAffinityConfig';
  if (spec.sessionAffinity !== 'ClientIP') {
    if (config !== undefined) {
      problems.forbidden(path, 'must not be set when session affinity is None');
    }
    return;
  }
  const seconds = config?.clientIP?.timeoutSeconds;
  if (seconds === undefined) {
    problems.required(path, 'when session affinity type is ClientIP');
  } else if (seconds <= 0 || seconds > AFFINITY_SECONDS_MAX) {
    problems.invalid(
      `${path}.clientIP.timeoutSeconds`,
      seconds,
      `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`,
    );
  }
}

function checkAddresses(problems: Problems, spec: ServiceSpec): void {
  for (const [index, address] of (spec.clusterIPs ?? []).entries()) {
    if (address !== NONE && isIP(address) === 0) {
      checkIp(problems, `spec.clusterIPs[${index}]`, address);
    }
  }
  if (
    spec.clusterIP !== undefined &&
    spec.clusterIP !== '' &&
    spec.clusterIP !== NONE &&
    spec.clusterIPs === undefined
  ) {
    checkIp(problems, 'spec.clusterIPs[0]', spec.clusterIP);
  }
  if ((spec.clusterIPs ?? []).length > 2) {
    problems.invalid('spec.clusterIPs', spec.clusterIPs, 'may only hold up to 2 values');
  }
  for (const [index, address] of (spec.externalIPs ?? []).entries()) {
    checkIp(problems, `spec.externalIPs[${index}]`, address);
  }
  for (const [index, range] of (spec.loadBalancerSourceRanges ?? []).entries()) {
    checkCidr(problems, `spec.loadBalancerSourceRanges[${index}]`, range.trim());
  }
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    problems.oneOf(`spec.ipFamilies[${index}]`, family, ['IPv4', 'IPv6']);
  }
  if (spec.ipFamilyPolicy !== undefined) {
    problems.oneOf('spec.ipFamilyPolicy', spec.ipFamilyPolicy, [
      'PreferDualStack',
      'RequireDualStack',
      'SingleStack',
    ]);
  }
}

function checkTraffic(problems: Problems, spec: ServiceSpec): void {
  const isExternal =
    spec.type === 'NodePort' ||
    spec.type === 'LoadBalancer' ||
    (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
  if (spec.externalTrafficPolicy !== undefined) {
    if (isExternal) {
      problems.oneOf('spec.externalTrafficPolicy', spec.externalTrafficPolicy, ['Cluster', 'Local']);
    } else {
      problems.invalid(
        'spec.externalTrafficPolicy',
        spec.externalTrafficPolicy,
        'may only be set for externally-accessible services',
      );
    }
  }
  if (spec.internalTrafficPolicy !== undefined) {
    problems.oneOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local']);
  }
  if (spec.healthCheckNodePort !== undefined && spec.healthCheckNodePort !== 0) {
    if (spec.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local') {
      problems.invalid(
        'spec.healthCheckNodePort',
        spec.healthCheckNodePort,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      );
    }
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== 'LoadBalancer') {
    problems.forbidden(
      'spec.allocateLoadBalancerNodePorts',
      "may only be used when `type` is 'LoadBalancer'",
    );
  }
  if (spec.loadBalancerClass !== undefined && spec.type !== 'LoadBalancer') {
    problems.forbidden('spec.loadBalancerClass', "may only be used when `type` is 'LoadBalancer'");
  }
}
