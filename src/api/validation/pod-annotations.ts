import { jsonEqual } from '#base/json-equal.ts';
import type { AppArmorProfile, Pod, PodSpec, SeccompProfile, Toleration } from '../types/core.v1.ts';
import { checkTolerations } from './affinity-rules.ts';
import { checkDescendingPath } from './path-rules.ts';
import type { Problems } from './problems.ts';
import { placedContainers } from './windows-rules.ts';

/** Annotations of pods that mean something to the system, most of them older than the fields. */

export const MIRROR = 'kubernetes.io/config.mirror';
const TOLERATIONS = 'scheduler.alpha.kubernetes.io/tolerations';
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
const APP_ARMOR = 'container.apparmor.security.beta.kubernetes.io/';
const LOCALHOST = 'localhost/';

type Annotations = Readonly<Record<string, string>> | undefined;

export function checkPodAnnotations(
  problems: Problems,
  path: string,
  annotations: Annotations,
  spec: PodSpec,
): void {
  if (annotations === undefined) {
    return;
  }
  const mirror = annotations[MIRROR];
  if (mirror !== undefined && (spec.nodeName ?? '') === '') {
    problems.invalid(`${path}[${MIRROR}]`, mirror, 'must set spec.nodeName if mirror pod annotation is set');
  }
  const tolerations = annotations[TOLERATIONS] ?? '';
  if (tolerations !== '') {
    checkOldTolerations(problems, path, tolerations);
  }
  const cost = annotations[DELETION_COST];
  if (cost !== undefined && !isCost(cost)) {
    problems.invalid(`${path}[${DELETION_COST}]`, cost, 'must be a 32bit integer');
  }
  for (const key in annotations) {
    const value = annotations[key] ?? '';
    if (key === SECCOMP_POD || key.startsWith(SECCOMP_CONTAINER)) {
      checkSeccompName(problems, `${path}.${key}`, value);
    } else if (key.startsWith(APP_ARMOR)) {
      checkAppArmorName(problems, `${path}[${key}]`, [key.slice(APP_ARMOR.length), value], spec);
    }
  }
}

/** As Go reads it: no plus, no zeros in front, within 32 bits. */
function isCost(text: string): boolean {
  return /^(?:0|-?[1-9][0-9]*)$/.test(text) && Math.abs(Number(text) + 0.5) < 2 ** 31;
}

function checkOldTolerations(problems: Problems, path: string, text: string): void {
  try {
    checkTolerations(problems, `${path}.${TOLERATIONS}`, JSON.parse(text) as readonly Toleration[]);
  } catch (error) {
    problems.invalid(path, TOLERATIONS, error instanceof Error ? error.message : 'not JSON');
  }
}

function checkSeccompName(problems: Problems, path: string, name: string): void {
  if (name.startsWith(LOCALHOST)) {
    checkDescendingPath(problems, path, name.slice(LOCALHOST.length));
  } else if (!['runtime/default', 'docker/default', 'unconfined'].includes(name)) {
    problems.invalid(path, name, 'must be a valid seccomp profile');
  }
}

function checkAppArmorName(
  problems: Problems,
  path: string,
  [container, profile]: readonly [string, string],
  spec: PodSpec,
): void {
  if (!placedContainers('', spec).some((placed) => placed.container.name === container)) {
    problems.invalid(path, container, 'container not found');
  }
  if (!['', 'runtime/default', 'unconfined'].includes(profile) && !profile.startsWith(LOCALHOST)) {
    problems.invalid(path, profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`);
  }
}

function isProfile(key: string): boolean {
  return key === SECCOMP_POD || key.startsWith(SECCOMP_CONTAINER) || key.startsWith(APP_ARMOR);
}

/** Where a profile stands in an annotation and in a field, both say the same. */
export function checkProfileAnnotations(
  problems: Problems,
  path: string,
  annotations: Annotations,
  spec: PodSpec,
): void {
  if (annotations === undefined || !Object.keys(annotations).some(isProfile)) {
    return;
  }
  const ofPod = spec.securityContext;
  const podAnnotation = annotations[SECCOMP_POD];
  if (podAnnotation !== undefined) {
    checkMatch(problems, `${path}.securityContext.seccompProfile`, 'seccomp', [
      podAnnotation,
      ofPod?.seccompProfile,
    ]);
  }
  const placed = placedContainers(path, spec);
  for (const { path: at, container } of placed) {
    const annotation = annotations[`${SECCOMP_CONTAINER}${container.name}`];
    if (annotation !== undefined) {
      checkMatch(problems, `${at}.securityContext.seccompProfile`, 'seccomp', [
        annotation,
        container.securityContext?.seccompProfile,
      ]);
    }
  }
  for (const { path: at, container } of spec.os?.name === 'windows' ? [] : placed) {
    const annotation = annotations[`${APP_ARMOR}${container.name}`];
    if (annotation !== undefined) {
      checkMatch(problems, `${at}.securityContext.appArmorProfile`, 'apparmor', [
        annotation,
        container.securityContext?.appArmorProfile ?? ofPod?.appArmorProfile,
      ]);
    }
  }
}

function checkMatch(
  problems: Problems,
  path: string,
  what: 'seccomp' | 'apparmor',
  [annotation, profile]: readonly [string, SeccompProfile | AppArmorProfile | undefined],
): void {
  if (profile === undefined) {
    return;
  }
  const isSame =
    profile.type === 'Unconfined'
      ? annotation === 'unconfined'
      : profile.type === 'RuntimeDefault'
        ? annotation === 'runtime/default' || (what === 'seccomp' && annotation === 'docker/default')
        : profile.type !== 'Localhost' || annotation.startsWith(LOCALHOST);
  if (!isSame) {
    problems.forbidden(`${path}.type`, `${what} type in annotation and field must match`);
  } else if (profile.type === 'Localhost' && annotation !== `${LOCALHOST}${profile.localhostProfile}`) {
    problems.forbidden(`${path}.localhostProfile`, `${what} profile in annotation and field must match`);
  }
}

/** Annotations that a running pod keeps as they are. */
export function checkPodAnnotationUpdate(problems: Problems, next: Pod, previous: Pod): void {
  const [after, before] = [next.metadata.annotations, previous.metadata.annotations];
  if (after === before || jsonEqual(after, before)) {
    return;
  }
  const path = 'metadata.annotations';
  for (const key in before) {
    if (after?.[key] === before[key]) {
      continue;
    }
    if (key.startsWith(APP_ARMOR)) {
      problems.forbidden(`${path}[${key}]`, 'may not remove or update AppArmor annotations');
    }
    if (key === MIRROR) {
      problems.forbidden(`${path}[${key}]`, 'may not remove or update mirror pod annotation');
    }
  }
  for (const key in after) {
    if (before?.[key] !== undefined) {
      continue;
    }
    if (key.startsWith(APP_ARMOR)) {
      problems.forbidden(`${path}[${key}]`, 'may not add AppArmor annotations');
    }
    if (key === MIRROR) {
      problems.forbidden(`${path}[${key}]`, 'may not add mirror pod annotation');
    }
  }
}
