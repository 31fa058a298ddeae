import { Environment } from './environment.ts';
import type { Variable } from './environment.ts';
import { jsonOfValue } from './json-of-value.ts';
import type { Json } from './json-of-value.ts';
import { OPERATORS } from './library/operators.ts';
import { CONVERSIONS } from './library/conversions.ts';
import { OPTIONAL } from './library/optional.ts';
import { compile } from './program.ts';
import { Double, EvaluationError, OptionalValue, TypeValue, Uint, typeOfValue } from './value.ts';
import type { Value } from './value.ts';

export const CORE = Environment.of([OPERATORS, CONVERSIONS, OPTIONAL]);

/** A value as tables spell it: JSON, with a word for what JSON cannot say. */
export type Shown = Json | { readonly error: string };

export interface Evaluated {
  readonly value: Value;
  readonly cost: number;
}

/** Compiles and runs an expression that must compile. */
export function evaluate(
  source: string,
  environment: Environment = CORE,
  activation: Readonly<Record<string, unknown>> = {},
): Evaluated {
  const compiled = compile(source, environment);
  if (!compiled.ok) {
    throw new Error(compiled.message);
  }
  const outcome = compiled.program.evaluate(activation);
  return { value: outcome.ok ? outcome.value : new EvaluationError(outcome.error), cost: outcome.cost };
}

/** What an expression comes to, in a form to compare: `1u`, `1.5d`, `error: …`, `type: int`, or JSON. */
export function show(
  source: string,
  environment?: Environment,
  activation?: Readonly<Record<string, unknown>>,
): Json {
  return showValue(evaluate(source, environment, activation).value);
}

export function showValue(value: Value): Json {
  if (value instanceof EvaluationError) {
    return `error: ${value.message}`;
  }
  if (value instanceof Double) {
    return `${Object.is(value.value, -0) ? '-0' : value.value}d`;
  }
  if (value instanceof Uint) {
    return `${value.value}u`;
  }
  if (value instanceof TypeValue) {
    return `type: ${value.named.name}`;
  }
  if (value instanceof OptionalValue) {
    return value.value === undefined ? 'none' : ['some', showValue(value.value)];
  }
  const json = jsonOfValue(value);
  return json instanceof EvaluationError ? `a ${typeOfValue(value).name}` : json;
}

/** The message of an expression that must not compile. */
export function compileError(source: string, environment: Environment = CORE): string {
  const compiled = compile(source, environment);
  return compiled.ok ? 'compiled' : compiled.message;
}

export function withVariables(...variables: readonly Variable[]): Environment {
  return CORE.extend(variables);
}
