import type { Container, ContainerFilter, Labels, PodSandbox, PodSandboxFilter } from './cri.ts';
import type { StatsFilter } from './cri-stats.ts';

export function matchesSandbox(sandbox: PodSandbox, filter: PodSandboxFilter = {}): boolean {
  return (
    (filter.id === undefined || filter.id === sandbox.id) &&
    (filter.state === undefined || filter.state === sandbox.state) &&
    hasLabels(sandbox.labels, filter.labelSelector)
  );
}

export function matchesContainer(container: Container, filter: ContainerFilter = {}): boolean {
  return (
    (filter.id === undefined || filter.id === container.id) &&
    (filter.state === undefined || filter.state === container.state) &&
    (filter.podSandboxId === undefined || filter.podSandboxId === container.podSandboxId) &&
    hasLabels(container.labels, filter.labelSelector)
  );
}

/** Looks at the id and the labels; the sandbox of a container is the caller's to compare. */
export function matchesStats(id: string, labels: Labels, filter: StatsFilter = {}): boolean {
  return (filter.id === undefined || filter.id === id) && hasLabels(labels, filter.labelSelector);
}

function hasLabels(labels: Labels, wanted: Labels = {}): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
