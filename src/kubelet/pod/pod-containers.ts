import type { Container, ContainerRestartRule, EphemeralContainer, Pod } from '#api/types/core.v1.ts';

export type AnyContainer = Container | EphemeralContainer;

/** `init` runs to its end before the next starts; `sidecar` is an init container that keeps running. */
export type ContainerRole = 'init' | 'sidecar' | 'app' | 'ephemeral';

export function roleOf(pod: Pod, name: string): ContainerRole | undefined {
  const init = pod.spec.initContainers?.find((container) => container.name === name);
  if (init !== undefined) {
    return isSidecar(init) ? 'sidecar' : 'init';
  }
  if (pod.spec.containers.some((container) => container.name === name)) {
    return 'app';
  }
  return pod.spec.ephemeralContainers?.some((container) => container.name === name) === true
    ? 'ephemeral'
    : undefined;
}

export function isSidecar(initContainer: Container): boolean {
  return initContainer.restartPolicy === 'Always';
}

/** Every container of the pod, in the order in which they are started. */
export function allContainers(pod: Pod): readonly AnyContainer[] {
  return [
    ...(pod.spec.initContainers ?? []),
    ...pod.spec.containers,
    ...(pod.spec.ephemeralContainers ?? []),
  ];
}

export function containerNamed(pod: Pod, name: string): AnyContainer | undefined {
  return allContainers(pod).find((container) => container.name === name);
}

/** The path of a container in its pod, as events name it. */
export function fieldPathOf(pod: Pod, name: string): string {
  const role = roleOf(pod, name);
  const list =
    role === 'app' || role === undefined
      ? 'containers'
      : role === 'ephemeral'
        ? 'ephemeralContainers'
        : 'initContainers';
  return `spec.${list}{${name}}`;
}

/** `name_namespace(uid)`, as upstream names a pod in messages. */
export function podText({ metadata }: Pod): string {
  return `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
}

/** Whether a container that ended with `exitCode` is started again, by its own rules before the pod's. */
export function mayRestart(pod: Pod, name: string, exitCode: number): boolean {
  const role = roleOf(pod, name);
  if (role === 'ephemeral' || role === undefined) {
    return false;
  }
  if (role === 'sidecar') {
    return true;
  }
  const container = containerNamed(pod, name);
  if (container?.restartPolicyRules?.some((rule) => ruleMatches(rule, exitCode)) === true) {
    return true;
  }
  const policy = container?.restartPolicy ?? pod.spec.restartPolicy ?? 'Always';
  if (policy === 'Always') {
    // A finished init container is done whatever the policy.
    return role === 'app' || exitCode !== 0;
  }
  return policy === 'OnFailure' && exitCode !== 0;
}

function ruleMatches({ action, exitCodes }: ContainerRestartRule, exitCode: number): boolean {
  if (action !== 'Restart' || exitCodes === undefined) {
    return false;
  }
  const isListed = exitCodes.values?.includes(exitCode) === true;
  return exitCodes.operator === 'In' ? isListed : !isListed;
}
