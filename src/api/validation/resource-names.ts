import { type NameProblems, qualifiedNameProblems } from '../names.ts';

/** The names of resources that Kubernetes itself knows, and what holds of names that it does not. */

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];
const COUNTED = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
const IN_QUOTAS: ReadonlySet<string> = new Set([
  ...COMPUTE,
  ...COUNTED,
  ...COMPUTE.flatMap((name) => [`requests.${name}`, `limits.${name}`]),
  'requests.storage',
]);
const STANDARD: ReadonlySet<string> = new Set([...IN_QUOTAS, 'storage']);
const IN_CONTAINERS: ReadonlySet<string> = new Set(COMPUTE);
const WHOLE: ReadonlySet<string> = new Set(COUNTED);

const HUGE_PAGES = 'hugepages-';
const NOT_STANDARD = 'must be a standard resource type or fully qualified';

export function isHugePages(name: string): boolean {
  return name.startsWith(HUGE_PAGES);
}

function isQuotaHugePages(name: string): boolean {
  return isHugePages(name) || name.startsWith(`requests.${HUGE_PAGES}`);
}

/** Kubernetes' own: without a prefix, or with its own in front. */
export function isNative(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

/** A device or the like, named by who offers it. */
export function isExtended(name: string): boolean {
  return (
    !isNative(name) && !name.startsWith('requests.') && qualifiedNameProblems(`requests.${name}`).length === 0
  );
}

/** Comes in pieces: an amount of it is a whole number. */
export function isCounted(name: string): boolean {
  return WHOLE.has(name) || isExtended(name);
}

/** More of it can be promised than there is. */
export function isOvercommitAllowed(name: string): boolean {
  return isNative(name) && !isHugePages(name);
}

export function isStandardQuotaResource(name: string): boolean {
  return IN_QUOTAS.has(name) || isQuotaHugePages(name);
}

export function resourceNameProblems(name: string): NameProblems {
  if (STANDARD.has(name)) {
    return [];
  }
  const wrong = qualifiedNameProblems(name);
  if (wrong.length > 0) {
    return wrong;
  }
  return name.includes('/') || isQuotaHugePages(name) ? [] : [NOT_STANDARD];
}

/** A resource that a container can ask for. */
export function containerResourceNameProblems(name: string): NameProblems {
  if (IN_CONTAINERS.has(name)) {
    return [];
  }
  const wrong = resourceNameProblems(name);
  if (!name.includes('/')) {
    return isHugePages(name) ? wrong : [...wrong, 'must be a standard resource for containers'];
  }
  return isNative(name) || isExtended(name)
    ? wrong
    : [...wrong, "doesn't follow extended resource name standard"];
}

/** A resource that a quota can bound. */
export function quotaResourceNameProblems(name: string): NameProblems {
  const wrong = resourceNameProblems(name);
  return name.includes('/') || isStandardQuotaResource(name)
    ? wrong
    : [...wrong, 'must be a standard resource for quota'];
}
