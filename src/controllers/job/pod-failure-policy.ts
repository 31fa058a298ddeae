import type { Job, PodFailurePolicyRule } from '#api/types/batch.v1.ts';
import type { ContainerStatus, Pod } from '#api/types/core.v1.ts';

/** What the job's failure policy says about one failed pod. */
export type FailureVerdict =
  | { readonly action: 'count' }
  | { readonly action: 'ignore' }
  | { readonly action: 'failIndex' }
  | { readonly action: 'failJob'; readonly message: string };

const COUNT: FailureVerdict = { action: 'count' };

export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  for (const [index, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const what = matchOf(rule, pod);
    if (what !== undefined) {
      switch (rule.action) {
        case 'Ignore':
          return { action: 'ignore' };
        case 'FailJob':
          return { action: 'failJob', message: `${what} matching FailJob rule at index ${index}` };
        case 'FailIndex':
          return { action: 'failIndex' };
        case 'Count':
          return COUNT;
      }
    }
  }
  return COUNT;
}

/** How the pod matches the rule, as the start of a sentence; undefined when it does not. */
function matchOf({ onExitCodes, onPodConditions = [] }: PodFailurePolicyRule, pod: Pod): string | undefined {
  const { namespace, name } = pod.metadata;
  if (onExitCodes !== undefined) {
    const { containerName, operator, values } = onExitCodes;
    const statuses: readonly ContainerStatus[] = [
      ...(pod.status.containerStatuses ?? []),
      ...(pod.status.initContainerStatuses ?? []),
    ];
    for (const status of statuses.filter(
      (candidate) => (containerName ?? candidate.name) === candidate.name,
    )) {
      const exitCode = status.state.terminated?.exitCode ?? 0;
      if (exitCode !== 0 && values.includes(exitCode) === (operator === 'In')) {
        return `Container ${status.name} for pod ${namespace}/${name} failed with exit code ${exitCode}`;
      }
    }
    return undefined;
  }
  for (const pattern of onPodConditions) {
    if (
      pod.status.conditions?.some(
        ({ type, status }) => type === pattern.type && status === pattern.status,
      ) === true
    ) {
      return `Pod ${namespace}/${name} has condition ${pattern.type}`;
    }
  }
  return undefined;
}
