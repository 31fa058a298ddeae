import type { ApiObject } from '#api/object.ts';
import { parseFieldSelector, type FieldSelector } from '#api/field-selector.ts';
import { parseLabelSelector, type LabelSelector } from '#api/label-selector.ts';
import { badRequest } from '#api/status-error.ts';
import type { DraftObject, Strategy } from './strategy.ts';

/** What can be selected by. */
export type Selectable = Pick<Strategy, 'info' | 'selectableFields'>;

/** Which objects of a resource a list, watch or deletecollection is about. */
export interface Selection {
  /** True when nothing is filtered out. */
  readonly isEverything: boolean;
  /** Set when the field selector names one object. */
  readonly name: string | undefined;
  matches(object: ApiObject): boolean;
}

const EVERYTHING: Selection = { isEverything: true, name: undefined, matches: () => true };

/** @throws {StatusError} BadRequest for a selector that does not parse or names a field that cannot be selected by */
export function parseSelection(strategy: Selectable, labelText: string, fieldText: string): Selection {
  const labels = labelText === '' ? undefined : parseLabelSelector(labelText);
  const fields = fieldText === '' ? undefined : parseFieldSelector(fieldText);
  if (labels === undefined && fields === undefined) {
    return EVERYTHING;
  }
  const readers = fields === undefined ? undefined : fieldReaders(strategy, fields);
  const named = fields?.requirements.find(
    ({ field, operator }) => field === 'metadata.name' && operator === '=',
  );
  return {
    isEverything: false,
    name: named?.value,
    matches: (object) => matchesLabels(labels, object) && matchesFields(fields, readers, object),
  };
}

type Reader = (object: DraftObject) => string;

const METADATA_READERS: Readonly<Record<string, Reader>> = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace ?? '',
};

function fieldReaders(strategy: Selectable, fields: FieldSelector): ReadonlyMap<string, Reader> {
  const readers = new Map<string, Reader>();
  for (const { field } of fields.requirements) {
    const isMetadata =
      Object.hasOwn(METADATA_READERS, field) && (field !== 'metadata.namespace' || strategy.info.namespaced);
    const reader = isMetadata
      ? METADATA_READERS[field]
      : Object.hasOwn(strategy.selectableFields, field)
        ? strategy.selectableFields[field]
        : undefined;
    if (reader === undefined) {
      throw badRequest(`field label not supported: ${field}`);
    }
    readers.set(field, reader);
  }
  return readers;
}

function matchesLabels(labels: LabelSelector | undefined, object: ApiObject): boolean {
  return labels === undefined || labels.matches(object.metadata.labels ?? {});
}

function matchesFields(
  fields: FieldSelector | undefined,
  readers: ReadonlyMap<string, Reader> | undefined,
  object: ApiObject,
): boolean {
  // Every stored object has the shape of its kind.
  return (
    fields === undefined || fields.matches((field) => readers?.get(field)?.(object as DraftObject) ?? '')
  );
}
