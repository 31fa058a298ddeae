import { percentOf } from '../int-or-string.ts';
import { percentProblems } from '../names.ts';
import type { DaemonSet, Deployment, DeploymentSpec, ReplicaSet } from '../types/apps.v1.ts';
import type { PodSpec, ReplicationController } from '../types/core.v1.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabelSelector, checkOwnSelector, isEmptySelector, isMismatch } from './label-selector-rules.ts';
import { checkPodTemplate } from './pod-spec-rules.ts';
import type { Problems } from './problems.ts';

export const DEPLOYMENT_RULES: KindRules<Deployment> = {
  check(problems, { spec }) {
    problems.nonNegative('spec.replicas', spec.replicas);
    checkOwnSelector(problems, spec.selector, spec.template.metadata.labels, 'deployment');
    checkPodTemplate(problems, 'spec.template', spec.template);
    checkForever(problems, spec.template.spec, 'ReplicaSet');
    checkStrategy(problems, spec.strategy ?? {});
    problems.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
    problems.nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit);
    checkProgress(problems, spec);
  },
  onUpdate(problems, next, previous) {
    problems.immutable('spec.selector', next.spec.selector, previous.spec.selector);
  },
  onStatusUpdate(problems, { status }, previous) {
    checkCounts(problems, status, [
      'observedGeneration',
      'replicas',
      'updatedReplicas',
      'readyReplicas',
      'availableReplicas',
      'unavailableReplicas',
      'collisionCount',
      'terminatingReplicas',
    ]);
    checkWithinReplicas(problems, status, ['updatedReplicas', 'readyReplicas', 'availableReplicas']);
    checkAvailable(problems, status, 'readyReplicas');
    checkCollisions(problems, status, previous.status);
  },
};

type Counts = Readonly<Record<string, unknown>>;

function countOf(status: object, field: string): number {
  const value = (status as Counts)[field];
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0;
}

/** Numbers in a status are not negative. */
export function checkCounts(problems: Problems, status: object, fields: readonly string[]): void {
  for (const field of fields) {
    problems.nonNegative(`status.${field}`, countOf(status, field));
  }
}

export function checkWithinReplicas(problems: Problems, status: object, fields: readonly string[]): void {
  for (const field of fields) {
    if (countOf(status, field) > countOf(status, 'replicas')) {
      problems.invalid(`status.${field}`, countOf(status, field), 'cannot be greater than status.replicas');
    }
  }
}

export function checkAvailable(problems: Problems, status: object, ready: string): void {
  const available = countOf(status, 'availableReplicas');
  if (available > countOf(status, 'readyReplicas')) {
    problems.invalid('status.availableReplicas', available, `cannot be greater than ${ready}`);
  }
}

export function checkCollisions(problems: Problems, next: object, previous: object): void {
  const count = countOf(next, 'collisionCount');
  if (count < countOf(previous, 'collisionCount')) {
    problems.invalid('status.collisionCount', count, 'cannot be decremented');
  }
}

function checkProgress(
  problems: Problems,
  { progressDeadlineSeconds, minReadySeconds = 0 }: DeploymentSpec,
): void {
  problems.nonNegative('spec.progressDeadlineSeconds', progressDeadlineSeconds);
  if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds) {
    problems.invalid(
      'spec.progressDeadlineSeconds',
      progressDeadlineSeconds,
      'must be greater than minReadySeconds',
    );
  }
}

function checkStrategy(
  problems: Problems,
  { type, rollingUpdate }: NonNullable<DeploymentSpec['strategy']>,
): void {
  const path = 'spec.strategy';
  if (type === 'Recreate') {
    if (rollingUpdate !== undefined) {
      problems.forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'");
    }
    return;
  }
  problems.oneOf(`${path}.type`, type ?? '', ['Recreate', 'RollingUpdate']);
  if (rollingUpdate === undefined) {
    problems.required(`${path}.rollingUpdate`, 'this should be defaulted and never be nil');
    return;
  }
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  checkCount(problems, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
  checkCount(problems, `${path}.rollingUpdate.maxSurge`, maxSurge);
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    problems.invalid(
      `${path}.rollingUpdate.maxUnavailable`,
      maxUnavailable,
      'may not be 0 when `maxSurge` is 0',
    );
  }
  checkAtMostAll(problems, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
}

/** A number that is not negative, or a percentage. */
export function checkCount(problems: Problems, path: string, value: number | string): void {
  if (typeof value === 'number') {
    problems.nonNegative(path, value);
  } else {
    problems.names(path, value, percentProblems(value));
  }
}

export function checkAtMostAll(problems: Problems, path: string, value: number | string): void {
  if (typeof value === 'string' && (percentOf(value) ?? 0) > 100) {
    problems.invalid(path, value, 'must not be greater than 100%');
  }
}

export function isZero(value: number | string): boolean {
  return value === 0 || (typeof value === 'string' && percentOf(value) === 0);
}

/** Pods of a controller that replaces them run until they are deleted. */
export function checkForever(problems: Problems, spec: PodSpec, kind: string): void {
  const path = 'spec.template.spec';
  if (spec.restartPolicy !== undefined) {
    problems.oneOf(`${path}.restartPolicy`, spec.restartPolicy, ['Always']);
  }
  if (spec.activeDeadlineSeconds !== undefined) {
    problems.forbidden(`${path}.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`);
  }
}

export const REPLICA_SET_RULES: KindRules<ReplicaSet> = {
  check(problems, { spec }) {
    problems.nonNegative('spec.replicas', spec.replicas);
    problems.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
    if (spec.template === undefined) {
      problems.required('spec.template');
      return;
    }
    checkOwnSelector(problems, spec.selector, spec.template.metadata.labels, 'deployment');
    checkPodTemplate(problems, 'spec.template', spec.template);
    checkForever(problems, spec.template.spec, 'ReplicaSet');
  },
  onUpdate(problems, next, previous) {
    problems.immutable('spec.selector', next.spec.selector, previous.spec.selector);
  },
  onStatusUpdate: (problems, { status }) => checkReplicas(problems, status),
};

function checkReplicas(problems: Problems, status: object): void {
  checkCounts(problems, status, [
    'replicas',
    'fullyLabeledReplicas',
    'readyReplicas',
    'availableReplicas',
    'observedGeneration',
    'terminatingReplicas',
  ]);
  checkWithinReplicas(problems, status, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas']);
  checkAvailable(problems, status, 'readyReplicas');
}

export const REPLICATION_CONTROLLER_RULES: KindRules<ReplicationController> = {
  check(problems, { spec }) {
    problems.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
    const selector = spec.selector ?? {};
    if (Object.keys(selector).length === 0) {
      problems.required('spec.selector');
    }
    problems.nonNegative('spec.replicas', spec.replicas);
    if (spec.template === undefined) {
      problems.required('spec.template');
      return;
    }
    const { labels } = spec.template.metadata;
    if (!Object.entries(selector).every(([key, value]) => labels?.[key] === value)) {
      problems.invalid(
        'spec.template.metadata.labels',
        labels,
        '`selector` does not match template `labels`',
      );
    }
    checkPodTemplate(problems, 'spec.template', spec.template);
    checkForever(problems, spec.template.spec, 'ReplicationController');
  },
  onStatusUpdate: (problems, { status }) => checkReplicas(problems, status),
};

export const DAEMON_SET_RULES: KindRules<DaemonSet> = {
  check(problems, { spec }) {
    checkLabelSelector(problems, 'spec.selector', spec.selector);
    const { labels } = spec.template.metadata;
    if (isMismatch(spec.selector, labels)) {
      problems.invalid(
        'spec.template.metadata.labels',
        labels,
        '`selector` does not match template `labels`',
      );
    }
    if (spec.selector !== undefined && isEmptySelector(spec.selector)) {
      problems.invalid('spec.selector', spec.selector, 'empty selector is invalid for daemonset');
    }
    checkPodTemplate(problems, 'spec.template', spec.template);
    checkForever(problems, spec.template.spec, 'DaemonSet');
    problems.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
    checkDaemonUpdate(problems, spec.updateStrategy ?? {});
    problems.nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit);
  },
  onUpdate(problems, next, previous) {
    problems.immutable('spec.selector', next.spec.selector, previous.spec.selector);
  },
  onStatusUpdate(problems, { status }, previous) {
    checkCounts(problems, status, [
      'currentNumberScheduled',
      'numberMisscheduled',
      'desiredNumberScheduled',
      'numberReady',
      'observedGeneration',
      'updatedNumberScheduled',
      'numberAvailable',
      'numberUnavailable',
      'collisionCount',
    ]);
    checkCollisions(problems, status, previous.status);
  },
};

function checkDaemonUpdate(
  problems: Problems,
  strategy: NonNullable<DaemonSet['spec']['updateStrategy']>,
): void {
  const path = 'spec.updateStrategy';
  if (strategy.type === 'OnDelete') {
    return;
  }
  problems.oneOf(`${path}.type`, strategy.type ?? '', ['RollingUpdate', 'OnDelete']);
  if (strategy.rollingUpdate === undefined) {
    problems.required(`${path}.rollingUpdate`);
    return;
  }
  const { maxUnavailable = 0, maxSurge = 0 } = strategy.rollingUpdate;
  checkCount(problems, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
  checkCount(problems, `${path}.rollingUpdate.maxSurge`, maxSurge);
  checkAtMostAll(problems, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
  checkAtMostAll(problems, `${path}.rollingUpdate.maxSurge`, maxSurge);
  if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
    problems.invalid(
      `${path}.rollingUpdate.maxSurge`,
      maxSurge,
      'may not be set when maxUnavailable is non-zero',
    );
  }
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    problems.required(`${path}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0');
  }
}
