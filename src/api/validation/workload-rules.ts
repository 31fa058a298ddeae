import { jsonEqual } from '#base/json-equal.ts';
import { percentOf } from '../int-or-string.ts';
import { percentProblems } from '../names.ts';
import type { DaemonSet, Deployment, DeploymentSpec, ReplicaSet, StatefulSet } from '../types/apps.v1.ts';
import type { PodSpec, ReplicationController } from '../types/core.v1.ts';
import type { KindRules } from './kind-rules.ts';
import { checkOwnSelector } from './label-selector-rules.ts';
import { checkLabels } from './object-meta.ts';
import { checkPodTemplate } from './pod-spec-rules.ts';
import type { Problems } from './problems.ts';

export const DEPLOYMENT_RULES: KindRules<Deployment> = {
  check(problems, { spec }) {
    problems.nonNegative('spec.replicas', spec.replicas);
    checkOwnSelector(problems, spec.selector, spec.template.metadata.labels, 'deployment');
    checkPodTemplate(problems, 'spec.template', spec.template);
    checkForever(problems, spec.template.spec);
    checkStrategy(problems, spec.strategy ?? {});
    problems.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
    problems.nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit);
    checkProgress(problems, spec);
  },
  onUpdate(problems, next, previous) {
    problems.immutable('spec.selector', next.spec.selector, previous.spec.selector);
  },
};

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

function checkAtMostAll(problems: Problems, path: string, value: number | string): void {
  if (typeof value === 'string' && (percentOf(value) ?? 0) > 100) {
    problems.invalid(path, value, 'must not be greater than 100%');
  }
}

function isZero(value: number | string): boolean {
  return value === 0 || (typeof value === 'string' && percentOf(value) === 0);
}

/** Pods of a controller that replaces them run until they are deleted. */
function checkForever(problems: Problems, spec: PodSpec): void {
  const path = 'spec.template.spec';
  if (spec.restartPolicy !== undefined) {
    problems.oneOf(`${path}.restartPolicy`, spec.restartPolicy, ['Always']);
  }
  if (spec.activeDeadlineSeconds !== undefined) {
    problems.forbidden(
      `${path}.activeDeadlineSeconds`,
      'activeDeadlineSeconds in ReplicaSet is not Supported',
    );
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
    checkForever(problems, spec.template.spec);
  },
  onUpdate(problems, next, previous) {
    problems.immutable('spec.selector', next.spec.selector, previous.spec.selector);
  },
  onStatusUpdate(problems, { status }) {
    const fields = ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const;
    for (const field of fields) {
      problems.nonNegative(`status.${field}`, status[field]);
      if (field !== 'replicas' && (status[field] ?? 0) > status.replicas) {
        problems.invalid(`status.${field}`, status[field], 'cannot be greater than status.replicas');
      }
    }
    if ((status.availableReplicas ?? 0) > (status.readyReplicas ?? 0)) {
      problems.invalid(
        'status.availableReplicas',
        status.availableReplicas,
        'cannot be greater than readyReplicas',
      );
    }
  },
};

export const REPLICATION_CONTROLLER_RULES: KindRules<ReplicationController> = {
  check(problems, { spec }) {
    problems.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
    const selector = spec.selector ?? {};
    if (Object.keys(selector).length === 0) {
      problems.required('spec.selector');
    }
    checkLabels(problems, 'spec.selector', selector);
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
    checkForever(problems, spec.template.spec);
  },
};

export const DAEMON_SET_RULES: KindRules<DaemonSet> = {
  check(problems, { spec }) {
    checkOwnSelector(problems, spec.selector, spec.template.metadata.labels, 'daemonset');
    checkPodTemplate(problems, 'spec.template', spec.template);
    checkForever(problems, spec.template.spec);
    problems.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
    problems.nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit);
    checkDaemonUpdate(problems, spec.updateStrategy ?? {});
  },
  onUpdate(problems, next, previous) {
    problems.immutable('spec.selector', next.spec.selector, previous.spec.selector);
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
  checkAtMostAll(problems, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
  checkCount(problems, `${path}.rollingUpdate.maxSurge`, maxSurge);
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

const STATEFUL_UPDATABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;

export const STATEFUL_SET_RULES: KindRules<StatefulSet> = {
  check(problems, { spec }) {
    problems.requiredOneOf('spec.podManagementPolicy', spec.podManagementPolicy, [
      'OrderedReady',
      'Parallel',
    ]);
    const strategy = spec.updateStrategy ?? {};
    problems.requiredOneOf('spec.updateStrategy.type', strategy.type, ['RollingUpdate', 'OnDelete']);
    problems.nonNegative('spec.updateStrategy.rollingUpdate.partition', strategy.rollingUpdate?.partition);
    for (const field of ['whenDeleted', 'whenScaled'] as const) {
      const policy = spec.persistentVolumeClaimRetentionPolicy?.[field];
      if (policy !== undefined) {
        problems.oneOf(`spec.persistentVolumeClaimRetentionPolicy.${field}`, policy, ['Retain', 'Delete']);
      }
    }
    problems.nonNegative('spec.replicas', spec.replicas);
    problems.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
    problems.nonNegative('spec.ordinals.start', spec.ordinals?.start);
    checkOwnSelector(problems, spec.selector, spec.template.metadata.labels, 'statefulset');
    checkPodTemplate(problems, 'spec.template', spec.template);
    checkForever(problems, spec.template.spec);
  },
  onUpdate(problems, next, previous) {
    const fixed = ({ spec }: StatefulSet): object =>
      Object.fromEntries(
        Object.entries(spec).filter(([field]) => !(STATEFUL_UPDATABLE as readonly string[]).includes(field)),
      );
    if (!jsonEqual(fixed(next), fixed(previous))) {
      const list = STATEFUL_UPDATABLE.map((field) => `'${field}'`);
      problems.forbidden(
        'spec',
        `updates to statefulset spec for fields other than ${list.slice(0, -1).join(', ')} and ${list.at(-1)} are forbidden`,
      );
    }
  },
};
