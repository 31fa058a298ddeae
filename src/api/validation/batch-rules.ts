import { jsonEqual } from '#base/json-equal.ts';
import { dnsLabelProblems } from '../names.ts';
import type { Job, JobSpec } from '../types/batch.v1.ts';
import type { Container, PodSpec, PodTemplateSpec } from '../types/core.v1.ts';
import { checkDomainPath } from './domain-path-rules.ts';
import { checkFailurePolicy, checkSuccessPolicy } from './job-policy-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkJobStatus } from './job-status-rules.ts';
import { checkLabelSelector, isMismatch } from './label-selector-rules.ts';
import { checkPodTemplate } from './pod-spec-rules.ts';
import type { Problems } from './problems.ts';

const INDEXED_MAX = 100_000;
/** What may run or fail at once of a Job with more than that. */
const MANY_MAX = 10_000;
const MANAGED_BY_MAX = 63;

export const JOB_RULES: KindRules<Job> = {
  onCreate(problems, job) {
    const { metadata, spec } = job;
    checkGeneratedSelector(problems, job);
    checkSpec(problems, spec);
    if (spec.completionMode === 'Indexed' && (spec.completions ?? 0) > 0) {
      const podName = `${metadata.name}-${(spec.completions ?? 0) - 1}`;
      if (dnsLabelProblems(podName).length > 0) {
        problems.invalid(
          'metadata.name',
          metadata.name,
          `will not able to create pod with invalid DNS label: ${podName}`,
        );
      }
    }
  },
  onUpdate(problems, next, previous) {
    const [after, before] = [next.spec, previous.spec];
    checkSpec(problems, after);
    if (after.completionMode !== 'Indexed') {
      problems.immutable('spec.completions', after.completions, before.completions);
    } else if (
      after.completions !== undefined &&
      after.completions !== before.completions &&
      after.completions !== after.parallelism
    ) {
      problems.invalid(
        'spec.completions',
        after.completions,
        'can only be modified in tandem with spec.parallelism',
      );
    }
    problems.immutable('spec.selector', after.selector, before.selector);
    checkTemplateUpdate(problems, next, previous);
    for (const field of FIXED) {
      problems.immutable(`spec.${field}`, after[field], before[field]);
    }
  },
  onStatusUpdate: checkJobStatus,
};

const FIXED = [
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
] as const;

const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';
const JOB_NAME = 'batch.kubernetes.io/job-name';

/** Without a selector of its author's a Job has the one that the server makes, and labels that it chooses. */
function checkGeneratedSelector(problems: Problems, { metadata, spec }: Job): void {
  if (spec.manualSelector === true || spec.selector === undefined) {
    return;
  }
  const { uid, name } = metadata;
  if (uid === '') {
    problems.required('metadata.uid');
  }
  const expected = {
    'controller-uid': uid,
    'job-name': name,
    [CONTROLLER_UID]: uid,
    [JOB_NAME]: name,
  };
  const { labels } = spec.template.metadata;
  for (const [key, value] of Object.entries(expected)) {
    const path = `spec.template.metadata.labels[${key}]`;
    if (labels?.[key] === undefined) {
      problems.required(path, `must be '${value}'`);
    } else if (labels[key] !== value) {
      problems.invalid(path, labels, `must be '${value}'`);
    }
  }
  if (isMismatch(spec.selector, expected)) {
    problems.invalid('spec.selector', spec.selector, '`selector` not auto-generated');
  }
}

function checkSpec(problems: Problems, spec: JobSpec): void {
  checkJobSpec(problems, 'spec', spec);
  if (spec.selector === undefined) {
    problems.required('spec.selector');
    return;
  }
  checkLabelSelector(problems, 'spec.selector', spec.selector);
  const { labels } = spec.template.metadata;
  if (isMismatch(spec.selector, labels)) {
    problems.invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`');
  }
}

/** A Job that waits and has never run may be told anew where its pods go. */
function checkTemplateUpdate(problems: Problems, next: Job, previous: Job): void {
  const [after, before] = [next.spec.template, previous.spec.template];
  const isFree = previous.spec.suspend === true && previous.status.startTime === undefined;
  if (!isFree) {
    problems.immutable('spec.template', after, before);
    return;
  }
  const fixed = ({ metadata, spec }: PodTemplateSpec): object => {
    const { labels: _labels, annotations: _annotations, ...meta } = metadata;
    const {
      nodeSelector: _nodes,
      tolerations: _tolerations,
      schedulingGates: _gates,
      affinity,
      ...rest
    } = spec;
    const { nodeAffinity: _narrowed, ...others } = affinity ?? {};
    return { meta, rest: withoutAmounts(rest), affinity: others };
  };
  if (!jsonEqual(fixed(after), fixed(before))) {
    problems.invalid('spec.template', after, 'field is immutable');
  }
}

/** Resources of a Job that waits may change too. */
function withoutAmounts(spec: Omit<PodSpec, 'affinity'>): object {
  const bare = ({ resources: _free, ...container }: Container): object => container;
  return {
    ...spec,
    containers: spec.containers.map(bare),
    initContainers: spec.initContainers?.map(bare),
  };
}

export function checkJobSpec(problems: Problems, path: string, spec: JobSpec): void {
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const) {
    problems.nonNegative(`${path}.${field}`, spec[field]);
  }
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    problems.required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified');
  }
  if (spec.managedBy !== undefined) {
    checkDomainPath(problems, `${path}.managedBy`, spec.managedBy);
    if (spec.managedBy.length > MANAGED_BY_MAX) {
      problems.tooLong(`${path}.managedBy`, MANAGED_BY_MAX);
    }
  }
  checkIndexing(problems, path, spec);
  if (spec.podFailurePolicy !== undefined) {
    checkFailurePolicy(problems, `${path}.podFailurePolicy`, spec);
  }
  if (spec.successPolicy !== undefined) {
    checkSuccessPolicy(problems, `${path}.successPolicy`, spec);
  }
  if (spec.podReplacementPolicy !== undefined) {
    problems.oneOf(
      `${path}.podReplacementPolicy`,
      spec.podReplacementPolicy,
      spec.podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed'],
    );
  }
  checkPodTemplate(problems, `${path}.template`, spec.template);
  checkRestartPolicy(problems, `${path}.template.spec.restartPolicy`, spec);
}

function checkRestartPolicy(problems: Problems, path: string, spec: JobSpec): void {
  const { restartPolicy } = spec.template.spec;
  if (restartPolicy === undefined || restartPolicy === 'Always') {
    problems.required(path, 'valid values: "OnFailure", "Never"');
  } else if (restartPolicy !== 'OnFailure' && restartPolicy !== 'Never') {
    problems.oneOf(path, restartPolicy, ['OnFailure', 'Never']);
  } else if (spec.podFailurePolicy !== undefined && restartPolicy !== 'Never') {
    problems.invalid(path, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified');
  }
}

function checkIndexing(problems: Problems, path: string, spec: JobSpec): void {
  const { completionMode = 'NonIndexed', completions, parallelism, maxFailedIndexes: failedMax } = spec;
  if (completionMode === 'NonIndexed') {
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      if (spec[field] !== undefined) {
        problems.invalid(`${path}.${field}`, spec[field], 'requires indexed completion mode');
      }
    }
    return;
  }
  problems.oneOf(`${path}.completionMode`, completionMode, ['NonIndexed', 'Indexed']);
  if (completionMode !== 'Indexed') {
    return;
  }
  if (completions === undefined) {
    problems.required(`${path}.completions`, 'when completion mode is Indexed');
  }
  const tooMany = (field: string, value: number | undefined, max: number, when: string): void => {
    if (value !== undefined && value > max) {
      problems.invalid(`${path}.${field}`, value, `must be less than or equal to ${max}${when}`);
    }
  };
  tooMany('parallelism', parallelism, INDEXED_MAX, ' when completion mode is Indexed');
  if (completions !== undefined && failedMax !== undefined && failedMax > completions) {
    problems.invalid(`${path}.maxFailedIndexes`, failedMax, 'must be less than or equal to completions');
  }
  tooMany('maxFailedIndexes', failedMax, INDEXED_MAX, '');
  if ((completions ?? 0) > INDEXED_MAX && spec.backoffLimitPerIndex !== undefined) {
    if (failedMax === undefined) {
      problems.required(
        `${path}.maxFailedIndexes`,
        `must be specified when completions is above ${INDEXED_MAX}`,
      );
    }
    const when = ` when completions are above ${INDEXED_MAX} and used with backoff limit per index`;
    tooMany('parallelism', parallelism, MANY_MAX, when);
    tooMany('maxFailedIndexes', failedMax, MANY_MAX, when);
  }
}
