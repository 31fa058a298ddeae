import { jsonEqual } from '#base/json-equal.ts';
import { dnsSubdomainProblems, qualifiedNameProblems, rangeText } from '../names.ts';
import type { Container, ContainerStatus, Pod, PodSpec, Toleration } from '../types/core.v1.ts';
import { checkTolerations } from './affinity-rules.ts';
import { checkIp } from './ip-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkPodSpec } from './pod-spec-rules.ts';
import type { Problems } from './problems.ts';

const INT32_MAX = 2 ** 31 - 1;
const UPDATABLE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
];

/** Specs found without a fault. An update that leaves the spec as it is, as most do, has nothing to look for there. */
const soundSpecs = new WeakSet<PodSpec>();

export const POD_RULES: KindRules<Pod> = {
  check(problems, pod) {
    if (soundSpecs.has(pod.spec)) {
      return;
    }
    const others = problems.found.length;
    checkPodSpec(problems, 'spec', pod.spec, { isPod: true });
    checkImages(problems, 'spec.containers', pod.spec.containers);
    checkImages(problems, 'spec.initContainers', pod.spec.initContainers);
    if (problems.found.length === others) {
      soundSpecs.add(pod.spec);
    }
  },
  onCreate(problems, { spec }) {
    if ((spec.ephemeralContainers ?? []).length > 0) {
      problems.forbidden('spec.ephemeralContainers', 'cannot be set on create');
    }
    if (spec.nodeName !== undefined && (spec.schedulingGates ?? []).length > 0) {
      problems.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared');
    }
  },
  onUpdate(problems, next, previous) {
    if (next.spec !== previous.spec) {
      checkUpdate(problems, next.spec, previous.spec);
    }
  },
  onStatusUpdate: checkStatus,
};

function checkImages(problems: Problems, path: string, containers: readonly Container[] | undefined): void {
  for (const [index, { image = '' }] of (containers ?? []).entries()) {
    if (image.trim() !== image) {
      problems.invalid(`${path}[${index}].image`, image, 'must not have leading or trailing whitespace');
    }
  }
}

function checkUpdate(problems: Problems, next: PodSpec, previous: PodSpec): void {
  for (const field of ['containers', 'initContainers'] as const) {
    if ((next[field] ?? []).length !== (previous[field] ?? []).length) {
      problems.forbidden(`spec.${field}`, 'pod updates may not add or remove containers');
      return;
    }
  }
  if (!checkDeadline(problems, next.activeDeadlineSeconds, previous.activeDeadlineSeconds)) {
    return;
  }
  checkAddedTolerations(problems, next.tolerations ?? [], previous.tolerations ?? []);
  const gates = new Set((previous.schedulingGates ?? []).map(({ name }) => name));
  for (const [index, { name }] of (next.schedulingGates ?? []).entries()) {
    if (!gates.has(name)) {
      problems.forbidden(
        `spec.schedulingGates[${index}].name`,
        `only deletion is allowed, but found new scheduling gate '${name}'`,
      );
    }
  }
  const restored = withoutUpdatable(next, previous);
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

/** Returns false when the change makes no sense and nothing else is worth saying. */
function checkDeadline(problems: Problems, next: number | undefined, previous: number | undefined): boolean {
  const path = 'spec.activeDeadlineSeconds';
  if (next === undefined) {
    if (previous !== undefined) {
      problems.invalid(path, next, 'must not update from a positive integer to nil value');
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

/** `next` with everything that may change put back to what it was. */
function withoutUpdatable(next: PodSpec, previous: PodSpec): Record<string, unknown> {
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
    ...(isGated ? gatedFields(next, previous) : {}),
  };
}

/** Until its gates are gone a pod may be told more narrowly where to go. */
function gatedFields(next: PodSpec, previous: PodSpec): object {
  const isNarrowed = Object.entries(previous.nodeSelector ?? {}).every(
    ([key, value]) => next.nodeSelector?.[key] === value,
  );
  return {
    ...(isNarrowed ? { nodeSelector: previous.nodeSelector } : {}),
    ...(previous.affinity?.nodeAffinity === undefined && next.affinity !== undefined
      ? { affinity: withoutNodeAffinity(next.affinity, previous.affinity) }
      : {}),
  };
}

function withoutNodeAffinity(next: NonNullable<PodSpec['affinity']>, previous: PodSpec['affinity']): unknown {
  const { nodeAffinity: _free, ...rest } = next;
  return Object.keys(rest).length === 0 ? previous : rest;
}

function withImagesOf(
  next: readonly Container[] | undefined,
  previous: readonly Container[] | undefined,
): readonly object[] | undefined {
  return next?.map((container, index) => ({ ...container, image: previous?.[index]?.image }));
}

function checkStatus(problems: Problems, next: Pod, previous: Pod): void {
  for (const [index, { type }] of (next.status.conditions ?? []).entries()) {
    problems.names(`metadata.conditions[${index}].Type`, type, qualifiedNameProblems(type));
  }
  const { nominatedNodeName = '' } = next.status;
  if (nominatedNodeName !== '' && nominatedNodeName !== previous.status.nominatedNodeName) {
    problems.names('status.nominatedNodeName', nominatedNodeName, dnsSubdomainProblems(nominatedNodeName));
  }
  if (previous.status.qosClass !== undefined) {
    problems.immutable('status.qosClass', next.status.qosClass, previous.status.qosClass);
  }
  const { restartPolicy } = previous.spec;
  checkTransitions(
    problems,
    'status.containerStatuses',
    [next.status.containerStatuses, previous.status.containerStatuses],
    restartPolicy,
  );
  checkTransitions(
    problems,
    'status.ephemeralContainerStatuses',
    [next.status.ephemeralContainerStatuses, previous.status.ephemeralContainerStatuses],
    'Never',
  );
  for (const [index, { ip }] of (next.status.podIPs ?? []).entries()) {
    checkIp(problems, `status.podIPs[${index}]`, ip);
  }
  for (const [index, { ip }] of (next.status.hostIPs ?? []).entries()) {
    checkIp(problems, `status.hostIPs[${index}]`, ip);
  }
}

type Statuses = readonly ContainerStatus[] | undefined;

/** What has ended for good stays ended. */
function checkTransitions(
  problems: Problems,
  path: string,
  [next, previous]: readonly [Statuses, Statuses],
  restartPolicy: PodSpec['restartPolicy'],
): void {
  if (restartPolicy === 'Always') {
    return;
  }
  for (const [index, old] of (previous ?? []).entries()) {
    const ended = old.state?.terminated;
    if (ended === undefined || (ended.exitCode !== 0 && restartPolicy === 'OnFailure')) {
      continue;
    }
    const current = next?.find(({ name }) => name === old.name);
    if (current !== undefined && current.state?.terminated === undefined) {
      problems.forbidden(`${path}[${index}].state`, 'may not be transitioned to non-terminated state');
    }
  }
}
