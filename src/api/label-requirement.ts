import { unreachable } from '#base/assert.ts';
import { labelValueProblems, qualifiedNameProblems } from './names.ts';

export type Labels = Readonly<Record<string, string>>;

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted, without repetition. Empty for `exists` and `!`. */
  readonly values: readonly string[];
}

/** What is wrong with a requirement, in a field error's words, or undefined. */
export function requirementProblem({ key, operator, values }: LabelRequirement): string | undefined {
  const problems = [
    ...invalid('key', key, qualifiedNameProblems(key)),
    ...countProblems(operator, values),
    ...values.flatMap((value, index) =>
      invalid(`values[${index}][${key}]`, value, labelValueProblems(value)),
    ),
  ];
  return problems.length > 1 ? `[${problems.join(', ')}]` : problems[0];
}

function countProblems(operator: LabelOperator, values: readonly string[]): readonly string[] {
  switch (operator) {
    case 'in':
    case 'notin':
      return values.length === 0
        ? invalid('values', values, ["for 'in', 'notin' operators, values set can't be empty"])
        : [];
    case 'gt':
    case 'lt':
      return values.flatMap((value, index) =>
        isInteger(value)
          ? []
          : invalid(`values[${index}]`, value, ["for 'Gt', 'Lt' operators, the value must be an integer"]),
      );
    case 'exists':
    case '!':
      return values.length === 0
        ? []
        : invalid('values', values, ['values set must be empty for exists and does not exist']);
    default:
      return [];
  }
}

function invalid(path: string, value: unknown, problems: readonly string[]): readonly string[] {
  return problems.length === 0
    ? []
    : [`${path}: Invalid value: ${JSON.stringify(value)}: ${problems.join('; ')}`];
}

/** Whether labels satisfy a requirement. */
export function holds({ key, operator, values }: LabelRequirement, labels: Labels | undefined): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt':
      return value !== undefined && isOrdered(operator, value, values[0] ?? '');
    default:
      return unreachable(operator);
  }
}

function isOrdered(operator: 'gt' | 'lt', value: string, bound: string): boolean {
  if (!isInteger(value) || !isInteger(bound)) {
    return false;
  }
  return operator === 'gt' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
}

function isInteger(text: string): boolean {
  return /^-?\d{1,19}$/.test(text);
}

/** The requirement as the text form of a selector writes it. */
export function requirementText({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`;
    case 'gt':
    case 'lt':
      return `${key}${operator === 'gt' ? '>' : '<'}${values.join(',')}`;
    default:
      return `${key}${operator}${values.join(',')}`;
  }
}
