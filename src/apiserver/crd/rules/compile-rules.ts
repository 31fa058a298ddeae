import type { ValidationRule } from '#api/types/apiextensions.v1.ts';
import { schemaVariable, type Environment } from '#cel/environment.ts';
import { estimateCost } from '#cel/estimate-cost.ts';
import { compile, type Program } from '#cel/program.ts';
import type { Schema as CelSchema } from '#cel/schema.ts';
import { BOOL, optionalOf, sameType, STRING } from '#cel/types.ts';
import { kubernetesExpressions } from '../../expressions/kubernetes-expressions.ts';
import type { Schema } from '../structural-schema.ts';
import { followPath } from './field-path.ts';

/** One rule of a schema, ready to run or with what is wrong with it. */
export interface CompiledRule {
  readonly rule: ValidationRule;
  /** Undefined for a rule that is empty or did not compile. */
  readonly program: Program | undefined;
  readonly error: string | undefined;
  /** A transition rule: it compares with the value before. */
  readonly usesOldSelf: boolean;
  /** The most that one evaluation can cost, as estimated. */
  readonly costMax: number;
  readonly message: Program | undefined;
  readonly messageError: string | undefined;
  readonly messageCostMax: number;
  /** Where below the value errors are reported; empty for the value itself. */
  readonly fieldPath: string;
}

/** Compiles the rules on one level of a schema, which expressions see as `self`. */
export function compileRules(schema: Schema, self: CelSchema): readonly CompiledRule[] {
  const base = kubernetesExpressions();
  const variable = schemaVariable('self', self);
  const old = schemaVariable('oldSelf', self);
  const environment = base.extend([variable, old]);
  // An optional value is made ready by whoever evaluates; the schema is there for estimates.
  const optional = base.extend([variable, { name: 'oldSelf', type: optionalOf(old.type), schema: self }]);
  return schema.validations.map((rule) =>
    compileRule(rule, schema, rule.optionalOldSelf === true ? optional : environment),
  );
}

function compileRule(rule: ValidationRule, schema: Schema, environment: Environment): CompiledRule {
  const nothing: CompiledRule = {
    rule,
    program: undefined,
    error: undefined,
    usesOldSelf: false,
    costMax: 0,
    message: undefined,
    messageError: undefined,
    messageCostMax: 0,
    fieldPath: '',
  };
  if (rule.rule.trim() === '') {
    return nothing;
  }
  const compiled = compile(rule.rule, environment);
  if (!compiled.ok) {
    const stage = compiled.isProgramError === true ? 'program instantiation failed' : 'compilation failed';
    return { ...nothing, error: `${stage}: ${compiled.message}` };
  }
  const { program } = compiled;
  if (!sameType(program.type, BOOL)) {
    return { ...nothing, error: 'cel expression must evaluate to a bool' };
  }
  return {
    ...nothing,
    program,
    usesOldSelf: [...program.checked.references.values()].some(
      (reference) => reference.kind === 'variable' && reference.name === 'oldSelf',
    ),
    costMax: estimateCost(program.checked, environment).max,
    ...compileMessage(rule.messageExpression ?? '', environment),
    fieldPath: fieldPathOf(rule, schema),
  };
}

function compileMessage(source: string, environment: Environment): Partial<CompiledRule> {
  if (source === '') {
    return {};
  }
  const compiled = compile(source, environment);
  if (!compiled.ok) {
    const stage = compiled.isProgramError === true ? 'instantiation failed' : 'compilation failed';
    return { messageError: `messageExpression ${stage}: ${compiled.message}` };
  }
  const { program } = compiled;
  return sameType(program.type, STRING)
    ? { message: program, messageCostMax: estimateCost(program.checked, environment).max }
    : { messageError: 'messageExpression must evaluate to a string' };
}

function fieldPathOf({ fieldPath = '' }: ValidationRule, schema: Schema): string {
  const found = fieldPath === '' ? undefined : followPath(fieldPath, schema, true);
  return found !== undefined && 'path' in found ? found.path : '';
}
