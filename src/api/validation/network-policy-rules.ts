import { portNameProblems, portNumberProblems } from '../names.ts';
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../types/networking.v1.ts';
import { checkCidr, isStrictSubset } from './ip-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import type { Problems } from './problems.ts';

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];
const TYPES = ['Ingress', 'Egress'];

export const NETWORK_POLICY_RULES: KindRules<NetworkPolicy> = {
  check(problems, { spec }) {
    checkLabelSelector(problems, 'spec.podSelector', spec.podSelector);
    for (const [index, rule] of (spec.ingress ?? []).entries()) {
      checkPorts(problems, `spec.ingress[${index}].ports`, rule.ports);
      checkPeers(problems, `spec.ingress[${index}].from`, rule.from);
    }
    for (const [index, rule] of (spec.egress ?? []).entries()) {
      checkPorts(problems, `spec.egress[${index}].ports`, rule.ports);
      checkPeers(problems, `spec.egress[${index}].to`, rule.to);
    }
    const types = spec.policyTypes ?? [];
    if (types.length > TYPES.length) {
      problems.invalid('spec.policyTypes', types, 'may not specify more than two policyTypes');
      return;
    }
    for (const [index, type] of types.entries()) {
      problems.oneOf(`spec.policyTypes[${index}]`, type, TYPES);
    }
  },
};

function checkPorts(problems: Problems, path: string, ports: readonly NetworkPolicyPort[] | undefined): void {
  for (const [index, { protocol, port, endPort }] of (ports ?? []).entries()) {
    const at = `${path}[${index}]`;
    if (protocol !== undefined) {
      problems.oneOf(`${at}.protocol`, protocol, PROTOCOLS);
    }
    if (typeof port === 'number') {
      for (const problem of portNumberProblems(port)) {
        problems.invalid(`${at}.port`, port, problem);
      }
      if (endPort !== undefined) {
        checkEndPort(problems, `${at}.endPort`, endPort, port);
      }
      continue;
    }
    if (endPort !== undefined) {
      const why = port === undefined ? 'is not specified' : 'is non-numeric';
      problems.invalid(`${at}.endPort`, endPort, `may not be specified when \`port\` ${why}`);
    }
    if (port !== undefined) {
      problems.names(`${at}.port`, port, portNameProblems(port));
    }
  }
}

function checkEndPort(problems: Problems, path: string, endPort: number, port: number): void {
  if (endPort < port) {
    problems.invalid(path, port, 'must be greater than or equal to `port`');
  }
  for (const problem of portNumberProblems(endPort)) {
    problems.invalid(path, endPort, problem);
  }
}

function checkPeers(problems: Problems, path: string, peers: readonly NetworkPolicyPeer[] | undefined): void {
  for (const [index, { podSelector, namespaceSelector, ipBlock }] of (peers ?? []).entries()) {
    const at = `${path}[${index}]`;
    checkLabelSelector(problems, `${at}.podSelector`, podSelector);
    checkLabelSelector(problems, `${at}.namespaceSelector`, namespaceSelector);
    if (ipBlock !== undefined) {
      checkBlock(problems, `${at}.ipBlock`, ipBlock);
    }
    const hasSelector = podSelector !== undefined || namespaceSelector !== undefined;
    if (ipBlock === undefined && !hasSelector) {
      problems.required(at, 'must specify a peer');
    } else if (ipBlock !== undefined && hasSelector) {
      problems.forbidden(at, 'may not specify both ipBlock and another peer');
    }
  }
}

function checkBlock(problems: Problems, path: string, { cidr, except = [] }: IPBlock): void {
  if (cidr === '') {
    problems.required(`${path}.cidr`);
    return;
  }
  checkCidr(problems, `${path}.cidr`, cidr);
  for (const [index, range] of except.entries()) {
    const at = `${path}.except[${index}]`;
    checkCidr(problems, at, range);
    if (isStrictSubset(range, cidr) === false) {
      problems.invalid(at, range, 'must be a strict subset of `cidr`');
    }
  }
}
