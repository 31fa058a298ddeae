import type { FieldError } from '#api/status-error.ts';
import type { JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import { Problems } from '#api/validation/problems.ts';
import { defaultProblems } from './default-problems.ts';
import { openApiProblems } from './open-api-problems.ts';
import { RuleContext, RuleCosts } from './rules/definition-rules.ts';
import { structuralProblems } from './structural-problems.ts';
import { compileSchema } from './structural-schema.ts';

export interface SchemaCheck {
  /** The version keeps its status apart, which is validated by its own part of the schema. */
  readonly hasStatus: boolean;
  /** The schema was accepted before and did not change. */
  readonly isAccepted: boolean;
}

/** Everything that is wrong with the schema of a version. */
export function schemaProblems(
  schema: JSONSchemaProps,
  path: string,
  { hasStatus, isAccepted }: SchemaCheck,
): readonly FieldError[] {
  const problems = new Problems();
  if (hasStatus) {
    checkRoot(problems, schema, path);
  }
  if (schema.nullable === true) {
    problems.forbidden(`${path}.nullable`, 'nullable cannot be true at the root');
  }
  const structural = structuralProblems(schema, path);
  const early = structural.length > 0 ? structural : defaultProblems(schema, path);
  problems.addAll(early);
  // Rules are compiled against types, which only a structural schema has.
  const costs = new RuleCosts(isAccepted);
  const rules = early.length > 0 ? undefined : RuleContext.root(compileSchema(schema), costs);
  const found = openApiProblems(schema, path, rules);
  problems.addAll(found.schema);
  problems.addAll(found.rules);
  problems.addAll(costs.problems(path));
  return problems.found;
}

/** What may stand beside `properties` at the root: other rules would be lost for the status. By Go's names, as said. */
const ROOT_FIELDS: ReadonlyMap<string, string> = new Map([
  ['description', 'Description'],
  ['type', 'Type'],
  ['format', 'Format'],
  ['title', 'Title'],
  ['maximum', 'Maximum'],
  ['exclusiveMaximum', 'ExclusiveMaximum'],
  ['minimum', 'Minimum'],
  ['exclusiveMinimum', 'ExclusiveMinimum'],
  ['maxLength', 'MaxLength'],
  ['minLength', 'MinLength'],
  ['pattern', 'Pattern'],
  ['maxItems', 'MaxItems'],
  ['minItems', 'MinItems'],
  ['uniqueItems', 'UniqueItems'],
  ['multipleOf', 'MultipleOf'],
  ['required', 'Required'],
  ['items', 'Items'],
  ['properties', 'Properties'],
  ['externalDocs', 'ExternalDocs'],
  ['example', 'Example'],
  ['x-kubernetes-preserve-unknown-fields', 'XPreserveUnknownFields'],
  ['x-kubernetes-validations', 'XValidations'],
]);

function checkRoot(problems: Problems, schema: JSONSchemaProps, path: string): void {
  if (schema.type !== undefined && schema.type !== '' && schema.type !== 'object') {
    problems.invalid(
      `${path}.type`,
      schema.type,
      'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
    );
  }
  const isOther = Object.entries(schema).some(
    ([name, value]) =>
      !ROOT_FIELDS.has(name) && name !== 'nullable' && value !== undefined && value !== false,
  );
  if (isOther || schema.nullable === true) {
    problems.invalid(
      path,
      schema,
      `only [${[...ROOT_FIELDS.values()].join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`,
    );
  }
}
