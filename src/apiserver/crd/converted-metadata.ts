import { fieldErrorText } from '#api/status-error.ts';
import { checkAnnotations, checkLabels } from '#api/validation/object-meta.ts';
import { Problems } from '#api/validation/problems.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { isRecord, type JsonRecord } from '#codec/own-property.ts';
import type { DraftObject } from '../registry/strategy.ts';

/**
 * A converted object with the metadata it had before: whoever converts may change labels and annotations and nothing
 * else. A text says what it changed that it may not.
 */
export function withOwnMetadata(original: DraftObject, converted: JsonRecord): DraftObject | string {
  const { metadata } = converted;
  if (metadata === undefined) {
    return 'missing metadata in converted object';
  }
  if (!isRecord(metadata)) {
    return `invalid metadata of type ${typeof metadata} in converted object`;
  }
  for (const [field, said] of IDENTITY) {
    const [before = '', after = ''] = [original.metadata[field], metadata[field]];
    if (before !== after) {
      return `must have the same ${said}: ${before} != ${String(after)}`;
    }
  }
  const kept: Record<string, unknown> = { ...original.metadata };
  for (const field of ['labels', 'annotations'] as const) {
    const given = metadata[field];
    if (given === undefined || given === null) {
      delete kept[field];
      continue;
    }
    const wrong = isRecord(given)
      ? textProblem(field, given, original.metadata[field] ?? {})
      : `invalid metadata.${field} of type ${typeof given} in converted object`;
    if (wrong !== undefined) {
      return wrong;
    }
    kept[field] = given;
  }
  // Whatever was given for it, what is left is the metadata of an object.
  return { ...converted, metadata: kept } as unknown as DraftObject;
}

const IDENTITY = [
  ['name', 'name'],
  ['namespace', 'namespace'],
  ['uid', 'UID'],
] as const;

function textProblem(
  field: 'labels' | 'annotations',
  given: JsonRecord,
  before: Readonly<Record<string, string>>,
): string | undefined {
  const wrong = Object.entries(given).find(([, value]) => typeof value !== 'string');
  if (wrong !== undefined) {
    return `metadata.${field}[${wrong[0]}] must be a string, but is ${typeof wrong[1]} in converted object`;
  }
  if (jsonEqual(given, before)) {
    return undefined;
  }
  const problems = new Problems();
  // All values were just seen to be texts.
  const texts = given as Readonly<Record<string, string>>;
  if (field === 'labels') {
    checkLabels(problems, 'metadata.labels', texts);
  } else {
    checkAnnotations(problems, 'metadata.annotation', texts);
  }
  const found = problems.found.map(fieldErrorText);
  return found.length === 0 ? undefined : found.length === 1 ? found[0] : `[${found.join(', ')}]`;
}
