import { LabelSelector, labelSelectorFromObject, NOTHING } from '#api/label-selector.ts';
import type { LabelRequirement, Labels } from '#api/label-requirement.ts';
import { StatusError } from '#api/status-error.ts';
import type { LabelSelector as LabelSelectorObject } from '#api/types/meta.v1.ts';

export const NO_LABELS: Labels = {};

/**
 * The selector of an object inside a pod, narrowed by `label = value` pairs. One that the server would refuse
 * matches nothing: it can only come from a store that something else wrote to.
 */
export function selectorOf(
  selector: LabelSelectorObject | undefined,
  equalities: Labels = NO_LABELS,
): LabelSelector {
  const own = readSelector(selector);
  const narrowing = Object.entries(equalities).map(([key, value]): LabelRequirement => ({
    key,
    operator: '=',
    values: [value],
  }));
  return own.isNothing || narrowing.length === 0
    ? own
    : new LabelSelector([...own.requirements, ...narrowing]);
}

/** A text that is the same for selectors that mean the same; fit as a map key. */
export function selectorKey(selector: LabelSelector): string {
  return selector.isNothing ? '\0nothing' : selector.toString();
}

function readSelector(selector: LabelSelectorObject | undefined): LabelSelector {
  try {
    return labelSelectorFromObject(selector);
  } catch (error) {
    if (error instanceof StatusError) {
      return NOTHING;
    }
    throw error;
  }
}
