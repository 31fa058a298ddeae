import type { Container, EphemeralContainer, PodSpec } from '#api/types/core.v1.ts';

/** A pod as the checks look at it. */
export interface PodFacts {
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
  /** Init containers, containers and ephemeral containers. */
  readonly containers: readonly (Container | EphemeralContainer)[];
}

export interface Violation {
  /** What is wrong, in a few words. */
  readonly reason: string;
  /** Where, and with what. */
  readonly detail: string;
}

/** One rule of the Pod Security Standards. */
export interface Check {
  readonly id: string;
  /** The first minor release whose policy has it. */
  readonly sinceMinor: number;
  /** Checks of the lower level that say less than this one. */
  readonly overrides?: readonly string[];
  /** @param minor the release whose policy is meant; infinite for the latest */
  readonly run: (pod: PodFacts, minor: number) => Violation | undefined;
}

export function plural(word: string, count: number): string {
  return count === 1 ? word : `${word}s`;
}

/** `"a", "b"` */
export function quoted(items: Iterable<string>): string {
  const list = [...items];
  return list.length === 0 ? '' : `"${list.join('", "')}"`;
}

export function sorted(items: Iterable<string>): readonly string[] {
  return [...new Set(items)].toSorted();
}

/** `containers "a", "b"` */
export function containersText(names: readonly string[]): string {
  return `${plural('container', names.length)} ${quoted(names)}`;
}

/** Who sets something wrong: `pod`, `container "a"`, or `pod and container "a"`; empty when nobody does. */
export function settersText(isPodBad: boolean, badContainers: readonly string[]): string {
  return [
    ...(isPodBad ? ['pod'] : []),
    ...(badContainers.length > 0 ? [containersText(badContainers)] : []),
  ].join(' and ');
}

/** The names of the containers for which `isBad`. */
export function namesWhere(
  pod: PodFacts,
  isBad: (container: Container | EphemeralContainer) => boolean,
): readonly string[] {
  return pod.containers.filter(isBad).map(({ name }) => name);
}

/** Pods whose users are not the host's own may do more inside. */
export function hasOwnUsers({ spec }: PodFacts): boolean {
  return spec.hostUsers === false;
}

export function isWindows({ spec }: PodFacts): boolean {
  return spec.os?.name === 'windows';
}
