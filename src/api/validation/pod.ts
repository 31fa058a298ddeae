import { jsonEqual } from '#base/json-equal.ts';
import { rangeText } from '../names.ts';
import type { Container, NodeSelectorTerm, Pod, PodSpec, Toleration } from '../types/core.v1.ts';
import { checkTolerations } from './affinity-rules.ts';
import { checkImageSpaces } from './container-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkPodAnnotationUpdate, checkPodAnnotations, checkProfileAnnotations } from './pod-annotations.ts';
import { checkPodSpec } from './pod-spec-rules.ts';
import { checkPodStatus } from './pod-status-rules.ts';
import type { Problems } from './problems.ts';

const INT32_MAX = 2 ** 31 - 1;
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const UPDATABLE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
];

/**
 * Specs found without a fault, with the name of their pod. An update that leaves the spec as it is, as most do, has
 * nothing to look for there.
 */
const soundSpecs = new WeakMap<PodSpec, string>();

export const POD_RULES: KindRules<Pod> = {
  check: checkPod,
  onCreate(problems, { metadata, spec }) {
    if ((spec.ephemeralContainers ?? []).length > 0) {
      problems.forbidden('spec.ephemeralContainers', 'cannot be set on create');
    }
    if ((spec.nodeName ?? '') !== '' && (spec.schedulingGates ?? []).length > 0) {
      problems.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared');
    }
    checkProfileAnnotations(problems, 'spec', metadata.annotations, spec);
  },
  onUpdate(problems, next, previous) {
    checkPodAnnotationUpdate(problems, next, previous);
    if (next.spec !== previous.spec) {
      checkUpdate(problems, next.spec, previous.spec);
    }
  },
  onStatusUpdate: checkPodStatus,
};

/** What holds for every pod, through whichever endpoint it is written. */
export function checkPod(problems: Problems, { metadata, spec }: Pod): void {
  checkPodAnnotations(problems, 'metadata.annotations', metadata.annotations, spec);
  if (soundSpecs.get(spec) === metadata.name) {
    return;
  }
  const others = problems.found.length;
  checkSpec(problems, metadata.name, spec);
  if (problems.found.length === others) {
    soundSpecs.set(spec, metadata.name);
  }
}

function checkSpec(problems: Problems, podName: string, spec: PodSpec): void {
  checkPodSpec(problems, 'spec', spec, { podName });
  if ((spec.serviceAccountName ?? '') === '' && spec.volumes !== undefined) {
    checkNoTokens(problems, spec.volumes);
  }
  for (const field of ['containers', 'initContainers'] as const) {
    const containers = spec[field];
    if (containers !== undefined) {
      for (const [index, { image }] of containers.entries()) {
        checkImageSpaces(problems, `spec.${field}[${index}]`, image);
      }
    }
  }
}

function checkNoTokens(problems: Problems, volumes: NonNullable<PodSpec['volumes']>): void {
  for (const [index, { projected }] of volumes.entries()) {
    for (const [place, { serviceAccountToken }] of (projected?.sources ?? []).entries()) {
      if (serviceAccountToken !== undefined) {
        problems.forbidden(
          `spec.volumes[${index}].projected.sources[${place}].serviceAccountToken`,
          'must not be specified when serviceAccountName is not set',
        );
      }
    }
  }
}

function checkUpdate(problems: Problems, next: PodSpec, previous: PodSpec): void {
  for (const field of ['containers', 'initContainers'] as const) {
    if (!checkContainerUpdates(problems, `spec.${field}`, next[field] ?? [], previous[field] ?? [])) {
      return;
    }
  }
  if (!checkDeadline(problems, next.activeDeadlineSeconds, previous.activeDeadlineSeconds)) {
    return;
  }
  checkAddedTolerations(problems, next.tolerations ?? [], previous.tolerations ?? []);
  checkRemovedGates(problems, next, previous);
  if (jsonEqual(next, previous)) {
    return;
  }
  const restored = withoutUpdatable(problems, next, previous);
  const fields = Object.keys({ ...restored, ...previous });
  const changed = fields.filter((field) => !jsonEqual(restored[field], Reflect.get(previous, field)));
  if (changed.length > 0) {
    const list = changed.map((field) => `spec.${field}`).join(', ');
    problems.forbidden(
      'spec',
      `pod updates may not change fields other than ${UPDATABLE.join(',')}\nchanged: ${list}`,
    );
  }
}

/** Returns false when containers came or went, and the rest cannot be compared. */
function checkContainerUpdates(
  problems: Problems,
  path: string,
  next: readonly Container[],
  previous: readonly Container[],
): boolean {
  if (next.length !== previous.length) {
    problems.forbidden(path, 'pod updates may not add or remove containers');
    return false;
  }
  for (const [index, { image }] of next.entries()) {
    problems.requiredText(`${path}[${index}].image`, image);
    checkImageSpaces(problems, `${path}[${index}]`, image);
  }
  return true;
}

/** Returns false when the change makes no sense and nothing else is worth saying. */
function checkDeadline(problems: Problems, next: number | undefined, previous: number | undefined): boolean {
  const path = 'spec.activeDeadlineSeconds';
  if (next === undefined) {
    if (previous !== undefined) {
      problems.invalid(path, 'null', 'must not update from a positive integer to nil value');
    }
    return true;
  }
  if (next < 0 || next > INT32_MAX) {
    problems.invalid(path, next, rangeText(0, INT32_MAX));
    return false;
  }
  if (previous !== undefined && previous < next) {
    problems.invalid(path, next, 'must be less than or equal to previous value');
    return false;
  }
  return true;
}

function checkAddedTolerations(
  problems: Problems,
  next: readonly Toleration[],
  previous: readonly Toleration[],
): void {
  const withoutSeconds = ({ tolerationSeconds: _free, ...rest }: Toleration): object => rest;
  const isKept = (old: Toleration): boolean =>
    next.some((each) => jsonEqual(withoutSeconds(each), withoutSeconds(old)));
  if (!previous.every(isKept)) {
    problems.forbidden(
      'spec.tolerations',
      'existing toleration can not be modified except its tolerationSeconds',
    );
    return;
  }
  checkTolerations(problems, 'spec.tolerations', next);
}

function checkRemovedGates(problems: Problems, next: PodSpec, previous: PodSpec): void {
  const gates = new Set((previous.schedulingGates ?? []).map(({ name }) => name));
  for (const [index, { name }] of (next.schedulingGates ?? []).entries()) {
    if (!gates.has(name)) {
      problems.forbidden(
        `spec.schedulingGates[${index}].name`,
        `only deletion is allowed, but found new scheduling gate '${name}'`,
      );
    }
  }
}

/** `next` with everything that may change put back to what it was. */
function withoutUpdatable(problems: Problems, next: PodSpec, previous: PodSpec): Record<string, unknown> {
  const isGated = (previous.schedulingGates ?? []).length > 0;
  const isGraceFixed =
    (previous.terminationGracePeriodSeconds ?? 0) < 0 && next.terminationGracePeriodSeconds === 1;
  return {
    ...next,
    containers: withImagesOf(next.containers, previous.containers),
    initContainers: withImagesOf(next.initContainers, previous.initContainers),
    activeDeadlineSeconds: previous.activeDeadlineSeconds,
    schedulingGates: previous.schedulingGates,
    tolerations: previous.tolerations,
    ...(isGraceFixed ? { terminationGracePeriodSeconds: previous.terminationGracePeriodSeconds } : {}),
    ...(isGated ? gatedFields(problems, next, previous) : {}),
  };
}

/** Until its gates are gone a pod may be told more narrowly where to go. */
function gatedFields(problems: Problems, next: PodSpec, previous: PodSpec): object {
  const isWidened = Object.entries(previous.nodeSelector ?? {}).some(
    ([key, value]) => next.nodeSelector?.[key] !== value,
  );
  if (isWidened) {
    problems.invalid(
      'spec.nodeSelector',
      next.nodeSelector,
      'only additions to spec.nodeSelector are allowed (no mutations or deletions)',
    );
  }
  const after = next.affinity?.nodeAffinity;
  const before = previous.affinity?.nodeAffinity;
  if (jsonEqual(after, before)) {
    return { nodeSelector: previous.nodeSelector };
  }
  checkNarrowedTerms(
    problems,
    after?.[REQUIRED]?.nodeSelectorTerms ?? [],
    before?.[REQUIRED]?.nodeSelectorTerms ?? [],
  );
  const { nodeAffinity: _free, ...others } = next.affinity ?? {};
  const restored = { ...others, ...(before === undefined ? {} : { nodeAffinity: before }) };
  const isNothing = Object.keys(restored).length === 0 && previous.affinity === undefined;
  return { nodeSelector: previous.nodeSelector, affinity: isNothing ? undefined : restored };
}

function checkNarrowedTerms(
  problems: Problems,
  next: readonly NodeSelectorTerm[],
  previous: readonly NodeSelectorTerm[],
): void {
  const path = `spec.affinity.nodeAffinity.${REQUIRED}.nodeSelectorTerms`;
  if (previous.length > 0 && next.length !== previous.length) {
    problems.invalid(path, next, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed');
    return;
  }
  for (const [index, old] of previous.entries()) {
    const term = next[index] ?? {};
    const hadNothing = (old.matchExpressions ?? []).length + (old.matchFields ?? []).length === 0;
    const hasSomething = (term.matchExpressions ?? []).length + (term.matchFields ?? []).length > 0;
    const isKept =
      isPrefix(old.matchExpressions, term.matchExpressions) && isPrefix(old.matchFields, term.matchFields);
    if ((hadNothing && hasSomething) || !isKept) {
      problems.invalid(`${path}[${index}]`, term, 'only additions are allowed (no mutations or deletions)');
    }
  }
}

function isPrefix(old: readonly unknown[] = [], next: readonly unknown[] = []): boolean {
  return old.every((each, index) => jsonEqual(each, next[index]));
}

function withImagesOf(
  next: readonly Container[] | undefined,
  previous: readonly Container[] | undefined,
): readonly object[] | undefined {
  return next?.map((container, index) => ({ ...container, image: previous?.[index]?.image }));
}
