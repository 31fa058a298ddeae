import {
  type LabelOperator,
  type LabelRequirement,
  type Labels,
  holds,
  requirementProblem,
  requirementText,
} from './label-requirement.ts';
import { LabelSelectorParser } from './label-selector-parser.ts';
import type { LabelSelector as LabelSelectorObject } from './types/meta.v1.ts';
import { badRequest } from './status-error.ts';

/** Chooses objects by their labels. Immutable; every requirement has to hold. */
export class LabelSelector {
  readonly requirements: readonly LabelRequirement[];
  /** Chooses nothing whatever its requirements: what an absent selector object means. */
  readonly isNothing: boolean;

  constructor(requirements: readonly LabelRequirement[], isNothing = false) {
    this.requirements = requirements.toSorted((left, right) =>
      left.key < right.key ? -1 : left.key > right.key ? 1 : 0,
    );
    this.isNothing = isNothing;
  }

  /** True when it chooses everything. */
  get isEmpty(): boolean {
    return !this.isNothing && this.requirements.length === 0;
  }

  matches(labels: Labels | undefined): boolean {
    if (this.isNothing) {
      return false;
    }
    for (const requirement of this.requirements) {
      if (!holds(requirement, labels)) {
        return false;
      }
    }
    return true;
  }

  /** The text form; {@link parseLabelSelector} reads it back. */
  toString(): string {
    return this.requirements.map(requirementText).join(',');
  }
}

export type { LabelOperator, LabelRequirement, Labels };

/** Chooses everything. */
export const EVERYTHING: LabelSelector = new LabelSelector([]);
/** Chooses nothing. */
export const NOTHING: LabelSelector = new LabelSelector([], true);

/**
 * Reads `app=web,tier in (a,b),!old`.
 *
 * @throws {StatusError} BadRequest, with the sentence that clients know
 */
export function parseLabelSelector(text: string): LabelSelector {
  if (text.trim() === '') {
    return EVERYTHING;
  }
  const parser = new LabelSelectorParser(text);
  const parsed = parser.parse();
  if (typeof parsed === 'string') {
    throw badRequest(parsed);
  }
  return new LabelSelector(parsed);
}

/** Chooses what has every one of these labels: the selector of a Service or a ReplicationController. */
export function labelSelectorFromSet(labels: Labels | undefined): LabelSelector {
  const entries = Object.entries(labels ?? {});
  return entries.length === 0
    ? EVERYTHING
    : new LabelSelector(entries.map(([key, value]) => ({ key, operator: '=', values: [value] })));
}

/**
 * The selector of an API object. Absent chooses nothing, empty chooses everything.
 *
 * @throws {StatusError} BadRequest when an operator or a value is not valid
 */
export function labelSelectorFromObject(selector: LabelSelectorObject | undefined): LabelSelector {
  if (selector === undefined) {
    return NOTHING;
  }
  const requirements: LabelRequirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: '=',
    values: [value],
  }));
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const known = EXPRESSION_OPERATORS.get(operator);
    if (known === undefined) {
      throw badRequest(`"${operator}" is not a valid label selector operator`);
    }
    const requirement = { key, operator: known, values: [...new Set(values)].sort() };
    const problem = requirementProblem(requirement);
    if (problem !== undefined) {
      throw badRequest(problem);
    }
    requirements.push(requirement);
  }
  return requirements.length === 0 ? EVERYTHING : new LabelSelector(requirements);
}

const EXPRESSION_OPERATORS: ReadonlyMap<string, LabelOperator> = new Map([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
]);
