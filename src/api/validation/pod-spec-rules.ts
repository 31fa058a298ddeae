import { dnsLabelProblems, dnsSubdomainProblems, qualifiedNameProblems, rangeText } from '../names.ts';
import type { PodDNSConfig, PodSpec, PodTemplateSpec } from '../types/core.v1.ts';
import { checkAffinity, checkSpread, checkTolerations } from './affinity-rules.ts';
import { checkContainers } from './container-rules.ts';
import { checkIp } from './ip-rules.ts';
import { checkAnnotations, checkLabels } from './object-meta.ts';
import type { Problems } from './problems.ts';
import { checkResources } from './resource-rules.ts';
import { checkPodSecurity } from './security-rules.ts';
import { checkVolumes } from './volume-rules.ts';

const INT32_MAX = 2 ** 31 - 1;
/** The limits of the C library's resolver. */
const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_CHARACTERS_MAX = 2048;

export interface PodSpecOptions {
  /** In a pod the ports of the host's network are filled in; in a template they may still be absent. */
  readonly isPod: boolean;
}

export function checkPodTemplate(problems: Problems, path: string, template: PodTemplateSpec): void {
  checkLabels(problems, `${path}.labels`, template.metadata.labels);
  checkAnnotations(problems, `${path}.annotations`, template.metadata.annotations);
  checkPodSpec(problems, `${path}.spec`, template.spec, { isPod: false });
  if ((template.spec.ephemeralContainers ?? []).length > 0) {
    problems.forbidden(
      `${path}.spec.ephemeralContainers`,
      'ephemeral containers not allowed in pod template',
    );
  }
}

export function checkPodSpec(problems: Problems, path: string, spec: PodSpec, options: PodSpecOptions): void {
  if (spec.terminationGracePeriodSeconds === undefined) {
    problems.required(`${path}.terminationGracePeriodSeconds`);
  }
  checkVolumes(problems, `${path}.volumes`, spec.volumes);
  checkContainers(problems, path, spec);
  checkResources(problems, `${path}.resources`, spec.resources);
  checkHostNetwork(problems, path, spec, options);
  problems.requiredOneOf(`${path}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']);
  problems.requiredOneOf(`${path}.dnsPolicy`, spec.dnsPolicy, [
    'ClusterFirstWithHostNet',
    'ClusterFirst',
    'Default',
    'None',
  ]);
  checkLabels(problems, `${path}.nodeSelector`, spec.nodeSelector);
  checkPodSecurity(problems, `${path}.securityContext`, spec);
  checkAffinity(problems, `${path}.affinity`, spec.affinity);
  checkDns(problems, `${path}.dnsConfig`, spec);
  checkGates(problems, path, spec);
  checkSpread(problems, `${path}.topologySpreadConstraints`, spec.topologySpreadConstraints);
  checkHostUsers(problems, path, spec);
  checkNames(problems, path, spec);
  checkDeadline(problems, path, spec.activeDeadlineSeconds);
  checkTolerations(problems, `${path}.tolerations`, spec.tolerations);
  checkHostAliases(problems, `${path}.hostAliases`, spec);
  if (spec.preemptionPolicy !== undefined) {
    problems.requiredOneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, [
      'PreemptLowerPriority',
      'Never',
    ]);
  }
  if (spec.os !== undefined) {
    problems.requiredOneOf(`${path}.os.name`, spec.os.name, ['linux', 'windows']);
  }
}

function checkDeadline(problems: Problems, path: string, seconds: number | undefined): void {
  if (seconds !== undefined && (seconds < 1 || seconds > INT32_MAX)) {
    problems.invalid(`${path}.activeDeadlineSeconds`, seconds, rangeText(1, INT32_MAX));
  }
}

function checkNames(problems: Problems, path: string, spec: PodSpec): void {
  const rules = {
    serviceAccountName: dnsSubdomainProblems,
    nodeName: dnsSubdomainProblems,
    hostname: dnsLabelProblems,
    subdomain: dnsLabelProblems,
    priorityClassName: dnsSubdomainProblems,
    runtimeClassName: dnsSubdomainProblems,
  } as const;
  for (const field of Object.keys(rules) as (keyof typeof rules)[]) {
    const value = spec[field];
    if (value !== undefined && value !== '') {
      problems.names(`${path}.${field}`, value, rules[field](value));
    }
  }
}

function checkHostNetwork(problems: Problems, path: string, spec: PodSpec, { isPod }: PodSpecOptions): void {
  if (spec.hostNetwork !== true) {
    return;
  }
  for (const [index, container] of spec.containers.entries()) {
    for (const [portIndex, { hostPort = 0, containerPort }] of (container.ports ?? []).entries()) {
      if ((isPod || hostPort !== 0) && hostPort !== containerPort) {
        problems.invalid(
          `${path}.containers[${index}].ports[${portIndex}].hostPort`,
          hostPort,
          'must match `containerPort` when `hostNetwork` is true',
        );
      }
    }
  }
}

function checkHostUsers(problems: Problems, path: string, spec: PodSpec): void {
  if (spec.hostUsers !== false) {
    return;
  }
  for (const [field, name] of [
    ['hostNetwork', 'hostNetwork'],
    ['hostPID', 'HostPID'],
    ['hostIPC', 'HostIPC'],
  ] as const) {
    if (spec[field] === true) {
      problems.forbidden(`${path}.${name}`, 'when `pod.Spec.HostUsers` is false');
    }
  }
}

function checkGates(problems: Problems, path: string, spec: PodSpec): void {
  for (const [index, { conditionType }] of (spec.readinessGates ?? []).entries()) {
    problems.names(
      `${path}.readinessGates[${index}].conditionType`,
      conditionType,
      qualifiedNameProblems(conditionType),
    );
  }
  const seen = new Set<string>();
  for (const [index, { name }] of (spec.schedulingGates ?? []).entries()) {
    const at = `${path}.schedulingGates[${index}]`;
    problems.names(at, name, qualifiedNameProblems(name));
    if (seen.has(name)) {
      problems.duplicate(at, name);
    }
    seen.add(name);
  }
}

function checkHostAliases(problems: Problems, path: string, { hostAliases }: PodSpec): void {
  for (const [index, { ip, hostnames }] of (hostAliases ?? []).entries()) {
    checkIp(problems, `${path}[${index}].ip`, ip);
    for (const [nameIndex, name] of (hostnames ?? []).entries()) {
      problems.names(`${path}[${index}].hostnames[${nameIndex}]`, name, dnsSubdomainProblems(name));
    }
  }
}

function checkDns(problems: Problems, path: string, { dnsPolicy, dnsConfig }: PodSpec): void {
  if (dnsPolicy === 'None') {
    if (dnsConfig === undefined) {
      problems.required(path, 'must provide `dnsConfig` when `dnsPolicy` is None');
    } else if ((dnsConfig.nameservers ?? []).length === 0) {
      problems.required(
        `${path}.nameservers`,
        'must provide at least one DNS nameserver when `dnsPolicy` is None',
      );
    }
  }
  if (dnsConfig !== undefined) {
    checkDnsConfig(problems, path, dnsConfig);
  }
}

function checkDnsConfig(problems: Problems, path: string, config: PodDNSConfig): void {
  const { nameservers = [], searches = [], options = [] } = config;
  if (nameservers.length > NAMESERVERS_MAX) {
    problems.invalid(
      `${path}.nameservers`,
      nameservers,
      `must not have more than ${NAMESERVERS_MAX} nameservers`,
    );
  }
  for (const [index, nameserver] of nameservers.entries()) {
    checkIp(problems, `${path}.nameservers[${index}]`, nameserver);
  }
  if (searches.length > SEARCHES_MAX) {
    problems.invalid(`${path}.searches`, searches, `must not have more than ${SEARCHES_MAX} search paths`);
  }
  if (searches.join(' ').length > SEARCH_CHARACTERS_MAX) {
    problems.invalid(
      `${path}.searches`,
      searches,
      `must not have more than ${SEARCH_CHARACTERS_MAX} characters (including spaces) in the search list`,
    );
  }
  for (const [index, search] of searches.entries()) {
    const name = search.replace(/\.$/, '');
    if (search !== '.') {
      // Underscores are common in the domains of service discovery.
      problems.names(`${path}.searches[${index}]`, name, dnsSubdomainProblems(name.replaceAll('_', 'a')));
    }
  }
  for (const [index, { name }] of options.entries()) {
    if (name === undefined || name === '') {
      problems.required(`${path}.options[${index}]`, 'must not be empty');
    }
  }
}
