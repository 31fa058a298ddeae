import type { Container, ContainerStatus, Pod, PodSpec } from '#api/types/core.v1.ts';
import { amountOf } from './resource-ids.ts';

type ResourceList = Readonly<Record<string, string>>;

/**
 * The spec with what containers really hold: while a resize is under way, a container counts with the largest of
 * what it asks for, what the node has granted and what is in force; one that cannot be resized, without what
 * it asks for. The very same spec for pods that are not being resized.
 */
export function accountedSpec({ spec, status }: Pod): PodSpec {
  if (status.containerStatuses === undefined) {
    return spec;
  }
  const isInfeasible =
    status.conditions?.some(({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible') ??
    false;
  const statuses = new Map(
    [...status.containerStatuses, ...(status.initContainerStatuses ?? [])].map((each) => [each.name, each]),
  );
  const account = (container: Container): Container =>
    accountedContainer(container, statuses.get(container.name), isInfeasible);
  const containers = spec.containers.map(account);
  const initContainers = spec.initContainers?.map(account);
  const isSame =
    containers.every((container, index) => container === spec.containers[index]) &&
    (initContainers ?? []).every((container, index) => container === spec.initContainers?.[index]);
  return isSame ? spec : { ...spec, containers, ...(initContainers === undefined ? {} : { initContainers }) };
}

function accountedContainer(
  container: Container,
  status: ContainerStatus | undefined,
  isInfeasible: boolean,
): Container {
  const granted = status?.allocatedResources;
  const inForce = status?.resources?.requests;
  if (granted === undefined && inForce === undefined) {
    return container;
  }
  const wanted = container.resources.requests ?? {};
  const requests = largest(isInfeasible ? {} : wanted, granted ?? {}, inForce ?? {});
  const names = new Set([...Object.keys(wanted), ...Object.keys(requests)]);
  const isSame = [...names].every(
    (name) => amountOf(name, requests[name] ?? '0') === amountOf(name, wanted[name] ?? '0'),
  );
  return isSame ? container : { ...container, resources: { ...container.resources, requests } };
}

function largest(...lists: readonly ResourceList[]): ResourceList {
  const largestOf: Record<string, string> = {};
  for (const list of lists) {
    for (const [name, quantity] of Object.entries(list)) {
      const known = largestOf[name];
      if (known === undefined || amountOf(name, quantity) > amountOf(name, known)) {
        largestOf[name] = quantity;
      }
    }
  }
  return largestOf;
}
