import { check } from './checker.ts';
import type { CheckedExpression } from './checker.ts';
import type { Environment } from './environment.ts';
import { CostLimitExceeded, Frame } from './evaluator/frame.ts';
import { plan } from './evaluator/plan.ts';
import { literalProblems } from './literal-arguments.ts';
import { parse } from './parser.ts';
import { displayIssues } from './source.ts';
import type { CelIssue } from './source.ts';
import type { Type } from './types.ts';
import { EvaluationError } from './value.ts';
import type { Value } from './value.ts';

/** What an expression came to, and what it spent. */
export type Outcome =
  | { readonly ok: true; readonly value: Value; readonly cost: number }
  | {
      readonly ok: false;
      readonly error: string;
      readonly cost: number;
      /** The cost limit was reached, which no operator can absorb. */
      readonly isOverBudget: boolean;
    };

/** A compiled expression. */
export interface Program {
  readonly source: string;
  readonly type: Type;
  readonly checked: CheckedExpression;
  /** `activation` holds JSON by variable name, or ready values for variables without a schema. */
  evaluate(
    activation: Readonly<Record<string, unknown>>,
    options?: { readonly costBudget?: number },
  ): Outcome;
}

export type Compilation =
  | { readonly ok: true; readonly program: Program }
  /** `message` shows all issues with their lines, as upstream prints them. */
  | {
      readonly ok: false;
      readonly issues: readonly CelIssue[];
      readonly message: string;
      /** The expression is well formed, and cannot be made ready to run. */
      readonly isProgramError?: boolean;
    };

/** Reads, checks and plans an expression. */
export function compile(source: string, environment: Environment): Compilation {
  const parsed = parse(source);
  if (!parsed.ok) {
    return { ok: false, issues: parsed.issues, message: displayIssues(parsed.issues, parsed.source) };
  }
  const result = check(parsed.parsed, parsed.source, environment);
  if (!result.ok) {
    return { ok: false, issues: result.issues, message: displayIssues(result.issues, parsed.source) };
  }
  const { checked } = result;
  const { issues, programError } = literalProblems(parsed.parsed, parsed.source);
  if (issues.length > 0) {
    return { ok: false, issues, message: displayIssues(issues, parsed.source) };
  }
  if (programError !== undefined) {
    return { ok: false, issues, message: programError, isProgramError: true };
  }
  const step = plan(checked, environment);
  return {
    ok: true,
    program: {
      source,
      type: checked.type,
      checked,
      evaluate(activation, options) {
        const frame = new Frame(activation, options?.costBudget ?? Infinity);
        try {
          const value = step(frame);
          return value instanceof EvaluationError
            ? { ok: false, error: value.message, cost: frame.cost, isOverBudget: false }
            : { ok: true, value, cost: frame.cost };
        } catch (error) {
          if (!(error instanceof CostLimitExceeded)) {
            throw error;
          }
          return { ok: false, error: error.message, cost: frame.cost, isOverBudget: true };
        }
      },
    },
  };
}
