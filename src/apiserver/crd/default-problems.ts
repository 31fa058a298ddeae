import type { FieldError } from '#api/status-error.ts';
import type { JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { RUNTIME_COST_BUDGET } from '#cel/kubernetes-environment.ts';
import { embeddedProblems } from './embedded-problems.ts';
import { prune } from './prune.ts';
import { evaluateRules } from './rules/evaluate-rules.ts';
import { ruleTreeOf } from './rules/rule-tree.ts';
import { compileSchema, isSchemaProps, type Schema } from './structural-schema.ts';
import { valueProblems } from './value-problems.ts';

/** What is wrong with the defaults of a schema: each must be what the schema itself allows. */
export function defaultProblems(props: JSONSchemaProps, path: string): readonly FieldError[] {
  const check: Check = { found: [], budget: RUNTIME_COST_BUDGET };
  visit(props, compileSchema(props), { path, isMeta: false, isRoot: true }, check);
  return check.found;
}

interface Check {
  readonly found: FieldError[];
  /** Cost units left for the rules of all defaults. */
  budget: number;
}

interface Place {
  readonly path: string;
  /** In the type or metadata of an object. */
  readonly isMeta: boolean;
  readonly isRoot: boolean;
}

function visit(props: JSONSchemaProps, schema: Schema, place: Place, check: Check): void {
  const isResource = place.isRoot || schema.isEmbeddedResource;
  const isMeta = place.isMeta && !schema.isEmbeddedResource;
  if (props.default !== undefined) {
    checkDefault(props.default, schema, { ...place, isMeta }, check);
  }
  if (isSchemaProps(props.items) && schema.items !== undefined) {
    visit(props.items, schema.items, { path: `${place.path}.items`, isMeta, isRoot: false }, check);
  }
  for (const [name, property] of Object.entries(props.properties ?? {})) {
    const below = schema.properties.get(name);
    if (below !== undefined && check.budget >= 0) {
      visit(
        property,
        below,
        {
          path: `${place.path}.properties[${name}]`,
          isMeta: isMeta || (isResource && META_FIELDS.has(name)),
          isRoot: false,
        },
        check,
      );
    }
  }
}

const META_FIELDS: ReadonlySet<string> = new Set(['metadata', 'apiVersion', 'kind']);

function checkDefault(value: unknown, schema: Schema, { path, isMeta }: Place, check: Check): void {
  const at = `${path}.default`;
  const { found } = check;
  if (!isMeta && !jsonEqual(prune(value, schema, schema.isEmbeddedResource), value)) {
    found.push({
      path: at,
      reason: 'FieldValueInvalid',
      badValue: value,
      detail: 'must not have unknown fields',
    });
  }
  const before = found.length;
  if (!isMeta) {
    found.push(...embeddedProblems(value, schema, at));
  }
  if (found.length === before) {
    found.push(...valueProblems(value, schema, { path: at }));
  }
  if (found.length === before) {
    checkRules(value, schema, at, check);
  }
}

/** A default may come with an object or be what an update leaves, so its rules hold either way. */
function checkRules(value: unknown, schema: Schema, path: string, check: Check): void {
  const tree = ruleTreeOf(schema, schema.isEmbeddedResource);
  if (tree === undefined) {
    return;
  }
  const kept = evaluateRules(tree, { value, old: value, path }, check.budget);
  const given =
    kept.errors.length === 0
      ? evaluateRules(tree, { value, old: undefined, path }, check.budget)
      : { errors: [], budget: kept.budget };
  check.found.push(...kept.errors, ...given.errors);
  check.budget = Math.min(kept.budget, given.budget);
}
