import { qualifiedNameProblems } from '../names.ts';
import type { Condition } from '../types/meta.v1.ts';
import type { Problems } from './problems.ts';

const REASON = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const REASON_FORM = new RegExp(`^${REASON}$`);
const REASON_MAX = 1024;
const MESSAGE_MAX = 32_768;

/** Conditions in the form that all newer kinds share. */
export function checkConditions(
  problems: Problems,
  path: string,
  conditions: readonly Condition[] | undefined,
): void {
  const types = new Map<string, number>();
  for (const [index, condition] of (conditions ?? []).entries()) {
    const at = `${path}[${index}]`;
    if (types.has(condition.type)) {
      problems.duplicate(`${at}.type`, condition.type);
    }
    types.set(condition.type, index);
    checkCondition(problems, at, condition);
  }
}

function checkCondition(problems: Problems, at: string, condition: Condition): void {
  const { type, status, reason, message, lastTransitionTime, observedGeneration } = condition;
  problems.names(`${at}.type`, type, qualifiedNameProblems(type));
  if (type === '') {
    problems.required(`${at}.type`);
  }
  problems.oneOf(`${at}.status`, status, ['False', 'True', 'Unknown']);
  if (observedGeneration !== undefined && observedGeneration < 0) {
    problems.invalid(`${at}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero');
  }
  if ((lastTransitionTime ?? '') === '') {
    problems.required(`${at}.lastTransitionTime`, 'must be set');
  }
  if (reason === '') {
    problems.required(`${at}.reason`);
  } else {
    if (!REASON_FORM.test(reason)) {
      problems.invalid(
        `${at}.reason`,
        reason,
        `a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${REASON}')`,
      );
    }
    if (reason.length > REASON_MAX) {
      problems.tooLong(`${at}.reason`, REASON_MAX);
    }
  }
  if (message.length > MESSAGE_MAX) {
    problems.tooLong(`${at}.message`, MESSAGE_MAX);
  }
}
