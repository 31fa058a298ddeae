import type { DeepPartial, NewObject } from '#api/object.ts';
import type { Job } from '#api/types/batch.v1.ts';
import type { Container, Pod } from '#api/types/core.v1.ts';
import { podFromTemplate } from '../pods/pod-writer.ts';

/** Keeps a finished pod until its job has counted it. */
export const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking';
/** Says on a pod how often pods of its index failed before it. */
export const INDEX_FAILURE_COUNT = 'batch.kubernetes.io/job-index-failure-count';
export const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';

export function isIndexed({ spec }: Job): boolean {
  return spec.completionMode === 'Indexed';
}

export function isTracked({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(TRACKING_FINALIZER) === true;
}

/** The pod's index in an indexed job; undefined for one without a valid index. */
export function completionIndexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[COMPLETION_INDEX];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

export function hasSucceeded({ status }: Pod): boolean {
  return status.phase === 'Succeeded';
}

/** Failed, or on its way out without having succeeded, unless the job wants to wait how that ends. */
export function hasFailed(job: Job, { status, metadata }: Pod): boolean {
  if (status.phase === 'Failed') {
    return true;
  }
  return (
    job.spec.podReplacementPolicy !== 'Failed' &&
    metadata.deletionTimestamp !== undefined &&
    status.phase !== 'Succeeded'
  );
}

/** A new pod of the job, with its index where the job has indexes. */
export function jobPod(job: Job, index: number | undefined, failureCount = 0): NewObject<Pod> {
  const pod = podFromTemplate(job, job.spec.template);
  const finalizers = [...(job.spec.template.metadata.finalizers ?? []), TRACKING_FINALIZER];
  if (index === undefined) {
    return { ...pod, metadata: { ...pod.metadata, finalizers } };
  }
  const marked = { [COMPLETION_INDEX]: String(index) };
  const isLimited = job.spec.backoffLimitPerIndex !== undefined;
  const failures = isLimited ? { [INDEX_FAILURE_COUNT]: String(failureCount) } : {};
  const { template } = job.spec;
  const { name } = job.metadata;
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      generateName: `${name}-${index}-`,
      finalizers,
      labels: { ...template.metadata.labels, ...marked },
      annotations: { ...template.metadata.annotations, ...marked, ...failures },
    },
    spec: {
      ...template.spec,
      hostname: `${name}-${index}`,
      containers: template.spec.containers.map(withIndex),
      ...(template.spec.initContainers === undefined
        ? {}
        : { initContainers: template.spec.initContainers.map(withIndex) }),
    },
  };
}

function withIndex(container: Container): DeepPartial<Container> {
  const { env = [] } = container;
  if (env.some(({ name }) => name === 'JOB_COMPLETION_INDEX')) {
    return container;
  }
  const fieldRef = { fieldPath: `metadata.labels['${COMPLETION_INDEX}']` };
  return { ...container, env: [...env, { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef } }] };
}
