import type { ExpressionChecker } from '#api/validation/expression-check.ts';
import type { Environment } from '#cel/environment.ts';
import { BOOL, NULL, STRING, listOf } from '#cel/types.ts';
import { admissionEnvironment, type VariableChoice } from './admission-variables.ts';
import { Composition } from './composition.ts';
import { compileExpression, type ReturnTypes } from './expression.ts';
import { JSON_PATCH_TYPE, OBJECT_TYPE } from './patch-values.ts';

/** Compiles the expressions of one policy or webhook as they will be evaluated. */
export const checkExpressions: ExpressionChecker = ({ hasParams }) => {
  const composition = new Composition();
  let hasVariables = false;
  const environment = (choice: Omit<VariableChoice, 'hasParams'>): Environment =>
    admissionEnvironment({ hasParams, ...choice });
  const composed = (choice: Omit<VariableChoice, 'hasParams'>): Environment =>
    composition.extend(environment(choice));
  const own = (choice: Omit<VariableChoice, 'hasParams'>): Environment =>
    hasVariables ? composed(choice) : environment(choice);
  return {
    condition: (source) => problemOf(source, environment({ hasAuthorizer: true }), [BOOL]),
    variable(name, expression) {
      hasVariables = true;
      const compiled = composition.add({ name, expression }, composed({ hasAuthorizer: true }));
      return compiled.program === undefined ? compiled.problem : undefined;
    },
    validation: (source) => problemOf(source, own({ hasAuthorizer: true }), [BOOL]),
    message: (source) => problemOf(source, own({ hasAuthorizer: false }), [STRING]),
    annotation: (source) => problemOf(source, own({ hasAuthorizer: true }), [STRING, NULL]),
    jsonPatch: (source) => problemOf(source, composed(PATCHES), [listOf(JSON_PATCH_TYPE)]),
    applyConfiguration: (source) => problemOf(source, composed(PATCHES), [OBJECT_TYPE]),
  };
};

const PATCHES = { hasAuthorizer: true, hasPatchTypes: true } as const;

function problemOf(source: string, environment: Environment, types: ReturnTypes): string | undefined {
  const { program, problem } = compileExpression(source, environment, types);
  return program === undefined ? problem : undefined;
}
