import { jsonEqual } from '#base/json-equal.ts';
import { dns1035LabelProblems, dnsLabelProblems } from '../names.ts';
import type { ControllerRevision, StatefulSet, StatefulSetSpec } from '../types/apps.v1.ts';
import type { PodTemplateSpec } from '../types/core.v1.ts';
import type { KindRules } from './kind-rules.ts';
import { checkOwnSelector } from './label-selector-rules.ts';
import { checkPodTemplate } from './pod-spec-rules.ts';
import { Problems } from './problems.ts';
import {
  checkAtMostAll,
  checkAvailable,
  checkCollisions,
  checkCount,
  checkCounts,
  checkForever,
  checkWithinReplicas,
  isZero,
} from './workload-rules.ts';

const UPDATABLE: readonly string[] = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

export const STATEFUL_SET_RULES: KindRules<StatefulSet> = {
  nameRule: dnsLabelProblems,
  onCreate(problems, { spec }) {
    checkSpec(problems, spec);
    checkPodTemplate(problems, 'spec.template', withClaims(spec));
    checkForever(problems, spec.template.spec, 'StatefulSet');
    if ((spec.serviceName ?? '') !== '') {
      problems.names(
        'spec.serviceName',
        spec.serviceName ?? '',
        dns1035LabelProblems(spec.serviceName ?? ''),
      );
    }
  },
  onUpdate(problems, next, previous) {
    checkSpec(problems, next.spec);
    // A template that was always wrong does not stand in the way of other changes.
    const scratch = new Problems();
    checkPodTemplate(scratch, 'spec.template', withClaims(previous.spec));
    if (scratch.found.length === 0) {
      checkPodTemplate(problems, 'spec.template', withClaims(next.spec));
    }
    checkForever(problems, next.spec.template.spec, 'StatefulSet');
    const fixed = ({ spec }: StatefulSet): object =>
      Object.fromEntries(Object.entries(spec).filter(([field]) => !UPDATABLE.includes(field)));
    if (!jsonEqual(fixed(next), fixed(previous))) {
      const list = UPDATABLE.map((field) => `'${field}'`);
      problems.forbidden(
        'spec',
        `updates to statefulset spec for fields other than ${list.slice(0, -1).join(', ')} and ${list.at(-1)} are forbidden`,
      );
    }
  },
  onStatusUpdate(problems, { status }, previous) {
    checkCounts(problems, status, [
      'replicas',
      'readyReplicas',
      'currentReplicas',
      'updatedReplicas',
      'availableReplicas',
      'observedGeneration',
      'collisionCount',
    ]);
    checkWithinReplicas(problems, status, [
      'readyReplicas',
      'currentReplicas',
      'updatedReplicas',
      'availableReplicas',
    ]);
    checkAvailable(problems, status, 'status.readyReplicas');
    checkCollisions(problems, status, previous.status);
  },
};

function checkSpec(problems: Problems, spec: StatefulSetSpec): void {
  const { podManagementPolicy: management = '', persistentVolumeClaimRetentionPolicy: retention } = spec;
  if (management === '') {
    problems.required('spec.podManagementPolicy');
  } else if (management !== 'OrderedReady' && management !== 'Parallel') {
    problems.invalid('spec.podManagementPolicy', management, "must be 'OrderedReady' or 'Parallel'");
  }
  checkStrategy(problems, spec.updateStrategy ?? {});
  if (retention !== undefined) {
    for (const field of ['whenDeleted', 'whenScaled'] as const) {
      problems.oneOf(`spec.persistentVolumeClaimRetentionPolicy.${field}`, retention[field] ?? '', [
        'Retain',
        'Delete',
      ]);
    }
  }
  problems.nonNegative('spec.replicas', spec.replicas);
  problems.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  problems.nonNegative('spec.ordinals.start', spec.ordinals?.start);
  problems.nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit);
  checkOwnSelector(problems, spec.selector, spec.template.metadata.labels, 'statefulset');
}

function checkStrategy(problems: Problems, strategy: NonNullable<StatefulSetSpec['updateStrategy']>): void {
  const path = 'spec.updateStrategy';
  const { type = '', rollingUpdate } = strategy;
  if (type === '') {
    problems.required(path);
  } else if (type === 'OnDelete') {
    if (rollingUpdate !== undefined) {
      problems.invalid(
        `${path}.rollingUpdate`,
        rollingUpdate,
        "only allowed for updateStrategy 'RollingUpdate'",
      );
    }
  } else if (type !== 'RollingUpdate') {
    problems.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'");
  } else if (rollingUpdate !== undefined) {
    problems.nonNegative(`${path}.rollingUpdate.partition`, rollingUpdate.partition);
    const { maxUnavailable } = rollingUpdate;
    if (maxUnavailable !== undefined) {
      const at = `${path}.rollingUpdate.maxUnavailable`;
      checkCount(problems, at, maxUnavailable);
      if (isZero(maxUnavailable)) {
        problems.invalid(at, maxUnavailable, 'cannot be 0');
      }
      checkAtMostAll(problems, at, maxUnavailable);
    }
  }
}

export const CONTROLLER_REVISION_RULES: KindRules<ControllerRevision> = {
  check(problems, { data, revision }) {
    if (data === undefined || data === null) {
      problems.required('data', 'data is mandatory');
    }
    problems.nonNegative('revision', revision);
  },
  onUpdate(problems, next, previous) {
    problems.immutable('data', next.data, previous.data);
  },
};

/** The template as its pods will be: containers may mount the volumes of the claim templates. */
function withClaims({ template, volumeClaimTemplates = [] }: StatefulSet['spec']): PodTemplateSpec {
  if (volumeClaimTemplates.length === 0) {
    return template;
  }
  const names = new Set(volumeClaimTemplates.map(({ metadata }) => metadata.name));
  const volumes = [
    ...(template.spec.volumes ?? []).filter(({ name }) => !names.has(name)),
    ...[...names].map((name) => ({ name, persistentVolumeClaim: { claimName: name } })),
  ];
  return { ...template, spec: { ...template.spec, volumes } };
}
