import type { FieldError, FieldErrorReason } from '#api/status-error.ts';
import type { ValidationCheck } from '../../registry/strategy.ts';
import { CorrelatedValue } from '../correlated-value.ts';
import type { Schema } from '../structural-schema.ts';
import { evaluateRules } from './evaluate-rules.ts';
import { ruleTreeOf } from './rule-tree.ts';

/** A value that breaks its schema in one of these ways is not fit for expressions. */
const BLOCKING: ReadonlySet<FieldErrorReason> = new Set<FieldErrorReason>([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

/** Which rules of its schema a custom object breaks. */
export function customRuleErrors(
  schema: Schema,
  { next, previous, found, context }: ValidationCheck,
): readonly FieldError[] {
  const tree = ruleTreeOf(schema, true);
  if (tree === undefined) {
    return [];
  }
  if (found.some(({ reason }) => BLOCKING.has(reason))) {
    return [
      {
        path: '<nil>',
        reason: 'FieldValueInvalid',
        badValue: 'null',
        detail:
          'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
      },
    ];
  }
  const { errors, warnings } = evaluateRules(tree, {
    value: next,
    old: previous,
    path: '',
    correlated: previous === undefined ? undefined : new CorrelatedValue(next, previous, schema),
  });
  context.warnings.push(...warnings);
  return errors;
}
