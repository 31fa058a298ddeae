import type { Container, ContainerResizePolicy, ContainerRestartRule, PodSpec } from '../types/core.v1.ts';
import type { Problems } from './problems.ts';

const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;
const RESIZABLE = ['cpu', 'memory'];
const RESIZE_POLICIES = ['NotRequired', 'RestartContainer'];

/** When a container alone is started again, and on which exit codes. */
export function checkRestartPolicy(
  problems: Problems,
  path: string,
  { restartPolicy, restartPolicyRules = [] }: Container,
): void {
  if (restartPolicy !== undefined) {
    problems.oneOf(`${path}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure']);
  } else if (restartPolicyRules.length > 0) {
    problems.required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used');
  }
  if (restartPolicyRules.length > RULES_MAX) {
    problems.tooMany(`${path}.restartPolicyRules`, restartPolicyRules.length, RULES_MAX);
  }
  for (const [index, rule] of restartPolicyRules.entries()) {
    checkRule(problems, `${path}.restartPolicyRules[${index}]`, rule);
  }
}

function checkRule(problems: Problems, path: string, { action, exitCodes }: ContainerRestartRule): void {
  problems.oneOf(`${path}.action`, action, ['Restart', 'RestartAllContainers']);
  if (exitCodes === undefined) {
    problems.required(`${path}.exitCodes`, 'must be specified');
    return;
  }
  const { operator, values = [] } = exitCodes;
  problems.oneOf(`${path}.exitCodes.operator`, operator, ['In', 'NotIn']);
  if (values.length > EXIT_CODES_MAX) {
    problems.tooMany(`${path}.exitCodes.values`, values.length, EXIT_CODES_MAX);
  }
}

/** What a change of resources does to a running container. */
export function checkResizePolicy(
  problems: Problems,
  path: string,
  policies: readonly ContainerResizePolicy[] | undefined,
  podRestartPolicy: PodSpec['restartPolicy'],
): void {
  const seen = new Set<string>();
  for (const [index, { resourceName, restartPolicy }] of (policies ?? []).entries()) {
    if (seen.has(resourceName)) {
      problems.duplicate(`${path}[${index}]`, resourceName);
    }
    seen.add(resourceName);
    problems.requiredOneOf(path, resourceName, RESIZABLE);
    problems.requiredOneOf(path, restartPolicy, RESIZE_POLICIES);
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      problems.invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'");
    }
  }
}
