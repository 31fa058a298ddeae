import type { MutatingAdmissionPolicy, Mutation } from '#api/types/admissionregistration.v1.ts';
import { assert } from '#base/assert.ts';
import { RUNTIME_COST_BUDGET } from '#cel/kubernetes-environment.ts';
import { listOf } from '#cel/types.ts';
import type { Value } from '#cel/value.ts';
import { Activation, type ExpressionInput } from '../expressions/activation.ts';
import { admissionEnvironment } from '../expressions/admission-variables.ts';
import { Composition } from '../expressions/composition.ts';
import {
  Budget,
  BudgetError,
  compileExpression,
  evaluate,
  type Expression,
} from '../expressions/expression.ts';
import { MatchConditions } from '../expressions/match-conditions.ts';
import { JSON_PATCH_TYPE, OBJECT_TYPE } from '../expressions/patch-values.ts';

/** What one mutation wants, before it meets the object. A text says why it could not be told. */
export type WantedChange =
  | { readonly kind: 'patch' | 'apply'; readonly value: Value }
  | { readonly kind: 'failed'; readonly message: string };

interface CompiledMutation {
  readonly kind: 'patch' | 'apply';
  readonly expression: Expression;
}

/** A MutatingAdmissionPolicy, compiled. What does not compile fails whenever it is evaluated. */
export class MutatingEvaluator {
  readonly conditions: MatchConditions | undefined;
  readonly #composition = new Composition();
  readonly #mutations: readonly CompiledMutation[];

  constructor({ spec }: Pick<MutatingAdmissionPolicy, 'spec'>) {
    const { mutations = [], matchConditions = [], variables = [], failurePolicy } = spec;
    const choice = { hasParams: spec.paramKind !== undefined, hasAuthorizer: true };
    const composition = this.#composition;
    const environment = composition.extend(admissionEnvironment(choice));
    const forPatches = composition.extend(admissionEnvironment({ ...choice, hasPatchTypes: true }));
    variables.forEach((variable) => composition.add(variable, environment));
    this.conditions =
      matchConditions.length === 0
        ? undefined
        : new MatchConditions(matchConditions, { environment, failurePolicy, composition });
    this.#mutations = mutations.map((mutation) => compileMutation(mutation, forPatches));
  }

  get mutationCount(): number {
    return this.#mutations.length;
  }

  /** What the mutation at an index wants, given the object as those before have left it. */
  evaluate(index: number, input: ExpressionInput): WantedChange {
    const mutation = this.#mutations[index];
    assert(mutation !== undefined, 'an index of a mutation');
    const { kind, expression } = mutation;
    if (expression.program === undefined) {
      return { kind: 'failed', message: expression.problem };
    }
    try {
      const activation = new Activation(input, this.#composition);
      const result = evaluate(expression, activation, new Budget(RUNTIME_COST_BUDGET));
      return result.kind === 'failed' ? result : { kind, value: result.value };
    } catch (error) {
      if (error instanceof BudgetError) {
        return { kind: 'failed', message: error.message };
      }
      throw error;
    }
  }
}

function compileMutation(
  { patchType, jsonPatch, applyConfiguration }: Mutation,
  environment: Parameters<typeof compileExpression>[1],
): CompiledMutation {
  return patchType === 'JSONPatch'
    ? {
        kind: 'patch',
        expression: compileExpression(jsonPatch?.expression ?? '', environment, [listOf(JSON_PATCH_TYPE)]),
      }
    : {
        kind: 'apply',
        expression: compileExpression(applyConfiguration?.expression ?? '', environment, [OBJECT_TYPE]),
      };
}
