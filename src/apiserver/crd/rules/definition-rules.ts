import type { FieldError } from '#api/status-error.ts';
import type { JSONSchemaProps, ValidationRule } from '#api/types/apiextensions.v1.ts';
import { Problems } from '#api/validation/problems.ts';
import { UNBOUNDED } from '#cel/cost-range.ts';
import { STATIC_ESTIMATED_COST_MAX, STATIC_ESTIMATED_TOTAL_COST_MAX } from '#cel/kubernetes-environment.ts';
import { cardinalityMax } from '#cel/schema-size.ts';
import type { Schema as CelSchema } from '#cel/schema.ts';
import type { Schema } from '../structural-schema.ts';
import { compileRules, type CompiledRule } from './compile-rules.ts';
import { celSchemaOf } from './rule-schema.ts';

/** Rules that cost most are named when all of them together cost too much. */
const EXPENSIVE_NAMED_MAX = 4;

/** The estimated costs of all rules of one schema. */
export class RuleCosts {
  /** Costs of single rules are not looked at: those of a schema that was accepted once stay accepted. */
  readonly isAccepted: boolean;
  #total = 0;
  #expensive: readonly { readonly path: string; readonly cost: number }[] = [];

  constructor(isAccepted: boolean) {
    this.isAccepted = isAccepted;
  }

  add(path: string, cost: number): void {
    this.#total = Math.min(this.#total + cost, UNBOUNDED);
    if (cost >= STATIC_ESTIMATED_TOTAL_COST_MAX / 100) {
      this.#expensive = [...this.#expensive, { path, cost }]
        .toSorted((left, right) => right.cost - left.cost)
        .slice(0, EXPENSIVE_NAMED_MAX);
    }
  }

  /** @param path of the whole schema */
  problems(path: string): readonly FieldError[] {
    const problems = new Problems();
    if (this.#total > STATIC_ESTIMATED_TOTAL_COST_MAX) {
      for (const expensive of this.#expensive) {
        problems.forbidden(
          expensive.path,
          'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
        );
      }
      problems.forbidden(
        path,
        tooExpensive(
          'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema',
          this.#total,
          STATIC_ESTIMATED_TOTAL_COST_MAX,
        ),
      );
    }
    return problems.found;
  }
}

type Step =
  | { readonly kind: 'items' }
  | { readonly kind: 'values' }
  | { readonly kind: 'property'; readonly name: string };

/** What rules at one place of a schema need to know of it. */
export class RuleContext {
  readonly schema: Schema;
  readonly isResourceRoot: boolean;
  /** How many values of this schema an object can hold; undefined when nothing bounds it but the size of a request. */
  readonly countMax: number | undefined;
  readonly costs: RuleCosts;

  private constructor(parts: Pick<RuleContext, 'schema' | 'isResourceRoot' | 'countMax' | 'costs'>) {
    this.schema = parts.schema;
    this.isResourceRoot = parts.isResourceRoot;
    this.countMax = parts.countMax;
    this.costs = parts.costs;
  }

  static root(schema: Schema, costs: RuleCosts): RuleContext {
    return new RuleContext({ schema, isResourceRoot: true, countMax: 1, costs });
  }

  below(props: JSONSchemaProps, child: JSONSchemaProps, step: Step): RuleContext | undefined {
    const schema = childSchema(this.schema, step);
    const factor = countFactor(props);
    return schema === undefined
      ? undefined
      : new RuleContext({
          schema,
          isResourceRoot: child['x-kubernetes-embedded-resource'] === true,
          countMax:
            this.countMax === undefined || factor === undefined
              ? undefined
              : Math.min(this.countMax * factor, UNBOUNDED),
          costs: this.costs,
        });
  }
}

function childSchema({ items, additional, properties }: Schema, step: Step): Schema | undefined {
  switch (step.kind) {
    case 'items':
      return items;
    case 'values':
      return typeof additional === 'object' ? additional : undefined;
    case 'property':
      return properties.get(step.name);
  }
}

/** How many children a value can have. */
function countFactor(props: JSONSchemaProps): number | undefined {
  if (props.type === 'object' && props.additionalProperties !== undefined) {
    return props.maxProperties === undefined ? undefined : Math.max(0, props.maxProperties);
  }
  if (props.type === 'array') {
    return props.maxItems === undefined ? undefined : Math.max(0, props.maxItems);
  }
  return 1;
}

/**
 * What is wrong with the expressions of one level of a schema: they do not compile, or may cost too much.
 *
 * @param uncorrelated the outermost place below which no value has one before it to compare with
 */
export function definitionRuleProblems(
  path: string,
  context: RuleContext,
  uncorrelated: string | undefined,
): readonly FieldError[] {
  const problems = new Problems();
  const at = `${path}.x-kubernetes-validations`;
  const self = celSchemaOf(context.schema, context.isResourceRoot);
  if (self === undefined) {
    return [
      {
        path: at,
        reason: 'InternalError',
        detail:
          'internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations',
      },
    ];
  }
  for (const [index, compiled] of compileRules(context.schema, self).entries()) {
    const where = { at: `${at}[${index}]`, context, self };
    checkCost(problems, compiled, where);
    if (compiled.error !== undefined) {
      problems.invalid(`${where.at}.rule`, shownRule(compiled.rule), compiled.error);
    }
    checkMessage(problems, compiled, where);
    checkOldSelf(problems, compiled, where.at, uncorrelated);
  }
  return problems.found;
}

interface Where {
  readonly at: string;
  readonly context: RuleContext;
  readonly self: CelSchema;
}

function checkCost(problems: Problems, { costMax }: CompiledRule, { at, context, self }: Where): void {
  const cost = Math.min(costMax * (context.countMax ?? cardinalityMax(self)), UNBOUNDED);
  if (!context.costs.isAccepted && cost > STATIC_ESTIMATED_COST_MAX) {
    problems.forbidden(`${at}.rule`, tooExpensive('estimated rule cost', cost, STATIC_ESTIMATED_COST_MAX));
  }
  context.costs.add(`${at}.rule`, cost);
}

function checkMessage(problems: Problems, compiled: CompiledRule, { at, context }: Where): void {
  const { rule, message, messageError, messageCostMax } = compiled;
  const path = `${at}.messageExpression`;
  if (messageError !== undefined) {
    problems.invalid(path, shownRule(rule), messageError);
  } else if (message !== undefined) {
    if (!context.costs.isAccepted && messageCostMax > STATIC_ESTIMATED_COST_MAX) {
      const name = 'estimated messageExpression cost';
      problems.forbidden(path, tooExpensive(name, messageCostMax, STATIC_ESTIMATED_COST_MAX));
    }
    context.costs.add(path, messageCostMax);
  }
}

/** The rule as upstream's sentences show it: by Go's names. */
function shownRule(rule: ValidationRule): object {
  return {
    Rule: rule.rule,
    Message: rule.message ?? '',
    MessageExpression: rule.messageExpression ?? '',
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? '',
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  };
}

function checkOldSelf(
  problems: Problems,
  { rule, usesOldSelf }: CompiledRule,
  at: string,
  uncorrelated: string | undefined,
): void {
  if (usesOldSelf && uncorrelated !== undefined) {
    problems.invalid(
      `${at}.rule`,
      rule.rule,
      `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`,
    );
  }
  if (!usesOldSelf && rule.optionalOldSelf !== undefined) {
    problems.invalid(
      `${at}.optionalOldSelf`,
      rule.optionalOldSelf,
      'may not be set if oldSelf is not used in rule',
    );
  }
}

function tooExpensive(name: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown =
    factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${name} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
