import type { Environment } from '#cel/environment.ts';
import { PER_CALL_COST_MAX } from '#cel/kubernetes-environment.ts';
import { compile, type Program } from '#cel/program.ts';
import { sameType, type Type } from '#cel/types.ts';
import type { Value } from '#cel/value.ts';
import type { Activation } from './activation.ts';

/** An expression as a policy holds it; one that does not compile fails when it is evaluated. */
export interface Expression {
  readonly source: string;
  readonly program: Program | undefined;
  /** Why there is no program. */
  readonly problem: string;
}

/** What an expression may result in; any type when left out. */
export type ReturnTypes = readonly Type[] | undefined;

export function compileExpression(
  source: string,
  environment: Environment,
  returnTypes: ReturnTypes,
): Expression {
  const compiled = compile(source, environment);
  if (!compiled.ok) {
    return { source, program: undefined, problem: `compilation failed: ${compiled.message}` };
  }
  const { program } = compiled;
  return returnTypes === undefined || returnTypes.some((type) => sameType(type, program.type))
    ? { source, program, problem: '' }
    : { source, program: undefined, problem: typeProblem(returnTypes, program.type) };
}

function typeProblem(wanted: readonly Type[], found: Type): string {
  const [only = found, ...others] = wanted;
  const text = others.length === 0 ? declaredName(only) : `one of [${wanted.map(declaredName).join(' ')}]`;
  return `must evaluate to ${text} but got ${declaredName(found)}`;
}

/** A type by the name it was declared with, which is not always the one in the checker's messages. */
function declaredName({ name, parameters }: Type): string {
  return parameters.length === 0 ? name : `${name}(${parameters.map(declaredName).join(', ')})`;
}

export type Evaluation =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'failed'; readonly message: string };

const EXHAUSTED =
  'validation failed due to running out of cost budget, no further validation rules will be run';

/** Expressions that belong together have spent what they may spend together. */
export class BudgetError extends Error {
  override readonly name = 'BudgetError';
  readonly code = 'apiserver/expression-budget';

  constructor() {
    super(EXHAUSTED);
  }
}

/** What expressions may still spend; shared by those that are evaluated for one decision. */
export class Budget {
  #remaining: number;

  constructor(cost: number) {
    this.#remaining = cost;
  }

  /** @throws {BudgetError} */
  spend(cost: number): void {
    if (cost > this.#remaining) {
      throw new BudgetError();
    }
    this.#remaining -= cost;
  }
}

/** @throws {BudgetError} when this expression takes more than is left */
export function evaluate(expression: Expression, activation: Activation, budget: Budget): Evaluation {
  const { program, source, problem } = expression;
  if (program === undefined) {
    return { kind: 'failed', message: `compilation error: ${problem}` };
  }
  const outcome = program.evaluate(activation.values, { costBudget: PER_CALL_COST_MAX });
  // Variables are evaluated when they are first asked for, and cost whoever asked.
  budget.spend(activation.takeVariablesCost());
  budget.spend(outcome.cost);
  return outcome.ok
    ? { kind: 'value', value: outcome.value }
    : { kind: 'failed', message: `expression '${source}' resulted in error: ${outcome.error}` };
}
