import { labelSelectorFromObject } from '../label-selector.ts';
import { labelValueProblems, qualifiedNameProblems } from '../names.ts';
import type { LabelSelector } from '../types/meta.v1.ts';
import { checkLabels } from './object-meta.ts';
import { Problems } from './problems.ts';

export function checkLabelSelector(
  problems: Problems,
  path: string,
  selector: LabelSelector | undefined,
): void {
  if (selector === undefined) {
    return;
  }
  checkLabels(problems, `${path}.matchLabels`, selector.matchLabels);
  for (const [index, { key, operator, values = [] }] of (selector.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        problems.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        problems.forbidden(
          `${at}.values`,
          "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        );
      }
    } else {
      problems.invalid(`${at}.operator`, operator, 'not a valid selector operator');
    }
    problems.names(`${at}.key`, key, qualifiedNameProblems(key));
    for (const [valueIndex, value] of values.entries()) {
      problems.names(`${at}.values[${valueIndex}]`, value, labelValueProblems(value));
    }
  }
}

export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length === 0;
}

/** Whether a selector that says something does not choose these labels. One that is malformed chooses nothing to tell of. */
export function isMismatch(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  const scratch = new Problems();
  checkLabelSelector(scratch, '', selector);
  return scratch.found.length === 0 && !labelSelectorFromObject(selector).matches(labels);
}

/**
 * The selector of a workload: there, not empty, and choosing the pods of its own template.
 *
 * @param kind as the sentence about an empty selector names it
 */
export function checkOwnSelector(
  problems: Problems,
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>> | undefined,
  kind: string,
): void {
  const path = 'spec.selector';
  if (selector === undefined) {
    problems.required(path);
  } else {
    checkLabelSelector(problems, path, selector);
    if (isEmptySelector(selector)) {
      problems.invalid(path, selector, `empty selector is invalid for ${kind}`);
    }
  }
  if (!isEmptySelector(selector) && isMismatch(selector, labels)) {
    problems.invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`');
  }
}
