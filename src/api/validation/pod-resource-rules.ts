import { type Quantity, compareQuantities, formatQuantity, parseQuantity } from '../quantity.ts';
import type { Container, PodResourceClaim, PodSpec, ResourceList } from '../types/core.v1.ts';
import { dnsLabelProblems, dnsSubdomainProblems } from '../names.ts';
import type { Problems } from './problems.ts';
import { isHugePages, resourceNameProblems } from './resource-names.ts';
import { checkResources } from './resource-rules.ts';

const POD_LEVEL = ['cpu', 'memory'];

/** The pod's claims on devices, and the resources that its containers share. */
export function checkPodClaims(problems: Problems, path: string, claims: readonly PodResourceClaim[]): void {
  const names = new Set<string>();
  for (const [index, claim] of claims.entries()) {
    const at = `${path}[${index}]`;
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    if (name === '') {
      problems.required(`${at}.name`);
    } else if (names.has(name)) {
      problems.duplicate(`${at}.name`, name);
    } else {
      problems.names(`${at}.name`, name, dnsLabelProblems(name));
      names.add(name);
    }
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      problems.invalid(
        at,
        claim,
        'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified',
      );
    }
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      problems.invalid(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`');
    }
    for (const [field, target] of Object.entries({ resourceClaimName, resourceClaimTemplateName })) {
      if (target !== undefined) {
        problems.names(`${at}.${field}`, target, dnsSubdomainProblems(target));
      }
    }
  }
}

export function checkPodResources(
  problems: Problems,
  path: string,
  spec: PodSpec,
  claims: ReadonlySet<string>,
): void {
  const { resources } = spec;
  if (resources === undefined) {
    return;
  }
  if (resources.claims !== undefined) {
    problems.forbidden(`${path}.claims`, 'claims cannot be set for Resources at pod-level');
  }
  checkPodLevelNames(problems, `${path}.limits`, resources.limits);
  checkPodLevelNames(problems, `${path}.requests`, resources.requests);
  checkResources(problems, path, resources, { nameRule: resourceNameProblems, claims });
  for (const [name, total] of containerRequests(spec)) {
    const wanted = resources.requests?.[name] ?? '0';
    if (compareQuantities(total, parseQuantity(wanted)) > 0) {
      problems.invalid(
        `${path}.requests[${name}]`,
        wanted,
        `must be greater than or equal to aggregate container requests of ${formatQuantity(total)}`,
      );
    }
  }
  for (const [index, container] of spec.containers.entries()) {
    for (const [name, limit] of Object.entries(container.resources.limits ?? {})) {
      const bound = resources.limits?.[name];
      if (bound !== undefined && compareQuantities(parseQuantity(limit), parseQuantity(bound)) > 0) {
        problems.invalid(
          `${path}.containers[${index}][${name}].limits`,
          limit,
          `must be less than or equal to pod limits of ${bound}`,
        );
      }
    }
  }
}

function checkPodLevelNames(problems: Problems, path: string, list: ResourceList | undefined): void {
  for (const name in list) {
    if (resourceNameProblems(name).length === 0 && !POD_LEVEL.includes(name) && !isHugePages(name)) {
      problems.oneOf(`${path}[${name}]`, name, POD_LEVEL);
    }
  }
}

/** What the containers ask for together: those that run side by side, or an initialiser that needs more. */
function containerRequests({ containers, initContainers }: PodSpec): Map<string, Quantity> {
  const total = new Map<string, Quantity>();
  containers.forEach((container) => addTo(total, container));
  const sidecars = new Map<string, Quantity>();
  const peak = new Map<string, Quantity>();
  for (const container of initContainers ?? []) {
    const isSidecar = container.restartPolicy === 'Always';
    if (isSidecar) {
      addTo(total, container);
      addTo(sidecars, container);
    }
    const atOnce = new Map(sidecars);
    if (!isSidecar) {
      addTo(atOnce, container);
    }
    raiseTo(peak, atOnce);
  }
  raiseTo(total, peak);
  return total;
}

function addTo(sum: Map<string, Quantity>, { resources }: Container): void {
  for (const [name, amount] of Object.entries(resources.requests ?? {})) {
    const { nanos, format } = parseQuantity(amount);
    const before = sum.get(name);
    sum.set(name, { nanos: (before?.nanos ?? 0n) + nanos, format: before?.format ?? format });
  }
}

function raiseTo(sum: Map<string, Quantity>, other: ReadonlyMap<string, Quantity>): void {
  for (const [name, quantity] of other) {
    const before = sum.get(name);
    if (before === undefined || compareQuantities(quantity, before) > 0) {
      sum.set(name, quantity);
    }
  }
}
