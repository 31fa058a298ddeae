import type { MatchCondition } from '#api/types/admissionregistration.v1.ts';
import type { Environment } from '#cel/environment.ts';
import { MATCH_CONDITIONS_COST_BUDGET } from '#cel/kubernetes-environment.ts';
import { BOOL } from '#cel/types.ts';
import { Activation, type ExpressionInput } from './activation.ts';
import type { Composition } from './composition.ts';
import { Budget, BudgetError, compileExpression, evaluate, type Expression } from './expression.ts';

export type MatchOutcome =
  | { readonly kind: 'matches' }
  /** `failures` are evaluations that failed before a condition said no, or all of them when the policy ignores them. */
  | { readonly kind: 'differs'; readonly failures: number }
  | { readonly kind: 'failed'; readonly message: string; readonly failures: number };

/** Conditions that a webhook or policy puts on a write beside its rules: all must hold. */
export class MatchConditions {
  readonly #expressions: readonly Expression[];
  readonly #composition: Composition | undefined;
  readonly #ignoresFailures: boolean;

  constructor(
    conditions: readonly MatchCondition[],
    options: {
      readonly environment: Environment;
      readonly failurePolicy: string | undefined;
      readonly composition?: Composition;
    },
  ) {
    this.#expressions = conditions.map(({ expression }) =>
      compileExpression(expression, options.environment, [BOOL]),
    );
    this.#composition = options.composition;
    this.#ignoresFailures = options.failurePolicy === 'Ignore';
  }

  /** One condition that does not hold decides, also when others fail. */
  match(input: ExpressionInput): MatchOutcome {
    const activation = new Activation({ ...input, namespace: undefined }, this.#composition);
    const budget = new Budget(MATCH_CONDITIONS_COST_BUDGET);
    const problems: string[] = [];
    let differs = false;
    let failures = 0;
    try {
      // All are evaluated before any result counts, so that what they cost does not depend on what they say.
      for (const expression of this.#expressions) {
        const result = evaluate(expression, activation, budget);
        if (result.kind === 'failed') {
          failures += differs ? 0 : 1;
          problems.push(result.message);
        } else if (result.value === false) {
          differs = true;
        }
      }
    } catch (error) {
      if (!(error instanceof BudgetError)) {
        throw error;
      }
      return this.#failed([error.message], 0);
    }
    if (differs) {
      return { kind: 'differs', failures };
    }
    return problems.length === 0 ? { kind: 'matches' } : this.#failed(problems, failures);
  }

  #failed(problems: readonly string[], failures: number): MatchOutcome {
    if (this.#ignoresFailures) {
      return { kind: 'differs', failures };
    }
    const [first = ''] = problems;
    const distinct = [...new Set(problems)];
    return { kind: 'failed', message: distinct.length === 1 ? first : `[${distinct.join(', ')}]`, failures };
  }
}
