import type { ApiObject } from '#api/object.ts';
import { internalError, invalid, type FieldError } from '#api/status-error.ts';
import type { CronJob } from '#api/types/batch.v1.ts';
import type { Namespace, Pod, PodSpec, PodTemplate, PodTemplateSpec } from '#api/types/core.v1.ts';
import { NAMESPACE, POD } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';
import { detailsText, reasonsText, violationsOf } from './evaluate-pod.ts';
import {
  DEFAULT_POLICY,
  isFullyPrivileged,
  LABEL_PREFIX,
  levelText,
  policyOf,
  strictness,
  type LevelVersion,
  type NamespacePolicy,
} from './namespace-policy.ts';
import type { PodSecuritySettings } from './pod-security-settings.ts';

const EXEMPT_ANNOTATION = `${LABEL_PREFIX}exempt`;

/** Pods looked at when a namespace becomes stricter; so many are enough to warn of. */
const PODS_CHECKED_MAX = 3000;

/** Resources that make pods from a template: they are warned about, their pods are refused. */
const TEMPLATES = [
  'replicationcontrollers',
  'podtemplates',
  'replicasets.apps',
  'deployments.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'jobs.batch',
  'cronjobs.batch',
];

/** What a pod is in a template or by itself. */
type PodLike = Pick<PodTemplateSpec, 'spec'> & {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
};

const NO_SETTINGS: PodSecuritySettings = {
  defaults: DEFAULT_POLICY,
  exemptions: { usernames: new Set(), namespaces: new Set(), runtimeClasses: new Set() },
};

/** Holds the pods of a namespace to the level of the Pod Security Standards that its labels name. */
export class PodSecurity implements ValidatingPlugin {
  readonly name = 'PodSecurity';
  readonly scope: AdmissionScope = {
    operations: ['CREATE', 'UPDATE'],
    resources: ['namespaces', 'pods', 'pods/ephemeralcontainers', 'pods/resize', ...TEMPLATES],
  };
  readonly #reader: ObjectReader;
  readonly #settings: PodSecuritySettings;

  constructor(reader: ObjectReader, settings: PodSecuritySettings = NO_SETTINGS) {
    this.#reader = reader;
    this.#settings = settings;
  }

  validate(attributes: AdmissionAttributes): void {
    switch (attributes.resource.resource) {
      case 'namespaces':
        this.#validateNamespace(attributes);
        break;
      case 'pods':
        this.#validatePod(attributes);
        break;
      default:
        this.#validateTemplate(attributes);
    }
  }

  #validateNamespace(attributes: AdmissionAttributes): void {
    const { defaults, exemptions } = this.#settings;
    const namespace = attributes.object as Namespace;
    const old = attributes.oldObject as Namespace | undefined;
    const { policy, errors } = policyOf(namespace.metadata.labels, defaults);
    const before = policyOf(old?.metadata.labels, defaults);
    if (errors.length > 0 && (old === undefined || !isSame(errors, before.errors))) {
      throw invalid({ group: '', kind: 'Namespace' }, namespace.metadata.name, errors);
    }
    const { enforce } = policy;
    const wasEnforced = before.policy.enforce;
    const isStricter = strictness(enforce) > strictness(wasEnforced) || enforce.minor !== wasEnforced.minor;
    const isChecked = old !== undefined && enforce.level !== 'privileged' && isStricter;
    if (exemptions.namespaces.has(namespace.metadata.name)) {
      if (old === undefined || isChecked) {
        warnOfExemption(attributes, policy, defaults);
      }
    } else if (isChecked) {
      for (const warning of this.#warnOfPods(namespace.metadata.name, enforce)) {
        attributes.warn?.(warning);
      }
    }
  }

  /** Sentences about the pods that are there already and would now be refused. */
  #warnOfPods(namespace: string, enforce: LevelVersion): readonly string[] {
    const pods = this.#reader.list(POD, namespace);
    const podsByProblem = new Map<string, string[]>();
    for (const pod of pods.slice(0, PODS_CHECKED_MAX)) {
      if (this.#isExemptRuntime(pod.spec)) {
        continue;
      }
      const violations = violationsOf(enforce, pod.metadata.annotations, pod.spec);
      if (violations.length > 0) {
        podsByProblem.getOrInsertComputed(reasonsText(violations), () => []).push(pod.metadata.name);
      }
    }
    const partly =
      pods.length > PODS_CHECKED_MAX
        ? [
            `new PodSecurity enforce level only checked against the first ${PODS_CHECKED_MAX} of ${pods.length} existing pods`,
          ]
        : [];
    if (podsByProblem.size === 0) {
      return partly;
    }
    const lines = [...podsByProblem].map(([problem, names]) => {
      const [first = '', ...others] = names.toSorted();
      const more =
        others.length === 0 ? '' : ` (and ${others.length} other ${others.length === 1 ? 'pod' : 'pods'})`;
      return `${first}${more}: ${problem}`;
    });
    const head = `existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(levelText(enforce))}`;
    return [...partly, head, ...lines.toSorted()];
  }

  #validatePod(attributes: AdmissionAttributes): void {
    if (this.#isExempt(attributes)) {
      return;
    }
    const { policy, errors } = this.#policy(attributes);
    if (errors.length === 0 && isFullyPrivileged(policy)) {
      attributes.annotate?.(`${LABEL_PREFIX}enforce-policy`, levelText(policy.enforce));
      return;
    }
    const pod = attributes.object as Pod;
    const old = attributes.oldObject as Pod | undefined;
    if (old !== undefined && !changesContainers(pod.spec, old.spec)) {
      return;
    }
    if (this.#isExemptRuntime(pod.spec)) {
      attributes.annotate?.(EXEMPT_ANNOTATION, 'runtimeClass');
      return;
    }
    const { enforce } = policy;
    attributes.annotate?.(`${LABEL_PREFIX}enforce-policy`, levelText(enforce));
    const violations = violationsOf(enforce, pod.metadata.annotations, pod.spec);
    if (violations.length > 0) {
      annotateAudit(attributes, policy, pod);
      throw forbid(
        attributes,
        `violates PodSecurity ${JSON.stringify(levelText(enforce))}: ${detailsText(violations)}`,
      );
    }
    warnAndAudit(attributes, policy, pod);
  }

  #validateTemplate(attributes: AdmissionAttributes): void {
    if (this.#isExempt(attributes)) {
      return;
    }
    const { policy } = this.#policy(attributes);
    if (policy.warn.level === 'privileged' && policy.audit.level === 'privileged') {
      return;
    }
    const template = attributes.object === undefined ? undefined : templateOf(attributes.object);
    if (template === undefined) {
      return;
    }
    if (this.#isExemptRuntime(template.spec)) {
      attributes.annotate?.(EXEMPT_ANNOTATION, 'runtimeClass');
      return;
    }
    warnAndAudit(attributes, policy, template);
  }

  #policy({ namespace }: AdmissionAttributes): ReturnType<typeof policyOf> {
    const found = this.#reader.get(NAMESPACE, '', namespace);
    if (found === undefined) {
      throw internalError(`failed to lookup namespace ${JSON.stringify(namespace)}`);
    }
    return policyOf(found.metadata.labels, this.#settings.defaults);
  }

  #isExempt({ namespace, user, annotate }: AdmissionAttributes): boolean {
    const { namespaces, usernames } = this.#settings.exemptions;
    const why = namespaces.has(namespace) ? 'namespace' : usernames.has(user.name) ? 'user' : undefined;
    if (why !== undefined) {
      annotate?.(EXEMPT_ANNOTATION, why);
    }
    return why !== undefined;
  }

  #isExemptRuntime({ runtimeClassName = '' }: PodSpec): boolean {
    return runtimeClassName !== '' && this.#settings.exemptions.runtimeClasses.has(runtimeClassName);
  }
}

/** Labels of an exempt namespace have no effect, which whoever sets them may not know. */
function warnOfExemption(
  { object, warn }: AdmissionAttributes,
  policy: NamespacePolicy,
  defaults: NamespacePolicy,
): void {
  const { name = '', labels = {} } = object?.metadata ?? {};
  if (isFullyPrivileged(policy) || JSON.stringify(policy) === JSON.stringify(defaults)) {
    return;
  }
  const modes = (['enforce', 'audit', 'warn'] as const).filter(
    (mode) =>
      policy[mode].level !== 'privileged' &&
      [mode, `${mode}-version`].some((label) => labels[`${LABEL_PREFIX}${label}`] !== undefined),
  );
  const text = modes.map((mode) => `${mode}=${levelText(policy[mode])}`).join(', ');
  warn?.(
    `namespace ${JSON.stringify(name)} is exempt from Pod Security, and the policy (${text}) will be ignored`,
  );
}

function warnAndAudit(attributes: AdmissionAttributes, policy: NamespacePolicy, pod: PodLike): void {
  annotateAudit(attributes, policy, pod);
  const sentence = wouldViolate(policy.warn, pod);
  if (sentence !== undefined) {
    attributes.warn?.(sentence);
  }
}

function annotateAudit(attributes: AdmissionAttributes, policy: NamespacePolicy, pod: PodLike): void {
  if (attributes.annotate !== undefined) {
    const sentence = wouldViolate(policy.audit, pod);
    if (sentence !== undefined) {
      attributes.annotate(`${LABEL_PREFIX}audit-violations`, sentence);
    }
  }
}

function wouldViolate(level: LevelVersion, { metadata, spec }: PodLike): string | undefined {
  const violations = violationsOf(level, metadata?.annotations, spec);
  return violations.length === 0
    ? undefined
    : `would violate PodSecurity ${JSON.stringify(levelText(level))}: ${detailsText(violations)}`;
}

function templateOf(object: ApiObject): PodLike | undefined {
  if (object.kind === 'PodTemplate') {
    return (object as PodTemplate).template;
  }
  if (object.kind === 'CronJob') {
    return (object as CronJob).spec.jobTemplate.spec.template;
  }
  // The remaining kinds of the scope hold their template in the same place.
  return (object as ApiObject & { readonly spec: { readonly template?: PodTemplateSpec } }).spec.template;
}

/** Of what can change in a running pod only the images, and containers added to it, say anything about its safety. */
function changesContainers(spec: PodSpec, old: PodSpec): boolean {
  const imagesOf = (list: readonly { readonly image?: string }[] | undefined): string =>
    JSON.stringify((list ?? []).map(({ image }) => image));
  if (
    imagesOf(spec.containers) !== imagesOf(old.containers) ||
    imagesOf(spec.initContainers) !== imagesOf(old.initContainers)
  ) {
    return true;
  }
  const known = new Map((old.ephemeralContainers ?? []).map(({ name, image }) => [name, image]));
  return (spec.ephemeralContainers ?? []).some(
    ({ name, image }) => !known.has(name) || known.get(name) !== image,
  );
}

function isSame(left: readonly FieldError[], right: readonly FieldError[]): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
