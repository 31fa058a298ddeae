import type { ValidatingAdmissionPolicy, Validation } from '#api/types/admissionregistration.v1.ts';
import { MESSAGE_SIZE_MAX_BYTES, RUNTIME_COST_BUDGET } from '#cel/kubernetes-environment.ts';
import { BOOL, NULL, STRING } from '#cel/types.ts';
import { typeOfValue } from '#cel/value.ts';
import { Activation, type ExpressionInput } from '../expressions/activation.ts';
import { admissionEnvironment } from '../expressions/admission-variables.ts';
import { Composition } from '../expressions/composition.ts';
import {
  Budget,
  BudgetError,
  compileExpression,
  evaluate,
  type Evaluation,
  type Expression,
} from '../expressions/expression.ts';
import { MatchConditions, type MatchOutcome } from '../expressions/match-conditions.ts';

/** What one validation of a policy says of a write. */
export interface Decision {
  readonly action: 'admit' | 'deny';
  /** `error` when the expression did not say it, but failed. */
  readonly evaluation: 'admit' | 'deny' | 'error';
  readonly message: string;
  /** The status's; the default one when empty. */
  readonly reason: string;
}

export type AuditNote =
  | { readonly kind: 'publish'; readonly key: string; readonly value: string }
  | { readonly kind: 'error'; readonly message: string };

export interface Verdict {
  /** In the order of the policy's validations. */
  readonly decisions: readonly Decision[];
  readonly notes: readonly AuditNote[];
}

const ADMIT: Decision = { action: 'admit', evaluation: 'admit', message: '', reason: '' };

interface CompiledValidation {
  readonly validation: Validation;
  readonly expression: Expression;
  readonly message: Expression | undefined;
}

/** A ValidatingAdmissionPolicy, compiled. What does not compile fails whenever it is evaluated. */
export class ValidatingEvaluator {
  readonly conditions: { match(input: ExpressionInput): MatchOutcome } | undefined;
  readonly #composition: Composition;
  readonly #ignoresFailures: boolean;
  readonly #validations: readonly CompiledValidation[];
  readonly #notes: readonly {
    readonly key: string;
    readonly source: string;
    readonly expression: Expression;
  }[];

  constructor({ spec }: Pick<ValidatingAdmissionPolicy, 'spec'>) {
    const { validations = [], auditAnnotations = [], matchConditions = [], variables = [] } = spec;
    const hasParams = spec.paramKind !== undefined;
    const composition = new Composition();
    const environment = composition.extend(admissionEnvironment({ hasParams, hasAuthorizer: true }));
    const forMessages = composition.extend(admissionEnvironment({ hasParams, hasAuthorizer: false }));
    variables.forEach((variable) => composition.add(variable, environment));
    this.#composition = composition;
    this.#ignoresFailures = spec.failurePolicy === 'Ignore';
    const { failurePolicy } = spec;
    this.conditions =
      matchConditions.length === 0
        ? undefined
        : new MatchConditions(matchConditions, { environment, failurePolicy, composition });
    this.#validations = validations.map((validation) => ({
      validation,
      expression: compileExpression(validation.expression, environment, [BOOL]),
      message:
        (validation.messageExpression ?? '') === ''
          ? undefined
          : compileExpression(validation.messageExpression ?? '', forMessages, [STRING]),
    }));
    this.#notes = auditAnnotations.map(({ key, valueExpression }) => ({
      key,
      source: valueExpression,
      expression: compileExpression(valueExpression, environment, [STRING, NULL]),
    }));
  }

  /** What a failure amounts to: nothing, for policies that ignore it. */
  failure(message: string): Decision {
    return { action: this.#ignoresFailures ? 'admit' : 'deny', evaluation: 'error', message, reason: '' };
  }

  /** Judges one write with one parameter. Match conditions were asked before. */
  evaluate(input: ExpressionInput): Verdict {
    try {
      const decisions = this.#validate(input);
      return { decisions, notes: this.#annotate(input) };
    } catch (error) {
      if (error instanceof BudgetError) {
        return { decisions: [this.failure(error.message)], notes: [] };
      }
      throw error;
    }
  }

  #validate(input: ExpressionInput): readonly Decision[] {
    const budget = new Budget(RUNTIME_COST_BUDGET);
    const activation = new Activation(input, this.#composition);
    const results = this.#validations.map(({ expression }) => evaluate(expression, activation, budget));
    const messages = this.#messages({ ...input, authorizer: undefined }, budget);
    return this.#validations.map(({ validation }, index) => {
      const result = results[index];
      if (result === undefined || result.kind === 'failed') {
        return this.failure(result?.message ?? '');
      }
      if (messages instanceof BudgetError) {
        return this.failure(`failed messageExpression: ${messages.message}`);
      }
      return result.value === true ? ADMIT : denial(validation, messages[index]);
    });
  }

  /** All messages are made, also of validations that hold. */
  #messages(input: ExpressionInput, budget: Budget): readonly (Evaluation | undefined)[] | BudgetError {
    const activation = new Activation(input, this.#composition);
    try {
      return this.#validations.map(({ message }) =>
        message === undefined ? undefined : evaluate(message, activation, budget),
      );
    } catch (error) {
      if (error instanceof BudgetError) {
        return error;
      }
      throw error;
    }
  }

  #annotate(input: ExpressionInput): readonly AuditNote[] {
    const budget = new Budget(RUNTIME_COST_BUDGET);
    const activation = new Activation({ ...input, authorizer: undefined }, this.#composition);
    return this.#notes.flatMap(({ key, source, expression }): readonly AuditNote[] => {
      const result = evaluate(expression, activation, budget);
      if (result.kind === 'failed') {
        return this.#ignoresFailures ? [] : [{ kind: 'error', message: result.message }];
      }
      if (result.value === null) {
        return [];
      }
      if (typeof result.value !== 'string') {
        const { name } = typeOfValue(result.value);
        const message = `valueExpression '${source}' resulted in unsupported return type: ${name}. Return type must be either string or null.`;
        return [{ kind: 'error', message }];
      }
      const value = result.value.trim();
      return value === '' ? [] : [{ kind: 'publish', key, value }];
    });
  }
}

function denial({ message = '', expression, reason }: Validation, made: Evaluation | undefined): Decision {
  const own = made?.kind === 'value' && typeof made.value === 'string' ? usable(made.value.trim()) : '';
  const said = own === '' ? message.trim() : own;
  return {
    action: 'deny',
    evaluation: 'deny',
    message: said === '' ? `failed expression: ${expression.trim()}` : said,
    reason: reason ?? 'Invalid',
  };
}

/** A message that is too long or has several lines is none. */
function usable(message: string): string {
  return Buffer.byteLength(message) > MESSAGE_SIZE_MAX_BYTES || message.includes('\n') ? '' : message;
}
