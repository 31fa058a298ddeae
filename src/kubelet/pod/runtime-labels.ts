import { createHash } from 'node:crypto';
import type { Pod } from '#api/types/core.v1.ts';
import type { Labels } from '#runtime/cri.ts';
import type { AnyContainer } from './pod-containers.ts';

/**
 * What the kubelet writes on sandboxes and containers. After a restart this is all it knows of what runs,
 * and other tools (`crictl`, log shippers) read it too, so the names are upstream's.
 */
export const POD_NAME_LABEL = 'io.kubernetes.pod.name';
export const POD_NAMESPACE_LABEL = 'io.kubernetes.pod.namespace';
export const POD_UID_LABEL = 'io.kubernetes.pod.uid';
export const CONTAINER_NAME_LABEL = 'io.kubernetes.container.name';

const HASH_ANNOTATION = 'io.kubernetes.container.hash';
const RESTART_COUNT_ANNOTATION = 'io.kubernetes.container.restartCount';
const MESSAGE_PATH_ANNOTATION = 'io.kubernetes.container.terminationMessagePath';
const MESSAGE_POLICY_ANNOTATION = 'io.kubernetes.container.terminationMessagePolicy';
const GRACE_PERIOD_ANNOTATION = 'io.kubernetes.pod.terminationGracePeriod';

export function sandboxLabels({ metadata }: Pod): Labels {
  return {
    ...metadata.labels,
    [POD_NAME_LABEL]: metadata.name,
    [POD_NAMESPACE_LABEL]: metadata.namespace,
    [POD_UID_LABEL]: metadata.uid,
  };
}

export function containerLabels({ metadata }: Pod, containerName: string): Labels {
  return {
    [POD_NAME_LABEL]: metadata.name,
    [POD_NAMESPACE_LABEL]: metadata.namespace,
    [POD_UID_LABEL]: metadata.uid,
    [CONTAINER_NAME_LABEL]: containerName,
  };
}

export function containerAnnotations(pod: Pod, container: AnyContainer, restartCount: number): Labels {
  return {
    [HASH_ANNOTATION]: containerHash(container),
    [RESTART_COUNT_ANNOTATION]: String(restartCount),
    [MESSAGE_PATH_ANNOTATION]: container.terminationMessagePath ?? '/dev/termination-log',
    [MESSAGE_POLICY_ANNOTATION]: container.terminationMessagePolicy ?? 'File',
    [GRACE_PERIOD_ANNOTATION]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
  };
}

/** Changes exactly when a change of the spec requires a new container: the image is the one mutable part. */
export function containerHash({ name, image }: AnyContainer): string {
  return createHash('sha256').update(JSON.stringify({ name, image })).digest('hex').slice(0, 8);
}

/** What a container's annotations say; also of one whose pod is long gone. */
export interface ContainerNotes {
  readonly name: string;
  readonly hash: string;
  readonly restartCount: number;
  readonly messagePath: string;
  readonly messagePolicy: string;
  readonly gracePeriodSeconds: number;
}

export function containerNotes(labels: Labels, annotations: Labels): ContainerNotes {
  return {
    name: labels[CONTAINER_NAME_LABEL] ?? '',
    hash: annotations[HASH_ANNOTATION] ?? '',
    restartCount: Number(annotations[RESTART_COUNT_ANNOTATION] ?? 0),
    messagePath: annotations[MESSAGE_PATH_ANNOTATION] ?? '',
    messagePolicy: annotations[MESSAGE_POLICY_ANNOTATION] ?? 'File',
    gracePeriodSeconds: Number(annotations[GRACE_PERIOD_ANNOTATION] ?? 30),
  };
}
