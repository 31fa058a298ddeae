import type { GroupVersionKind, GroupVersionResource } from '#api/resource-type.ts';
import type {
  ExpressionWarning,
  RuleWithOperations,
  ValidatingAdmissionPolicy,
} from '#api/types/admissionregistration.v1.ts';
import { schemaVariable, type Environment, type Variable } from '#cel/environment.ts';
import type { Schema } from '#cel/schema.ts';
import { admissionEnvironment, untypedVariable } from '../expressions/admission-variables.ts';
import { Composition } from '../expressions/composition.ts';
import { compileExpression } from '../expressions/expression.ts';
import { kindOfParams } from './policy-params.ts';

/** Kinds that one rule's expressions are checked against, at most. */
const TYPES_MAX = 10;

/** What checking needs of the kinds that are served. */
export interface KindSchemas {
  /** The kind of a resource that is served. */
  kindOf(resource: GroupVersionResource): GroupVersionKind | undefined;
  /** How expressions see objects of a kind; undefined where no schema is known. */
  schemaOf(kind: GroupVersionKind): Schema | undefined;
}

/** Mistakes in a policy's expressions that show once the types of what it judges are known. They refuse nothing. */
export function expressionWarnings(
  { spec }: Pick<ValidatingAdmissionPolicy, 'spec'>,
  kinds: KindSchemas,
): readonly ExpressionWarning[] {
  const checked = kindsOf(spec.matchConstraints?.resourceRules ?? [], kinds).flatMap((kind) => {
    const schema = kinds.schemaOf(kind);
    return schema === undefined ? [] : [{ kind, environment: environmentFor(spec, schema, kinds) }];
  });
  const check = (fieldRef: string, expression: string): readonly ExpressionWarning[] => {
    const problems = checked.flatMap(({ kind, environment }) => {
      const { program, problem } = compileExpression(expression, environment, undefined);
      return program === undefined ? [`${kindText(kind)}: ${problem}\n`] : [];
    });
    return problems.length === 0 ? [] : [{ fieldRef, warning: problems.join('\n') }];
  };
  return (spec.validations ?? []).flatMap(({ expression, messageExpression = '' }, index) => [
    ...check(`spec.validations[${index}].expression`, expression),
    ...(messageExpression === ''
      ? []
      : check(`spec.validations[${index}].messageExpression`, messageExpression)),
  ]);
}

function environmentFor(
  { paramKind, variables = [] }: ValidatingAdmissionPolicy['spec'],
  schema: Schema,
  kinds: KindSchemas,
): Environment {
  const objects: Variable[] = [schemaVariable('object', schema), schemaVariable('oldObject', schema)];
  if (paramKind !== undefined) {
    const params = kinds.schemaOf(kindOfParams(paramKind));
    objects.push(params === undefined ? untypedVariable('params') : schemaVariable('params', params));
  }
  const composition = new Composition();
  const environment = composition.extend(
    admissionEnvironment({ hasParams: paramKind !== undefined, hasAuthorizer: true }, objects),
  );
  variables.forEach((variable) => composition.add(variable, environment));
  return environment;
}

/** The kinds that rules name outright; a rule with wildcards for groups or versions says nothing of types. */
function kindsOf(rules: readonly RuleWithOperations[], kinds: KindSchemas): readonly GroupVersionKind[] {
  const found = new Map<string, GroupVersionKind>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of rules) {
    if ([...apiGroups, ...apiVersions].some((name) => name.includes('*'))) {
      continue;
    }
    const named = resources.filter((resource) => !/[*/]/.test(resource)).toSorted();
    let count = 0;
    for (const group of apiGroups.toSorted()) {
      for (const version of apiVersions.toSorted()) {
        for (const resource of named) {
          const kind = kinds.kindOf({ group, version, resource });
          if (kind === undefined) {
            continue;
          }
          found.set(kindText(kind), kind);
          count += 1;
          if (count === TYPES_MAX) {
            return sorted(found);
          }
        }
      }
    }
  }
  return sorted(found);
}

function sorted(kinds: ReadonlyMap<string, GroupVersionKind>): readonly GroupVersionKind[] {
  const key = ({ group, version, kind }: GroupVersionKind): string => `${group}\0${version}\0${kind}`;
  return [...kinds.values()].toSorted((left, right) => (key(left) < key(right) ? -1 : 1));
}

function kindText({ group, version, kind }: GroupVersionKind): string {
  return `${group}/${version}, Kind=${kind}`;
}
