import {
  type NameProblems,
  dnsLabelProblems,
  dnsSubdomainProblems,
  qualifiedNameProblems,
  rangeText,
} from '../names.ts';
import type { PodDNSConfig, PodSpec, PodTemplate, PodTemplateSpec } from '../types/core.v1.ts';
import { checkAffinity, checkSpread, checkTolerations } from './affinity-rules.ts';
import { checkContainers } from './container-rules.ts';
import { checkIp } from './ip-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkAnnotations, checkLabels } from './object-meta.ts';
import { checkPodAnnotations, checkProfileAnnotations } from './pod-annotations.ts';
import { checkPodClaims, checkPodResources } from './pod-resource-rules.ts';
import type { Problems } from './problems.ts';
import { checkResources } from './resource-rules.ts';
import { checkPodSecurity } from './security-rules.ts';
import { checkVolumes } from './volume-rules.ts';
import { checkHostProcesses, checkOs } from './windows-rules.ts';

const INT32_MAX = 2 ** 31 - 1;
/** The limits of the C library's resolver. */
const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_CHARACTERS_MAX = 2048;

export interface PodSpecOptions {
  /** Of a pod. In a template ports of the host's network may still be absent, and nothing has a name yet. */
  readonly podName: string | undefined;
}

const IN_TEMPLATE: PodSpecOptions = { podName: undefined };

export function checkPodTemplate(problems: Problems, path: string, template: PodTemplateSpec): void {
  const { metadata, spec } = template;
  checkLabels(problems, `${path}.labels`, metadata.labels);
  checkAnnotations(problems, `${path}.annotations`, metadata.annotations);
  checkPodAnnotations(problems, `${path}.annotations`, metadata.annotations, spec);
  checkPodSpec(problems, `${path}.spec`, spec, IN_TEMPLATE);
  checkProfileAnnotations(problems, `${path}.spec`, metadata.annotations, spec);
  if ((spec.ephemeralContainers ?? []).length > 0) {
    problems.forbidden(
      `${path}.spec.ephemeralContainers`,
      'ephemeral containers not allowed in pod template',
    );
  }
}

/** Templates that stand alone, for whoever looks them up. */
export const POD_TEMPLATE_RULES: KindRules<PodTemplate> = {
  check(problems, { template }) {
    checkPodTemplate(problems, 'template', template);
  },
};

export function checkPodSpec(problems: Problems, path: string, spec: PodSpec, options: PodSpecOptions): void {
  if (spec.terminationGracePeriodSeconds === undefined) {
    problems.required(`${path}.terminationGracePeriodSeconds`);
  }
  const volumes = checkVolumes(problems, `${path}.volumes`, spec.volumes, options);
  const claims = claimNames(spec);
  if (spec.resourceClaims !== undefined) {
    checkPodClaims(problems, `${path}.resourceClaims`, spec.resourceClaims);
  }
  checkContainers(problems, path, { spec, volumes, claims });
  checkPodResources(problems, `${path}.resources`, spec, claims);
  checkHostNetwork(problems, path, spec, options);
  problems.requiredOneOf(`${path}.restartPolicy`, spec.restartPolicy, RESTART_POLICIES);
  problems.requiredOneOf(`${path}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES);
  checkLabels(problems, `${path}.nodeSelector`, spec.nodeSelector);
  checkPodSecurity(problems, `${path}.securityContext`, spec);
  checkAffinity(problems, `${path}.affinity`, spec.affinity);
  checkDns(problems, `${path}.dnsConfig`, spec);
  checkGates(problems, path, spec);
  checkSpread(problems, `${path}.topologySpreadConstraints`, spec.topologySpreadConstraints);
  checkHostProcesses(problems, path, spec);
  checkHostUsers(problems, path, spec);
  checkName(problems, `${path}.serviceAccountName`, spec.serviceAccountName, dnsSubdomainProblems);
  checkName(problems, `${path}.nodeName`, spec.nodeName, dnsSubdomainProblems);
  checkDeadline(problems, path, spec.activeDeadlineSeconds);
  checkName(problems, `${path}.hostname`, spec.hostname, dnsLabelProblems);
  checkName(problems, `${path}.subdomain`, spec.subdomain, dnsLabelProblems);
  checkTolerations(problems, `${path}.tolerations`, spec.tolerations);
  checkHostAliases(problems, `${path}.hostAliases`, spec);
  checkName(problems, `${path}.priorityClassName`, spec.priorityClassName, dnsSubdomainProblems);
  if (spec.runtimeClassName !== undefined) {
    problems.names(
      `${path}.runtimeClassName`,
      spec.runtimeClassName,
      dnsSubdomainProblems(spec.runtimeClassName),
    );
  }
  if (spec.preemptionPolicy !== undefined) {
    problems.requiredOneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, PREEMPTION_POLICIES);
  }
  if (spec.overhead !== undefined) {
    checkResources(problems, `${path}.overhead`, { limits: spec.overhead });
  }
  checkOs(problems, path, spec);
  checkHostnameOverride(problems, path, spec);
}

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const PREEMPTION_POLICIES = ['PreemptLowerPriority', 'Never'];
const NO_NAMES: ReadonlySet<string> = new Set();

function claimNames({ resourceClaims }: PodSpec): ReadonlySet<string> {
  return resourceClaims === undefined
    ? NO_NAMES
    : new Set(resourceClaims.map(({ name }) => name).filter((name) => name !== ''));
}

function checkName(
  problems: Problems,
  path: string,
  name: string | undefined,
  rule: (name: string) => NameProblems,
): void {
  if (name !== undefined && name !== '') {
    problems.names(path, name, rule(name));
  }
}

/** What the pod calls itself inside, instead of its own name. */
function checkHostnameOverride(
  problems: Problems,
  path: string,
  { hostnameOverride, hostNetwork, setHostnameAsFQDN }: PodSpec,
): void {
  if (hostnameOverride === undefined) {
    return;
  }
  const at = `${path}.hostnameOverride`;
  if (setHostnameAsFQDN === true) {
    problems.forbidden(at, 'must not be set when `spec.setHostnameAsFQDN` is true');
  }
  if (hostNetwork === true) {
    problems.forbidden(at, 'must not be set when `spec.hostNetwork` is true');
  }
  if (hostnameOverride.length > HOSTNAME_MAX) {
    problems.tooLong(at, HOSTNAME_MAX);
  }
  problems.names(at, hostnameOverride, dnsSubdomainProblems(hostnameOverride));
}

/** What Linux takes as the name of a host. */
const HOSTNAME_MAX = 64;

function checkDeadline(problems: Problems, path: string, seconds: number | undefined): void {
  if (seconds !== undefined && (seconds < 1 || seconds > INT32_MAX)) {
    problems.invalid(`${path}.activeDeadlineSeconds`, seconds, rangeText(1, INT32_MAX));
  }
}

function checkHostNetwork(
  problems: Problems,
  path: string,
  spec: PodSpec,
  { podName }: PodSpecOptions,
): void {
  if (spec.hostNetwork !== true) {
    return;
  }
  for (const [index, container] of spec.containers.entries()) {
    for (const [portIndex, { hostPort = 0, containerPort }] of (container.ports ?? []).entries()) {
      if ((podName !== undefined || hostPort !== 0) && hostPort !== containerPort) {
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
  if (spec.readinessGates === undefined && spec.schedulingGates === undefined) {
    return;
  }
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
      return;
    }
    if ((dnsConfig.nameservers ?? []).length === 0) {
      problems.required(
        `${path}.nameservers`,
        'must provide at least one DNS nameserver when `dnsPolicy` is None',
      );
      return;
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
