import { isIP } from 'node:net';
import { dnsSubdomainProblems, qualifiedNameProblems } from '../names.ts';
import type {
  Container,
  ContainerStatus,
  Pod,
  PodResourceClaimStatus,
  PodSpec,
  PodStatus,
} from '../types/core.v1.ts';
import { checkIp } from './ip-rules.ts';
import { checkPodAnnotationUpdate, checkPodAnnotations } from './pod-annotations.ts';
import type { Problems } from './problems.ts';

const ID_MAX = 2 ** 31 - 1;
const SYSTEM_CONDITIONS: ReadonlySet<string> = new Set(['PodScheduled', 'Ready', 'Initialized']);
const HEALTH = ['Healthy', 'Unhealthy', 'Unknown'];

/** What a status may not say, and what has happened for good and may not be taken back. */
export function checkPodStatus(problems: Problems, next: Pod, previous: Pod): void {
  checkPodAnnotationUpdate(problems, next, previous);
  checkPodAnnotations(problems, 'metadata.annotations', next.metadata.annotations, next.spec);
  for (const [index, { type }] of (next.status.conditions ?? []).entries()) {
    if (!SYSTEM_CONDITIONS.has(type)) {
      problems.names(`metadata.conditions[${index}].Type`, type, qualifiedNameProblems(type));
    }
  }
  const { nominatedNodeName = '' } = next.status;
  if (nominatedNodeName !== '' && nominatedNodeName !== previous.status.nominatedNodeName) {
    problems.names('status.nominatedNodeName', nominatedNodeName, dnsSubdomainProblems(nominatedNodeName));
  }
  problems.immutable('status.qosClass', next.status.qosClass, previous.status.qosClass);
  checkTransitions(problems, next.status, previous);
  checkClaimStatuses(problems, next.status.resourceClaimStatuses, next.spec);
  checkFamilies(problems, 'status.podIPs', next.status.podIPs ?? []);
  checkHostIps(problems, next.status);
  checkContainerStatuses(problems, next);
}

type Statuses = readonly ContainerStatus[] | undefined;

function checkTransitions(problems: Problems, next: PodStatus, previous: Pod): void {
  const { spec, status } = previous;
  const sidecars = new Set((spec.initContainers ?? []).filter(isRestartable).map(({ name }) => name));
  checkEnded(
    problems,
    'status.containerStatuses',
    [next.containerStatuses, status.containerStatuses],
    spec.restartPolicy,
  );
  checkEnded(
    problems,
    'status.initContainerStatuses',
    [
      next.initContainerStatuses,
      status.initContainerStatuses?.map((each) => (sidecars.has(each.name) ? { ...each, state: {} } : each)),
    ],
    spec.restartPolicy,
  );
  // Debugging containers are never started again.
  checkEnded(
    problems,
    'status.ephemeralContainerStatuses',
    [next.ephemeralContainerStatuses, status.ephemeralContainerStatuses],
    'Never',
  );
}

function isRestartable({ restartPolicy, restartPolicyRules = [] }: Container): boolean {
  return restartPolicy === 'Always' || restartPolicyRules.length > 0;
}

/** What has ended for good stays ended. */
function checkEnded(
  problems: Problems,
  path: string,
  [next, previous]: readonly [Statuses, Statuses],
  restartPolicy: PodSpec['restartPolicy'],
): void {
  if (restartPolicy === 'Always') {
    return;
  }
  for (const [index, old] of (previous ?? []).entries()) {
    const ended = old.state?.terminated;
    if (ended === undefined || (ended.exitCode !== 0 && restartPolicy === 'OnFailure')) {
      continue;
    }
    const current = next?.find(({ name }) => name === old.name);
    if (current !== undefined && current.state?.terminated === undefined) {
      problems.forbidden(`${path}[${index}].state`, 'may not be transitioned to non-terminated state');
    }
  }
}

function checkClaimStatuses(
  problems: Problems,
  statuses: readonly PodResourceClaimStatus[] | undefined,
  { resourceClaims = [] }: PodSpec,
): void {
  const seen = new Set<string>();
  for (const [index, { name, resourceClaimName }] of (statuses ?? []).entries()) {
    const at = `status.resourceClaimStatuses[${index}].name`;
    if (!resourceClaims.some((claim) => claim.name === name)) {
      problems.invalid(at, name, 'must match the name of an entry in `spec.resourceClaims`');
    }
    if (seen.has(name)) {
      problems.duplicate(at, name);
    }
    seen.add(name);
    if (resourceClaimName !== undefined) {
      problems.names(at, resourceClaimName, dnsSubdomainProblems(resourceClaimName));
    }
  }
}

type Addresses = readonly { readonly ip: string }[];

/** At most one address of each family, none of them twice. */
function checkFamilies(problems: Problems, path: string, addresses: Addresses): void {
  for (const [index, { ip }] of addresses.entries()) {
    checkIp(problems, `${path}[${index}]`, ip);
  }
  if (addresses.length < 2) {
    return;
  }
  const families = new Set(addresses.map(({ ip }) => isIP(ip)));
  if (families.size < 2 || addresses.length > 2) {
    problems.invalid(path, addresses, 'may specify no more than one IP for each IP family');
  }
  const seen = new Set<string>();
  for (const [index, address] of addresses.entries()) {
    if (seen.has(address.ip)) {
      problems.duplicate(`${path}[${index}]`, address);
    }
    seen.add(address.ip);
  }
}

function checkHostIps(problems: Problems, { hostIP, hostIPs = [] }: PodStatus): void {
  const [first] = hostIPs;
  if (first !== undefined && first.ip !== hostIP) {
    problems.invalid('status.hostIPs[0].ip', first.ip, 'must be equal to `hostIP`');
  }
  checkFamilies(problems, 'status.hostIPs', hostIPs);
}

function checkContainerStatuses(problems: Problems, { spec, status }: Pod): void {
  const lists = [
    ['containerStatuses', status.containerStatuses, spec.containers],
    ['initContainerStatuses', status.initContainerStatuses, spec.initContainers],
    ['ephemeralContainerStatuses', status.ephemeralContainerStatuses, undefined],
  ] as const;
  for (const [field, statuses] of lists) {
    for (const [index, { user }] of (statuses ?? []).entries()) {
      if (user?.linux !== undefined) {
        checkUser(problems, `status.${field}[${index}].linux`, user.linux, spec.os?.name);
      }
    }
  }
  for (const [field, statuses, containers] of lists) {
    for (const [index, each] of (statuses ?? []).entries()) {
      const at = `status.${field}[${index}].allocatedResourcesStatus`;
      if (field === 'ephemeralContainerStatuses') {
        if ((each.allocatedResourcesStatus ?? []).length > 0) {
          problems.forbidden(at, 'must not be specified in container status');
        }
      } else {
        checkAllocated(
          problems,
          at,
          each,
          containers?.find(({ name }) => name === each.name),
        );
      }
    }
  }
}

type LinuxUser = NonNullable<NonNullable<ContainerStatus['user']>['linux']>;

function checkUser(problems: Problems, path: string, user: LinuxUser, os: string | undefined): void {
  if (os === 'windows') {
    problems.forbidden(path, 'cannot be set for a windows pod');
    return;
  }
  problems.upTo(`${path}.uid`, user.uid, ID_MAX);
  problems.upTo(`${path}.gid`, user.gid, ID_MAX);
  for (const [index, group] of (user.supplementalGroups ?? []).entries()) {
    problems.upTo(`${path}.supplementalGroups[${index}]`, group, ID_MAX);
  }
}

function checkAllocated(
  problems: Problems,
  path: string,
  { allocatedResourcesStatus }: ContainerStatus,
  container: Container | undefined,
): void {
  for (const [index, { name, resources = [] }] of (allocatedResourcesStatus ?? []).entries()) {
    if (container !== undefined && !isAskedFor(container, name)) {
      problems.invalid(
        `${path}[${index}].name`,
        name,
        name.startsWith('claim:')
          ? "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty"
          : "must match one of the container's resource requests",
      );
    }
    const ids = new Set<string>();
    for (const [place, { health, resourceID }] of resources.entries()) {
      const at = `${path}[${index}].resources[${place}]`;
      problems.oneOf(`${at}.health`, health ?? '', HEALTH);
      if (ids.has(resourceID)) {
        problems.duplicate(`${at}.resourceID`, resourceID);
      }
      ids.add(resourceID);
    }
  }
}

function isAskedFor({ resources }: Container, name: string): boolean {
  if (!name.startsWith('claim:')) {
    return resources.requests?.[name] !== undefined;
  }
  return (resources.claims ?? []).some(
    (claim) => name === `claim:${claim.name}${(claim.request ?? '') === '' ? '' : `/${claim.request}`}`,
  );
}
