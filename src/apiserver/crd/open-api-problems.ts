import type { FieldError } from '#api/status-error.ts';
import type { JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import { Problems } from '#api/validation/problems.ts';
import { checkLists } from './list-schema-problems.ts';
import { definitionRuleProblems, type RuleContext } from './rules/definition-rules.ts';
import { checkRuleTexts } from './rules/rule-texts.ts';
import { isSchemaProps } from './structural-schema.ts';

/** The two kinds of findings: expressions are only looked at where the schema itself is good. */
export interface SchemaFindings {
  readonly schema: readonly FieldError[];
  readonly rules: readonly FieldError[];
}

/** Where in a definition a schema stands, and what holds there. */
interface Place {
  readonly path: string;
  readonly isRoot: boolean;
  /** Type and metadata of an object, its own or an embedded one's. */
  readonly isInsideMeta: boolean;
  /** Why there may be no default; undefined where there may. */
  readonly noDefaultReason: string | undefined;
  /** The outermost place below which values cannot be compared with those before. */
  readonly uncorrelated: string | undefined;
  /** Undefined where no rules are looked at. */
  readonly rules: RuleContext | undefined;
}

const META_FIELDS: ReadonlySet<string> = new Set(['metadata', 'kind', 'apiVersion']);

/** What is wrong with a schema of a definition, apart from its being structural. */
export function openApiProblems(
  schema: JSONSchemaProps,
  path: string,
  rules: RuleContext | undefined,
): SchemaFindings {
  return check(schema, {
    path,
    isRoot: true,
    isInsideMeta: false,
    noDefaultReason: undefined,
    uncorrelated: undefined,
    rules,
  });
}

function check(schema: JSONSchemaProps, place: Place): SchemaFindings {
  const problems = new Problems();
  const rules: FieldError[] = [];
  const visit = (child: unknown, below: Partial<Place> & { readonly path: string }): void => {
    if (isSchemaProps(child)) {
      const path = `${place.path}.${below.path}`;
      const found = check(child, { ...place, isRoot: false, ...below, path });
      problems.addAll(found.schema);
      rules.push(...found.rules);
    }
  };
  const { path } = place;
  checkUnsupported(problems, schema, place);
  if (schema.uniqueItems === true) {
    problems.forbidden(
      `${path}.uniqueItems`,
      'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    );
  }
  visitAdditional(problems, schema, place, visit);
  visitProperties(schema, place, visit);
  visitLogic(schema, visit);
  if (isSchemaProps(schema.items)) {
    const isMap = schema['x-kubernetes-list-type'] === 'map';
    visit(schema.items, {
      path: 'items',
      uncorrelated: isMap ? place.uncorrelated : (place.uncorrelated ?? path),
      rules: place.rules?.below(schema, schema.items, { kind: 'items' }),
    });
  }
  checkExtensions(problems, schema, path);
  checkLists(problems, schema, path);
  checkRuleTexts(problems, schema, path);
  const isGood = problems.found.length === 0;
  if ((schema['x-kubernetes-validations'] ?? []).length > 0 && isGood && place.rules !== undefined) {
    rules.push(...definitionRuleProblems(path, place.rules, place.uncorrelated));
  }
  return { schema: problems.found, rules };
}

type Visit = (child: unknown, below: Partial<Place> & { readonly path: string }) => void;

function visitAdditional(problems: Problems, schema: JSONSchemaProps, place: Place, visit: Visit): void {
  const { additionalProperties: additional } = schema;
  if (additional === undefined) {
    return;
  }
  if (Object.keys(schema.properties ?? {}).length > 0 && additional !== true) {
    problems.forbidden(
      `${place.path}.additionalProperties`,
      'additionalProperties and properties are mutual exclusive',
    );
  }
  visit(additional, {
    path: 'additionalProperties',
    noDefaultReason: place.isInsideMeta
      ? 'inside additionalProperties applying to object metadata'
      : place.noDefaultReason,
    rules: isSchemaProps(additional) ? place.rules?.below(schema, additional, { kind: 'values' }) : undefined,
  });
}

function visitProperties(schema: JSONSchemaProps, place: Place, visit: Visit): void {
  const mapType = schema['x-kubernetes-map-type'];
  const isCorrelated = mapType === undefined || mapType === 'granular' || mapType === 'atomic';
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const isMeta =
      (place.isRoot || schema['x-kubernetes-embedded-resource'] === true) && META_FIELDS.has(name);
    visit(property, {
      path: `properties[${name}]`,
      isInsideMeta: place.isInsideMeta || isMeta,
      noDefaultReason: isMeta && place.isRoot ? `in top-level ${name}` : place.noDefaultReason,
      uncorrelated: isCorrelated ? place.uncorrelated : (place.uncorrelated ?? place.path),
      rules: place.rules?.below(schema, property, { kind: 'property', name }),
    });
  }
}

function visitLogic(schema: JSONSchemaProps, visit: Visit): void {
  visit(schema.not, { path: 'not', rules: undefined });
  for (const kind of ['allOf', 'oneOf', 'anyOf'] as const) {
    (schema[kind] ?? []).forEach((nested, index) =>
      visit(nested, { path: `${kind}[${index}]`, rules: undefined }),
    );
  }
  for (const [name, nested] of Object.entries(schema.definitions ?? {})) {
    visit(nested, { path: `definitions[${name}]`, rules: undefined });
  }
}

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

/** Parts of JSON Schema that nothing of a custom resource may use. */
function checkUnsupported(problems: Problems, schema: JSONSchemaProps, place: Place): void {
  const { path, noDefaultReason } = place;
  if (schema.type !== undefined && schema.type !== '') {
    problems.oneOf(`${path}.type`, schema.type, TYPES);
  }
  if (schema.default !== undefined && noDefaultReason !== undefined) {
    problems.forbidden(`${path}.default`, `must not be set ${noDefaultReason}`);
  }
  for (const name of UNSUPPORTED) {
    const value = schema[name];
    const isEmpty = value === '' || (isSchemaProps(value) && Object.keys(value).length === 0);
    if (value !== undefined && (!isEmpty || name === 'additionalItems' || name === 'dependencies')) {
      problems.forbidden(`${path}.${name}`, `${name} is not supported`);
    }
  }
  if (schema.type === 'null') {
    problems.forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative');
  }
  if (Array.isArray(schema.items)) {
    problems.forbidden(`${path}.items`, 'items must be a schema object and not an array');
  }
  if (place.isInsideMeta && schema['x-kubernetes-embedded-resource'] === true) {
    problems.forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta');
  }
}

const UNSUPPORTED = [
  'id',
  'additionalItems',
  'patternProperties',
  'definitions',
  'dependencies',
  '$ref',
] as const;

function checkExtensions(problems: Problems, schema: JSONSchemaProps, path: string): void {
  const mapType = schema['x-kubernetes-map-type'];
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    problems.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined');
  }
  if (mapType !== undefined && schema.type !== 'object') {
    const detail = 'must be object if x-kubernetes-map-type is specified';
    if ((schema.type ?? '') === '') {
      problems.required(`${path}.type`, detail);
    } else {
      problems.invalid(`${path}.type`, schema.type, detail);
    }
  }
  if (mapType !== undefined) {
    problems.oneOf(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']);
  }
}
