import type { Schema as CelSchema } from '#cel/schema.ts';
import type { Schema } from '../structural-schema.ts';
import { compileRules, type CompiledRule } from './compile-rules.ts';
import { celSchemaOf } from './rule-schema.ts';

/** The rules of a schema and of everything below it; branches without rules are left out. */
export interface RuleTree {
  readonly schema: Schema;
  /** Undefined where expressions cannot see the value, which no accepted rule stands on. */
  readonly self: CelSchema | undefined;
  readonly rules: readonly CompiledRule[];
  readonly items: RuleTree | undefined;
  readonly properties: ReadonlyMap<string, RuleTree>;
  readonly additional: RuleTree | undefined;
}

const trees = new WeakMap<Schema, RuleTree | undefined>();

/**
 * The compiled rules of a schema; made at the first call for each schema, and undefined where there are none.
 *
 * @param isResourceRoot a whole object, custom or embedded
 */
export function ruleTreeOf(schema: Schema, isResourceRoot: boolean): RuleTree | undefined {
  if (!trees.has(schema)) {
    trees.set(schema, buildTree(schema, isResourceRoot));
  }
  return trees.get(schema);
}

function buildTree(schema: Schema, isResourceRoot: boolean): RuleTree | undefined {
  const below = (child: Schema): RuleTree | undefined => ruleTreeOf(child, child.isEmbeddedResource);
  const items = schema.items === undefined ? undefined : below(schema.items);
  const additional = typeof schema.additional === 'object' ? below(schema.additional) : undefined;
  const properties = new Map<string, RuleTree>();
  for (const [name, property] of schema.properties) {
    const tree = below(property);
    // What expressions cannot see is left out of their validation altogether.
    if (tree?.self !== undefined) {
      properties.set(name, tree);
    }
  }
  const hasRules = schema.validations.length > 0;
  if (!hasRules && items === undefined && additional === undefined && properties.size === 0) {
    return undefined;
  }
  const self = celSchemaOf(schema, isResourceRoot);
  const rules = hasRules && self !== undefined ? compileRules(schema, self) : [];
  return { schema, self, rules, items, properties, additional };
}
