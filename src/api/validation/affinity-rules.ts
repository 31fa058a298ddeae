import {
  dnsLabelProblems,
  dnsSubdomainProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from '../names.ts';
import type {
  Affinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../types/core.v1.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import type { Problems } from './problems.ts';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';
export const TAINT_EFFECTS: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function checkAffinity(problems: Problems, path: string, affinity: Affinity | undefined): void {
  const { nodeAffinity } = affinity ?? {};
  if (nodeAffinity?.[REQUIRED] !== undefined) {
    checkNodeSelector(problems, `${path}.nodeAffinity.${REQUIRED}`, nodeAffinity[REQUIRED]);
  }
  for (const [index, { weight, preference }] of (nodeAffinity?.[PREFERRED] ?? []).entries()) {
    const at = `${path}.nodeAffinity.${PREFERRED}[${index}]`;
    checkWeight(problems, at, weight);
    checkTerm(problems, `${at}.preference`, preference, { areValuesFree: true });
  }
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const rules = affinity?.[kind];
    for (const [index, term] of (rules?.[REQUIRED] ?? []).entries()) {
      checkPodTerm(problems, `${path}.${kind}.${REQUIRED}[${index}]`, term);
    }
    for (const [index, { weight, podAffinityTerm }] of (rules?.[PREFERRED] ?? []).entries()) {
      const at = `${path}.${kind}.${PREFERRED}[${index}]`;
      checkWeight(problems, at, weight);
      checkPodTerm(problems, `${at}.podAffinityTerm`, podAffinityTerm);
    }
  }
}

function checkWeight(problems: Problems, path: string, weight: number): void {
  if (weight <= 0 || weight > 100) {
    problems.invalid(`${path}.weight`, weight, 'must be in the range 1-100');
  }
}

/** A required selector of nodes: at least one term. */
export function checkNodeSelector(problems: Problems, path: string, selector: NodeSelector): void {
  if (selector.nodeSelectorTerms.length === 0) {
    problems.required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term');
  }
  for (const [index, term] of selector.nodeSelectorTerms.entries()) {
    checkTerm(problems, `${path}.nodeSelectorTerms[${index}]`, term, { areValuesFree: false });
  }
}

interface TermOptions {
  /** A preference may name values that no label can have. */
  readonly areValuesFree: boolean;
}

function checkTerm(
  problems: Problems,
  path: string,
  term: NodeSelectorTerm,
  { areValuesFree }: TermOptions,
): void {
  for (const [index, requirement] of (term.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    checkRequirement(problems, at, requirement);
    for (const [valueIndex, value] of (areValuesFree ? [] : (requirement.values ?? [])).entries()) {
      problems.names(`${at}.values[${valueIndex}]`, value, labelValueProblems(value));
    }
  }
  for (const [index, { key, operator, values = [] }] of (term.matchFields ?? []).entries()) {
    const at = `${path}.matchFields[${index}]`;
    if (operator !== 'In' && operator !== 'NotIn') {
      problems.invalid(`${at}.operator`, operator, 'not a valid selector operator');
    } else if (values.length !== 1) {
      problems.required(
        `${at}.values`,
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      );
    }
    if (key !== 'metadata.name') {
      problems.invalid(`${at}.key`, key, 'not a valid field selector key');
      continue;
    }
    for (const [valueIndex, value] of values.entries()) {
      problems.names(`${at}.values[${valueIndex}]`, value, dnsSubdomainProblems(value));
    }
  }
}

function checkRequirement(problems: Problems, path: string, requirement: NodeSelectorRequirement): void {
  const { key, operator, values = [] } = requirement;
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) {
        problems.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      }
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        problems.forbidden(
          `${path}.values`,
          "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        );
      }
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        problems.required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
      }
      break;
    default:
      problems.invalid(`${path}.operator`, operator, 'not a valid selector operator');
  }
  problems.names(`${path}.key`, key, qualifiedNameProblems(key));
}

function checkPodTerm(problems: Problems, path: string, term: PodAffinityTerm): void {
  checkLabelSelector(problems, `${path}.labelSelector`, term.labelSelector);
  checkLabelSelector(problems, `${path}.namespaceSelector`, term.namespaceSelector);
  for (const name of term.namespaces ?? []) {
    problems.names(`${path}.namespace`, name, dnsLabelProblems(name));
  }
  checkLabelKeys(problems, path, term);
  problems.requiredText(`${path}.topologyKey`, term.topologyKey, 'can not be empty');
  problems.names(`${path}.topologyKey`, term.topologyKey, qualifiedNameProblems(term.topologyKey));
}

const WITHOUT_SELECTOR = 'must not be specified when labelSelector is not set';
const IN_BOTH = 'exists in both matchLabelKeys and labelSelector';

function checkLabelKeys(
  problems: Problems,
  path: string,
  { matchLabelKeys = [], mismatchLabelKeys = [], labelSelector }: PodAffinityTerm,
): void {
  for (const [field, keys] of Object.entries({ matchLabelKeys, mismatchLabelKeys })) {
    if (keys.length > 0 && labelSelector === undefined) {
      problems.forbidden(`${path}.${field}`, WITHOUT_SELECTOR);
    } else {
      for (const [index, key] of keys.entries()) {
        problems.names(`${path}.${field}[${index}]`, key, qualifiedNameProblems(key));
      }
    }
  }
  // The keys have been made into requirements already; a second one of the same key is the author's.
  const seen = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    if (seen.has(key) && matchLabelKeys.includes(key)) {
      problems.invalid(`${path}[${matchLabelKeys.lastIndexOf(key)}]`, key, IN_BOTH);
    }
    seen.add(key);
  }
  for (const [index, key] of matchLabelKeys.entries()) {
    if (mismatchLabelKeys.includes(key)) {
      problems.invalid(
        `${path}.matchLabelKeys[${index}]`,
        key,
        'exists in both matchLabelKeys and mismatchLabelKeys',
      );
    }
  }
}

export function checkTolerations(
  problems: Problems,
  path: string,
  tolerations: readonly Toleration[] | undefined,
): void {
  for (const [index, toleration] of (tolerations ?? []).entries()) {
    const at = `${path}[${index}]`;
    const { key = '', operator = '', value = '', effect = '' } = toleration;
    if (key !== '') {
      problems.names(`${at}.key`, key, qualifiedNameProblems(key));
    } else if (operator !== 'Exists') {
      problems.invalid(
        `${at}.operator`,
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      );
    }
    if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute') {
      problems.invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    if (operator === 'Equal' || operator === '') {
      const wrong = labelValueProblems(value);
      if (wrong.length > 0) {
        problems.invalid(`${at}.operator`, value, wrong.join(';'));
      }
    } else if (operator === 'Exists') {
      if (value !== '') {
        problems.invalid(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'");
      }
    } else {
      problems.oneOf(`${at}.operator`, operator, ['Equal', 'Exists']);
    }
    if (effect !== '') {
      problems.oneOf(`${at}.effect`, effect, TAINT_EFFECTS);
    }
  }
}

export function checkSpread(
  problems: Problems,
  path: string,
  constraints: readonly TopologySpreadConstraint[] | undefined,
): void {
  if (constraints === undefined) {
    return;
  }
  for (const [index, constraint] of constraints.entries()) {
    const at = `${path}[${index}]`;
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains } = constraint;
    if (maxSkew <= 0) {
      problems.invalid(`${at}.maxSkew`, maxSkew, 'must be greater than zero');
    }
    problems.requiredText(`${at}.topologyKey`, topologyKey, 'can not be empty');
    problems.oneOf(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']);
    const isRepeated = constraints.some(
      (other, place) =>
        place > index && other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable,
    );
    if (isRepeated) {
      problems.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`);
    }
    if (minDomains !== undefined && minDomains <= 0) {
      problems.invalid(`${at}.minDomains`, minDomains, 'must be greater than zero');
    }
    if (minDomains !== undefined && whenUnsatisfiable !== 'DoNotSchedule') {
      problems.invalid(
        `${at}.minDomains`,
        minDomains,
        `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`,
      );
    }
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const policy = constraint[field];
      if (policy !== undefined) {
        problems.oneOf(`${at}.${field}`, policy, ['Honor', 'Ignore']);
      }
    }
    checkSpreadKeys(problems, `${at}.matchLabelKeys`, constraint);
    checkLabelSelector(problems, `${at}.labelSelector`, constraint.labelSelector);
  }
}

function checkSpreadKeys(
  problems: Problems,
  path: string,
  { matchLabelKeys = [], labelSelector }: TopologySpreadConstraint,
): void {
  if (matchLabelKeys.length === 0) {
    return;
  }
  if (labelSelector === undefined) {
    problems.forbidden(path, WITHOUT_SELECTOR);
  }
  const selected = new Set([
    ...Object.keys(labelSelector?.matchLabels ?? {}),
    ...(labelSelector?.matchExpressions ?? []).map(({ key }) => key),
  ]);
  for (const [index, key] of matchLabelKeys.entries()) {
    problems.names(`${path}[${index}]`, key, qualifiedNameProblems(key));
    if (selected.has(key)) {
      problems.invalid(`${path}[${index}]`, key, IN_BOTH);
    }
  }
}
