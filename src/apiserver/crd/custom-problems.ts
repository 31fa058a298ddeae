import type { FieldError } from '#api/status-error.ts';
import { validatorFor } from '#api/validation/validators.ts';
import type { DraftObject } from '../registry/strategy.ts';
import { CorrelatedValue } from './correlated-value.ts';
import type { CustomVersion } from './custom-strategy.ts';
import { embeddedProblems } from './embedded-problems.ts';
import { listProblems } from './list-problems.ts';
import { scaleSpecProblems, scaleStatusProblems } from './scale-problems.ts';
import { valueProblems } from './value-problems.ts';

/** What is wrong with a new custom object, apart from its rules. */
export function createProblems(object: DraftObject, version: CustomVersion): readonly FieldError[] {
  const { info, schema } = version;
  return [
    ...validatorFor(info).validateCreate(object),
    ...valueProblems(object, schema),
    ...scaleProblems(object, version),
    ...embeddedProblems(object, schema),
    ...listProblems(object, schema),
  ];
}

/** What is wrong with a changed custom object. What was so before and did not change is let through. */
export function updateProblems(
  next: DraftObject,
  current: DraftObject,
  version: CustomVersion,
): readonly FieldError[] {
  const { info, schema } = version;
  return [
    ...validatorFor(info).validateUpdate(next, current),
    ...valueProblems(next, schema, { correlated: new CorrelatedValue(next, current, schema) }),
    ...scaleProblems(next, version),
    ...embeddedProblems(next, schema),
    ...newListProblems(next, current, version),
  ];
}

/** What is wrong with a changed status. */
export function statusProblems(
  next: DraftObject,
  current: DraftObject,
  version: CustomVersion,
): readonly FieldError[] {
  const { info, schema, definition } = version;
  const status = schema.properties.get('status');
  const scale = definition.subresources?.scale;
  const correlated = new CorrelatedValue(next, current, schema).key('status');
  return [
    ...validatorFor(info).validateUpdate(next, current),
    ...(status === undefined || next['status'] === undefined
      ? []
      : valueProblems(next['status'], status, { path: 'status', correlated })),
    ...(scale === undefined ? [] : scaleStatusProblems(next, scale)),
    ...newListProblems(next, current, version),
  ];
}

function scaleProblems(object: DraftObject, { definition }: CustomVersion): readonly FieldError[] {
  const scale = definition.subresources?.scale;
  return scale === undefined
    ? []
    : [...scaleSpecProblems(object, scale), ...scaleStatusProblems(object, scale)];
}

function newListProblems(
  next: DraftObject,
  current: DraftObject,
  { schema }: CustomVersion,
): readonly FieldError[] {
  const found = listProblems(next, schema);
  return found.length > 0 && listProblems(current, schema).length > 0 ? [] : found;
}
