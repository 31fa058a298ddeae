import { fieldErrorText, type FieldError } from '#api/status-error.ts';
import type { ValidationRule } from '#api/types/apiextensions.v1.ts';
import {
  MESSAGE_SIZE_MAX_BYTES,
  PER_CALL_COST_MAX,
  RUNTIME_COST_BUDGET,
} from '#cel/kubernetes-environment.ts';
import type { Outcome } from '#cel/program.ts';
import { adapterOf } from '#cel/schema.ts';
import { OptionalValue } from '#cel/value.ts';
import { getOwn, isRecord, type JsonRecord } from '#codec/own-property.ts';
import { ListByKey, type CorrelatedValue } from '../correlated-value.ts';
import type { CompiledRule } from './compile-rules.ts';
import type { RuleTree } from './rule-tree.ts';

export interface RuleSubject {
  readonly value: unknown;
  /** What the value replaces; undefined for a new one. */
  readonly old: unknown;
  /** How errors name the value; empty for a whole object. */
  readonly path: string;
  /** Set when what did not change is to be let through with a warning. */
  readonly correlated?: CorrelatedValue | undefined;
}

export interface RuleFindings {
  readonly errors: readonly FieldError[];
  /** Rules that are broken and were before. */
  readonly warnings: readonly string[];
  /** Cost units left; negative when they ran out. */
  readonly budget: number;
}

/** Checks a value against all rules of its schema, until `budget` is used up. */
export function evaluateRules(
  tree: RuleTree,
  { value, old, path, correlated }: RuleSubject,
  budget = RUNTIME_COST_BUDGET,
): RuleFindings {
  const run = new RuleRun(budget);
  run.visit(tree, { value, old, path }, { current: correlated, parent: undefined });
  return { errors: run.errors, warnings: run.warnings, budget: run.budget };
}

interface Place {
  readonly value: unknown;
  readonly old: unknown;
  readonly path: string;
}

/** The value and the one before; where there is none before, the nearest surrounding value that has one. */
interface Correlation {
  readonly current: CorrelatedValue | undefined;
  readonly parent: CorrelatedValue | undefined;
}

const NOTHING_BEFORE: Correlation = { current: undefined, parent: undefined };

function isUnchanged({ current, parent }: Correlation): boolean {
  return (current ?? parent)?.isUnchanged === true;
}

class RuleRun {
  readonly errors: FieldError[] = [];
  readonly warnings: string[] = [];
  budget: number;

  constructor(budget: number) {
    this.budget = budget;
  }

  visit(tree: RuleTree, place: Place, correlation: Correlation): void {
    if (place.value === null || place.value === undefined) {
      return;
    }
    this.#evaluate(tree, place, correlation);
    if (Array.isArray(place.value)) {
      this.#visitItems(tree, place, place.value, correlation);
    } else if (isRecord(place.value)) {
      this.#visitFields(tree, place, place.value, correlation);
    }
  }

  #visitItems(
    { items, schema }: RuleTree,
    { old, path }: Place,
    list: readonly unknown[],
    correlation: Correlation,
  ): void {
    if (items === undefined) {
      return;
    }
    const before = new ListByKey(schema, Array.isArray(old) ? old : []);
    for (const [index, value] of list.entries()) {
      if (this.budget < 0) {
        return;
      }
      const below = under(correlation, (current) => current.index(index));
      this.visit(items, { value, old: before.get(value), path: `${path}[${index}]` }, below);
    }
  }

  #visitFields(
    { additional, properties }: RuleTree,
    { old, path }: Place,
    record: JsonRecord,
    correlation: Correlation,
  ): void {
    for (const [name, value] of Object.entries(record)) {
      const property = properties.get(name);
      const tree = property ?? additional;
      if (this.budget < 0) {
        return;
      }
      if (tree !== undefined) {
        const before = isRecord(old) ? getOwn(old, name) : undefined;
        const below =
          correlation.parent === undefined && TYPE_FIELDS.has(name)
            ? NOTHING_BEFORE
            : under(correlation, (current) => current.key(name));
        this.visit(tree, { value, old: before, path: childPath(path, name, property === undefined) }, below);
      }
    }
  }

  #evaluate({ self, schema, rules }: RuleTree, place: Place, correlation: Correlation): void {
    if (schema.validations.length === 0) {
      return;
    }
    const { path, value, old } = place;
    if (self === undefined) {
      this.#invalid(
        path,
        schema.type,
        'rule compiler initialization error: failed to convert to declType for CEL validation rules',
      );
      return;
    }
    if (this.budget <= 0) {
      this.#runOut(path, schema.type);
      return;
    }
    const hasOld = old !== null && old !== undefined;
    const plain = { self: value, oldSelf: old };
    const optional = {
      self: value,
      oldSelf: hasOld ? new OptionalValue(adapterOf(self)(old)) : OptionalValue.NONE,
    };
    for (const compiled of rules) {
      const isOptional = compiled.rule.optionalOldSelf === true;
      // A transition needs something to compare with, unless the rule says what to do without.
      if (this.budget >= 0 && !(compiled.usesOldSelf && !hasOld && !isOptional)) {
        this.#evaluateRule(compiled, isOptional ? optional : plain, {
          place,
          correlation,
          type: schema.type,
        });
      }
    }
  }

  #evaluateRule(compiled: CompiledRule, activation: JsonRecord, where: Where): void {
    const { program, rule } = compiled;
    const { path } = where.place;
    if (compiled.error !== undefined) {
      this.#invalid(path, where.type, `rule compile error: ${compiled.error}`);
    }
    if (program === undefined) {
      return;
    }
    const outcome = program.evaluate(activation, { costBudget: PER_CALL_COST_MAX });
    if (outcome.cost > this.budget) {
      this.#runOut(path, where.type);
      return;
    }
    this.budget -= outcome.cost;
    if (!outcome.ok) {
      this.#failed(outcome, rule, where);
    } else if (outcome.value !== true) {
      this.#broken(compiled, activation, where);
    }
  }

  #failed(outcome: Extract<Outcome, { ok: false }>, rule: ValidationRule, { place, type }: Where): void {
    const said = ruleText(rule);
    if (outcome.isOverBudget) {
      this.#invalid(
        place.path,
        type,
        `'${outcome.error}': no further validation rules will be run due to call cost exceeds limit for rule: ${said}`,
      );
      this.budget = -1;
    } else if (outcome.error.startsWith('no such overload')) {
      this.#invalid(
        place.path,
        type,
        `'${outcome.error}': call arguments did not match a supported operator, function or macro signature for rule: ${said}`,
      );
    } else {
      this.#invalid(place.path, type, `${outcome.error} evaluating rule: ${said}`);
    }
  }

  #broken(compiled: CompiledRule, activation: JsonRecord, where: Where): void {
    const { rule, fieldPath } = compiled;
    const { value, path } = where.place;
    const shown = fieldPath === '' ? path : childPath(path, fieldPath, false);
    const message = this.#message(compiled, activation);
    if (message?.ends === true) {
      this.#report(compiled, where, invalidOf(shown, where.type, message.text));
      this.budget = -1;
      return;
    }
    const detail =
      message?.text ??
      ((rule.message ?? '') === '' ? `failed rule: ${ruleText(rule)}` : (rule.message ?? '').trim());
    const isWhole = where.type === 'object' || where.type === 'array';
    this.#report(compiled, where, {
      path: shownPath(shown),
      reason: rule.reason ?? 'FieldValueInvalid',
      ...(isWhole ? { isValueOmitted: true } : { badValue: value }),
      detail: rule.reason === 'FieldValueDuplicate' ? '' : detail,
    });
  }

  #report({ usesOldSelf }: CompiledRule, { correlation }: Where, error: FieldError): void {
    if (!usesOldSelf && isUnchanged(correlation)) {
      this.warnings.push(fieldErrorText(error));
    } else {
      this.errors.push(error);
    }
  }

  /** What the rule itself says of the failure; undefined when it cannot, and its plain message is to be used. */
  #message(
    { message, rule }: CompiledRule,
    activation: JsonRecord,
  ): { readonly text: string; readonly ends?: true } | undefined {
    if (message === undefined) {
      return undefined;
    }
    const outcome = message.evaluate(activation, { costBudget: PER_CALL_COST_MAX });
    if (outcome.cost > this.budget) {
      return {
        ends: true,
        text: 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run',
      };
    }
    if (!outcome.ok && outcome.isOverBudget) {
      return {
        ends: true,
        text: `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${JSON.stringify(rule.messageExpression)}`,
      };
    }
    this.budget -= outcome.cost;
    const text = outcome.ok && typeof outcome.value === 'string' ? outcome.value.trim() : '';
    const isUsable = text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= MESSAGE_SIZE_MAX_BYTES;
    return isUsable ? { text } : undefined;
  }

  #runOut(path: string, type: string): void {
    this.#invalid(
      path,
      type,
      'validation failed due to running out of cost budget, no further validation rules will be run',
    );
    this.budget = -1;
  }

  #invalid(path: string, type: string, detail: string): void {
    this.errors.push(invalidOf(path, type, detail));
  }
}

interface Where {
  readonly place: Place;
  readonly correlation: Correlation;
  readonly type: string;
}

/** Both states of an object have the same, the version of the request. */
const TYPE_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind']);

function under(
  { current, parent }: Correlation,
  find: (current: CorrelatedValue) => CorrelatedValue | undefined,
): Correlation {
  return current === undefined ? { current, parent } : { current: find(current), parent: current };
}

function invalidOf(path: string, badValue: unknown, detail: string): FieldError {
  return { path: shownPath(path), reason: 'FieldValueInvalid', badValue, detail };
}

function ruleText({ rule, message = '' }: ValidationRule): string {
  return (message === '' ? rule : message).trim();
}

function childPath(path: string, name: string, isKey: boolean): string {
  return isKey ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
}

/** How an error names the object itself. */
function shownPath(path: string): string {
  return path === '' ? '<nil>' : path;
}
