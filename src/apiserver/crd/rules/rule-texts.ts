import type { JSONSchemaProps, ValidationRule } from '#api/types/apiextensions.v1.ts';
import type { Problems } from '#api/validation/problems.ts';
import { compileSchema } from '../structural-schema.ts';
import { followPath } from './field-path.ts';

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const LINES = /[\n\r]/;

/** What is wrong with the rules of a schema before anybody reads their expressions. */
export function checkRuleTexts(problems: Problems, schema: JSONSchemaProps, path: string): void {
  schema['x-kubernetes-validations']?.forEach((rule, index) => {
    const at = `${path}.x-kubernetes-validations[${index}]`;
    checkMessage(problems, rule, at);
    if (rule.reason !== undefined) {
      problems.oneOf(`${at}.reason`, rule.reason, REASONS);
    }
    checkFieldPath(problems, rule, schema, at);
  });
}

function checkMessage(problems: Problems, given: ValidationRule, at: string): void {
  const { message = '', messageExpression = '' } = given;
  const rule = given.rule.trim();
  const text = message.trim();
  if (rule === '') {
    problems.required(`${at}.rule`, 'rule is not specified');
  } else if (message !== '' && text === '') {
    problems.invalid(`${at}.message`, message, 'must be non-empty if specified');
  } else if (LINES.test(text)) {
    problems.invalid(`${at}.message`, message, 'must not contain line breaks');
  } else if (LINES.test(rule) && text === '') {
    problems.required(`${at}.message`, 'message must be specified if rule contains line breaks');
  }
  if (messageExpression !== '' && messageExpression.trim() === '') {
    problems.required(`${at}.messageExpression`, 'messageExpression must be non-empty if specified');
  }
}

function checkFieldPath(
  problems: Problems,
  { fieldPath = '' }: ValidationRule,
  schema: JSONSchemaProps,
  at: string,
): void {
  if (fieldPath === '') {
    return;
  }
  if (fieldPath.trim() === '') {
    problems.invalid(`${at}.fieldPath`, fieldPath, 'must be non-empty if specified');
  }
  if (LINES.test(fieldPath)) {
    problems.invalid(`${at}.fieldPath`, fieldPath, 'must not contain line breaks');
  }
  if ('problem' in followPath(fieldPath, compileSchema(schema), true)) {
    problems.invalid(`${at}.fieldPath`, fieldPath, 'must be a valid path');
  }
}
