import type { Environment, Variable as CelVariable } from '#cel/environment.ts';
import { DYN, listOf, mapOf, structType, type Type } from '#cel/types.ts';
import {
  EvaluationError,
  StructValue,
  type StructShape,
  type StructShapeField,
  type Value,
} from '#cel/value.ts';
import { PER_CALL_COST_MAX } from '#cel/kubernetes-environment.ts';
import { compileExpression, type Expression } from './expression.ts';

/** A named part of a policy, which later expressions know as `variables.name`. */
export interface NamedExpression {
  readonly name: string;
  readonly expression: string;
}

/** Types that keep their meaning from one expression to the next; all others are taken as any. */
const SIMPLE: ReadonlySet<Type['kind']> = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'int',
  'null',
  'string',
  'timestamp',
  'uint',
]);

function declaredType(type: Type): Type {
  const [first = DYN, second = DYN] = type.parameters.map(declaredType);
  if (type.kind === 'list') {
    return listOf(first);
  }
  return type.kind === 'map' ? mapOf(first, second) : SIMPLE.has(type.kind) ? type : DYN;
}

/** `variables`: one field for each that is compiled so far. */
class VariablesShape implements StructShape {
  readonly type = structType('kubernetes.variables');
  readonly expressions = new Map<string, Expression>();

  get fieldNames(): readonly string[] {
    return [...this.expressions.keys()];
  }

  field(name: string): StructShapeField | undefined {
    const expression = this.expressions.get(name);
    return expression === undefined
      ? undefined
      : {
          type: expression.program === undefined ? DYN : declaredType(expression.program.type),
          property: name,
          adapt: (value) => value as Value,
        };
  }
}

/** The variables of one policy. Each may use those before it. */
export class Composition {
  readonly #shape = new VariablesShape();

  /** The environment with `variables` in it; it knows those that were added, also later. */
  extend(environment: Environment): Environment {
    const variables: CelVariable = { name: 'variables', type: this.#shape.type };
    return environment.extend([variables], [this.#shape]);
  }

  /** @param environment one that {@link extend} made */
  add({ name, expression }: NamedExpression, environment: Environment): Expression {
    const compiled = compileExpression(expression, environment, undefined);
    this.#shape.expressions.set(name, compiled);
    return compiled;
  }

  /**
   * The value of `variables` for one activation: each is evaluated when it is first read, and only once.
   *
   * @param onCost told what each evaluation cost
   */
  valueFor(activation: () => Readonly<Record<string, unknown>>, onCost: (cost: number) => void): StructValue {
    const record = {};
    for (const [name, expression] of this.#shape.expressions) {
      let value: Value | undefined;
      Object.defineProperty(record, name, {
        enumerable: true,
        get: () => {
          value ??= evaluateVariable({ name, expression, activation: activation() }, onCost);
          return value;
        },
      });
    }
    return new StructValue(this.#shape, record);
  }
}

function evaluateVariable(
  {
    name,
    expression: { program, problem },
    activation,
  }: {
    readonly name: string;
    readonly expression: Expression;
    readonly activation: Readonly<Record<string, unknown>>;
  },
  onCost: (cost: number) => void,
): Value {
  const quoted = JSON.stringify(name);
  if (program === undefined) {
    return new EvaluationError(`composited variable ${quoted} fails to compile: ${problem}`);
  }
  const outcome = program.evaluate(activation, { costBudget: PER_CALL_COST_MAX });
  onCost(outcome.cost);
  return outcome.ok
    ? outcome.value
    : new EvaluationError(`composited variable ${quoted} fails to evaluate: ${outcome.error}`);
}
