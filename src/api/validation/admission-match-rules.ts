import { pathSegmentProblems, qualifiedNameProblems } from '../names.ts';
import type {
  MatchCondition,
  MatchResources,
  NamedRuleWithOperations,
  RuleWithOperations,
} from '../types/admissionregistration.v1.ts';
import type { ExpressionCheck } from './expression-check.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import type { Problems } from './problems.ts';

const CONDITIONS_MAX = 64;
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
export const FAILURE_POLICIES = ['Fail', 'Ignore'];
export const MATCH_POLICIES = ['Equivalent', 'Exact'];
export const REINVOCATION_POLICIES = ['IfNeeded', 'Never'];

/** Conditions that webhooks and policies put on a write. */
export function checkMatchConditions(
  problems: Problems,
  path: string,
  conditions: readonly MatchCondition[] = [],
  expressions: ExpressionCheck,
): void {
  if (conditions.length > CONDITIONS_MAX) {
    problems.tooMany(path, conditions.length, CONDITIONS_MAX);
  }
  const names = new Set<string>();
  for (const [index, { name, expression }] of conditions.entries()) {
    const at = `${path}[${index}]`;
    const trimmed = expression.trim();
    if (trimmed === '') {
      problems.required(`${at}.expression`);
    } else {
      reportExpression(problems, `${at}.expression`, trimmed, expressions.condition(trimmed));
    }
    problems.requiredName(`${at}.name`, name, qualifiedNameProblems);
    if (name !== '' && names.has(name)) {
      problems.duplicate(`${at}.name`, name);
    }
    names.add(name);
  }
}

/** Says what the compiler found, if it found anything. */
export function reportExpression(
  problems: Problems,
  path: string,
  expression: string,
  problem: string | undefined,
): void {
  if (problem !== undefined) {
    problems.invalid(path, expression, problem);
  }
}

export function checkMatchResources(problems: Problems, path: string, resources: MatchResources): void {
  const { matchPolicy, namespaceSelector, objectSelector } = resources;
  problems.requiredOneOf(`${path}.matchPolicy`, matchPolicy, MATCH_POLICIES);
  for (const [field, selector] of [
    ['namespaceSelector', namespaceSelector],
    ['objectSelector', objectSelector],
  ] as const) {
    if (selector === undefined) {
      problems.required(`${path}.${field}`);
    }
    checkLabelSelector(problems, `${path}.${field}`, selector);
  }
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) {
    for (const [index, rule] of (resources[field] ?? []).entries()) {
      checkNamedRule(problems, `${path}.${field}[${index}]`, rule);
    }
  }
}

function checkNamedRule(problems: Problems, at: string, rule: NamedRuleWithOperations): void {
  const names = new Set<string>();
  for (const [index, name] of (rule.resourceNames ?? []).entries()) {
    problems.names(`${at}.resourceNames[${index}]`, name, pathSegmentProblems(name));
    if (names.has(name)) {
      problems.duplicate(`${at}.resourceNames[${index}]`, name);
    }
    names.add(name);
  }
  checkRule(problems, at, rule);
}

/** Which writes a webhook or policy wants to see. */
export function checkRule(problems: Problems, at: string, rule: RuleWithOperations): void {
  checkWildcard(problems, `${at}.operations`, rule.operations ?? [], 'operations');
  for (const [index, operation] of (rule.operations ?? []).entries()) {
    problems.oneOf(`${at}.operations[${index}]`, operation, OPERATIONS);
  }
  checkWildcard(problems, `${at}.apiGroups`, rule.apiGroups ?? [], 'API groups');
  checkWildcard(problems, `${at}.apiVersions`, rule.apiVersions ?? [], 'API versions');
  for (const [index, version] of (rule.apiVersions ?? []).entries()) {
    if (version === '') {
      problems.required(`${at}.apiVersions[${index}]`);
    }
  }
  checkRuleResources(problems, `${at}.resources`, rule.resources ?? []);
  if (rule.scope !== undefined) {
    problems.oneOf(`${at}.scope`, rule.scope, ['*', 'Cluster', 'Namespaced']);
  }
}

function checkWildcard(problems: Problems, path: string, values: readonly string[], others: string): void {
  if (values.length === 0) {
    problems.required(path);
  } else if (values.length > 1 && values.includes('*')) {
    problems.invalid(path, values, `if '*' is present, must not specify other ${others}`);
  }
}

/** A wildcard before what it already takes in is a mistake. */
function checkRuleResources(problems: Problems, at: string, resources: readonly string[]): void {
  if (resources.length === 0) {
    problems.required(at);
  }
  const wholes = new Set<string>();
  const everywhere = new Set<string>();
  // Upstream looks at the last one without a subresource only.
  let isLastPlain = false;
  for (const [index, pattern] of resources.entries()) {
    const path = `${at}[${index}]`;
    if (pattern === '') {
      problems.required(path);
      continue;
    }
    const slash = pattern.indexOf('/');
    if (slash === -1) {
      isLastPlain = pattern !== '*';
      continue;
    }
    const resource = pattern.slice(0, slash);
    const subresource = pattern.slice(slash + 1);
    if (wholes.has(resource)) {
      problems.invalid(path, pattern, `if '${resource}/*' is present, must not specify ${pattern}`);
    }
    if (everywhere.has(subresource)) {
      problems.invalid(path, pattern, `if '*/${subresource}' is present, must not specify ${pattern}`);
    }
    if (subresource === '*') {
      wholes.add(resource);
    }
    if (resource === '*') {
      everywhere.add(subresource);
    }
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    problems.invalid(at, resources, "if '*/*' is present, must not specify other resources");
  }
  if (resources.includes('*') && isLastPlain) {
    problems.invalid(
      at,
      resources,
      "if '*' is present, must not specify other resources without subresources",
    );
  }
}
