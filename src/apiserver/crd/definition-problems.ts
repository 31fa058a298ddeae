import type { FieldError } from '#api/status-error.ts';
import type { CustomResourceDefinition } from '#api/types/apiextensions.v1.ts';

/** Everything wrong with a new definition. */
export function definitionProblems(_definition: CustomResourceDefinition): readonly FieldError[] {
  return [];
}

/** Everything wrong with a changed definition. */
export function definitionUpdateProblems(
  next: CustomResourceDefinition,
  _previous: CustomResourceDefinition,
): readonly FieldError[] {
  return definitionProblems(next);
}
