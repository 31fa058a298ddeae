import { qualifiedNameProblems } from '../names.ts';
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '../types/batch.v1.ts';
import type { Problems } from './problems.ts';

const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;
const PATTERNS_MAX = 20;
const INDEXES_MAX = 64 * 1024;
const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const OPERATORS = ['In', 'NotIn'];
const STATUSES = ['False', 'True', 'Unknown'];

/** What counts as a failure of a Job, and what is done about it. */
export function checkFailurePolicy(problems: Problems, path: string, spec: JobSpec): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > RULES_MAX) {
    problems.tooMany(`${path}.rules`, rules.length, RULES_MAX);
  }
  const { containers, initContainers = [] } = spec.template.spec;
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  for (const [index, rule] of rules.entries()) {
    checkFailureRule(problems, `${path}.rules[${index}]`, rule, {
      names,
      hasLimitPerIndex: spec.backoffLimitPerIndex !== undefined,
    });
  }
}

interface Around {
  /** Of the containers in the template. */
  readonly names: ReadonlySet<string>;
  readonly hasLimitPerIndex: boolean;
}

function validValues(values: readonly string[]): string {
  return `valid values: [${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}

function checkFailureRule(
  problems: Problems,
  path: string,
  { action, onExitCodes, onPodConditions = [] }: PodFailurePolicyRule,
  { names, hasLimitPerIndex }: Around,
): void {
  if (action === 'FailIndex') {
    if (!hasLimitPerIndex) {
      problems.invalid(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set');
    }
  } else {
    problems.requiredOneOf(`${path}.action`, action, ACTIONS, validValues(ACTIONS));
  }
  if (onExitCodes !== undefined) {
    checkExitCodes(problems, `${path}.onExitCodes`, onExitCodes, names);
  }
  checkPatterns(problems, `${path}.onPodConditions`, onPodConditions);
  if (onExitCodes !== undefined && onPodConditions.length > 0) {
    problems.invalidAlone(path, 'specifying both OnExitCodes and OnPodConditions is not supported');
  }
  if (onExitCodes === undefined && onPodConditions.length === 0) {
    problems.invalidAlone(path, 'specifying one of OnExitCodes and OnPodConditions is required');
  }
}

function checkPatterns(
  problems: Problems,
  path: string,
  patterns: readonly PodFailurePolicyOnPodConditionsPattern[],
): void {
  if (patterns.length > PATTERNS_MAX) {
    problems.tooMany(path, patterns.length, PATTERNS_MAX);
  }
  for (const [index, { type, status }] of patterns.entries()) {
    problems.names(`${path}[${index}].type`, type, qualifiedNameProblems(type));
    problems.requiredOneOf(`${path}[${index}].status`, status, STATUSES, validValues(STATUSES));
  }
}

function checkExitCodes(
  problems: Problems,
  path: string,
  { operator, containerName, values }: PodFailurePolicyOnExitCodesRequirement,
  names: ReadonlySet<string>,
): void {
  problems.requiredOneOf(`${path}.operator`, operator, OPERATORS, validValues(OPERATORS));
  if (containerName !== undefined && !names.has(containerName)) {
    problems.invalid(
      `${path}.containerName`,
      containerName,
      'must be one of the container or initContainer names in the pod template',
    );
  }
  if (values.length < 1) {
    problems.invalid(`${path}.values`, values, 'at least one value is required');
  } else if (values.length > EXIT_CODES_MAX) {
    problems.tooMany(`${path}.values`, values.length, EXIT_CODES_MAX);
  }
  let isOrdered = true;
  const seen = new Set<number>();
  for (const [index, value] of values.entries()) {
    if (operator === 'In' && value === 0) {
      problems.invalid(`${path}.values[${index}]`, value, 'must not be 0 for the In operator');
    }
    if (seen.has(value)) {
      problems.duplicate(`${path}.values[${index}]`, value);
    }
    seen.add(value);
    isOrdered &&= index === 0 || (values[index - 1] ?? value) <= value;
  }
  if (!isOrdered) {
    problems.invalid(`${path}.values`, values, 'must be ordered');
  }
}

/** When an indexed Job has done enough before all of its indexes have. */
export function checkSuccessPolicy(problems: Problems, path: string, spec: JobSpec): void {
  const rules = spec.successPolicy?.rules ?? [];
  if (spec.completionMode !== 'Indexed') {
    problems.invalid(path, spec.successPolicy, 'requires indexed completion mode');
    return;
  }
  if (rules.length === 0) {
    problems.required(
      `${path}.rules`,
      'at least one rules must be specified when the successPolicy is specified',
    );
  }
  if (rules.length > RULES_MAX) {
    problems.tooMany(`${path}.rules`, rules.length, RULES_MAX);
  }
  for (const [index, rule] of rules.entries()) {
    checkSuccessRule(problems, `${path}.rules[${index}]`, rule, spec.completions ?? 0);
  }
}

function checkSuccessRule(
  problems: Problems,
  path: string,
  rule: SuccessPolicyRule,
  completions: number,
): void {
  const { succeededCount, succeededIndexes } = rule;
  if (succeededCount === undefined && succeededIndexes === undefined) {
    problems.required(path, 'at least one of succeededCount or succeededIndexes must be specified');
  }
  let total: number | undefined;
  if (succeededIndexes !== undefined) {
    if (succeededIndexes.length > INDEXES_MAX) {
      problems.tooLong(`${path}.succeededIndexes`, INDEXES_MAX);
    }
    const counted = countIndexes(succeededIndexes, completions);
    if (typeof counted === 'string') {
      problems.invalid(
        `${path}.succeededIndexes`,
        succeededIndexes,
        `error parsing succeededIndexes: ${counted}`,
      );
    } else {
      total = counted;
    }
  }
  if (succeededCount === undefined) {
    return;
  }
  problems.nonNegative(`${path}.succeededCount`, succeededCount);
  if (succeededCount > completions) {
    problems.invalid(
      `${path}.succeededCount`,
      succeededCount,
      `must be less than or equal to ${completions} (the number of specified completions)`,
    );
  }
  if (total !== undefined && succeededCount > total) {
    problems.invalid(
      `${path}.succeededCount`,
      succeededCount,
      `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`,
    );
  }
}

/** How many indexes `1,3-5` names, or what is wrong with it. */
function countIndexes(text: string, completions: number): number | string {
  if (text === '') {
    return 0;
  }
  let total = 0;
  let last: number | undefined;
  for (const part of text.split(',')) {
    const limits = part.split('-');
    if (limits.length > 2) {
      return `the fragment "${part}" violates the requirement that an index interval can have at most two parts separated by '-'`;
    }
    const numbers = limits.map((limit) => (/^[+-]?[0-9]+$/.test(limit) ? Number(limit) : undefined));
    const wrong = limits.find((_limit, index) => numbers[index] === undefined);
    if (wrong !== undefined) {
      return `cannot convert string to integer for index: "${wrong}"`;
    }
    const [from = 0, to = from] = numbers;
    for (const number of [from, to]) {
      if (number >= completions) {
        return `too large index: "${number}"`;
      }
    }
    if (last !== undefined && last >= from) {
      return `non-increasing order, previous: ${last}, current: ${from}`;
    }
    if (limits.length === 2 && from >= to) {
      return `non-increasing order, previous: ${from}, current: ${to}`;
    }
    total += to - from + 1;
    last = to;
  }
  return total;
}
