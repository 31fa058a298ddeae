import type { Expr, ParsedExpression } from './ast.ts';
import { PatternError } from './regex/pattern.ts';
import { Regex } from './regex/regex.ts';
import type { CelIssue, Source } from './source.ts';
import { DurationText, TIMESTAMP_SECONDS_MAX, TIMESTAMP_SECONDS_MIN, TimestampText } from './time-text.ts';
import { EvaluationError } from './value.ts';

/** Literal arguments that can be seen to be wrong without running anything. */
export interface LiteralProblems {
  readonly issues: readonly CelIssue[];
  /** Why the expression could not be made ready to run: a pattern that is looked at only then. */
  readonly programError: string | undefined;
}

export function literalProblems({ root, offsets }: ParsedExpression, source: Source): LiteralProblems {
  const issues: CelIssue[] = [];
  let programError: string | undefined;
  eachCall(root, (name, argument) => {
    if (argument.kind !== 'literal') {
      return;
    }
    const { value } = argument;
    if (isWrong(name, value)) {
      const location = source.locate(offsets[argument.id] ?? 0);
      issues.push({ message: `invalid ${name} argument`, location });
    } else if ((name === 'find' || name === 'findAll') && typeof value === 'string') {
      programError ??= patternProblem(value);
    }
  });
  return { issues, programError };
}

function isWrong(name: string, value: unknown): boolean {
  switch (name) {
    case 'duration':
      return typeof value === 'string' && DurationText.parse(value) instanceof EvaluationError;
    case 'timestamp':
      return typeof value === 'string'
        ? TimestampText.parse(value) instanceof EvaluationError
        : (typeof value === 'number' || typeof value === 'bigint') &&
            (value < TIMESTAMP_SECONDS_MIN || value > TIMESTAMP_SECONDS_MAX);
    case 'matches':
      return typeof value === 'string' && patternProblem(value) !== undefined;
    default:
      return false;
  }
}

function patternProblem(pattern: string): string | undefined {
  try {
    Regex.compile(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof PatternError) {
      return error.message;
    }
    throw error;
  }
}

/** Every call with its first argument. Macros may have put one part in several places; it is seen once. */
function eachCall(
  expr: Expr,
  visit: (name: string, argument: Expr) => void,
  seen: Set<Expr> = new Set(),
): void {
  if (seen.has(expr)) {
    return;
  }
  seen.add(expr);
  const all = (...parts: readonly (Expr | undefined)[]): void => {
    for (const part of parts) {
      if (part !== undefined) {
        eachCall(part, visit, seen);
      }
    }
  };
  switch (expr.kind) {
    case 'select':
      return all(expr.operand);
    case 'call': {
      const [first] = expr.args;
      if (first !== undefined) {
        visit(expr.name, first);
      }
      return all(expr.target, ...expr.args);
    }
    case 'list':
      return all(...expr.elements.map(({ value }) => value));
    case 'map':
      return all(...expr.entries.flatMap(({ key, value }) => [key, value]));
    case 'struct':
      return all(...expr.fields.map(({ value }) => value));
    case 'comprehension':
      return all(expr.range, expr.accuInit, expr.condition, expr.step, expr.result);
    default:
      return undefined;
  }
}
