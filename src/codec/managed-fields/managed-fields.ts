import type { StructType } from '#api/schema/schema.ts';
import type { ManagedFieldsEntry } from '#api/types/meta.v1.ts';
import { normalizeObject } from '../typed-decode.ts';
import { createdFields } from './created-fields.ts';
import { type Comparison, compareFields } from './field-compare.ts';
import { shapeOfStruct } from './field-shape.ts';
import { internFields } from './interned-fields.ts';
import {
  type FieldsNode,
  NO_FIELDS,
  difference,
  isEmptySet,
  recursiveDifference,
  sameFields,
  union,
} from './fields-v1.ts';

/** An object as far as its managed fields are concerned. */
export interface Tracked {
  readonly metadata: { readonly managedFields?: readonly ManagedFieldsEntry[] };
}

export interface UpdateOptions<T extends Tracked> {
  /** What is stored now; undefined for a create. */
  readonly live: Tracked | undefined;
  readonly next: T;
  /** The table of the kind; undefined for a custom resource without a schema, whose fields are deduced. */
  readonly struct: StructType | undefined;
  /** The client's name for itself, from `fieldManager` or its user agent. */
  readonly manager: string;
  readonly apiVersion: string;
  /** `status`, or empty. */
  readonly subresource: string;
  /** RFC 3339, for an entry that changes. */
  readonly time: string;
  /** How the write looks in the versions that other managers wrote in, where those name their fields otherwise. */
  readonly elsewhere?: StatesElsewhere | undefined;
}

/** An object before and after a write, in one version. */
export interface VersionStates {
  readonly before: object | undefined;
  readonly after: object;
  readonly struct: StructType | undefined;
}

/** By apiVersion. A version that is gone owns nothing any more. */
export type StatesElsewhere = ReadonlyMap<string, VersionStates | 'gone'>;

/** What a write changes for the owner of an entry, in the entry's version. */
export type ChangeFor = (entry: ManagedFieldsEntry) => Comparison | undefined | 'gone';

/** One manager's fields, decoded from its entry. */
export interface Owner {
  readonly entry: ManagedFieldsEntry;
  readonly fields: FieldsNode;
}

/** Fields that the server alone sets, or that name the object; nobody owns them. */
export const UNOWNED_FIELDS: FieldsNode = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    'f:creationTimestamp': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:name': {},
    'f:namespace': {},
    'f:resourceVersion': {},
    'f:selfLink': {},
    'f:uid': {},
  },
};

const FIELDS_TYPE = 'FieldsV1';
/** Entries of ordinary writers beyond this many are folded into one. */
const UPDATERS_MAX = 10;
const FOLDED_MANAGER = 'ancient-changes';

/**
 * Records who wrote what after a write that is not an apply: the writer owns what it changed, everybody loses what was
 * removed. Entries that do not change are kept as they are, and a write that changes nothing costs one comparison.
 */
export function updateManagedFields<T extends Tracked>(options: UpdateOptions<T>): T {
  const { live, next, struct, manager, apiVersion, subresource, time } = options;
  const given = next.metadata.managedFields;
  if (given?.length === 1 && given[0] !== undefined && isBlank(given[0])) {
    // One blank entry is how a client asks to stop the tracking.
    return withManagedFields(next, []);
  }
  const liveEntries = live?.metadata.managedFields ?? [];
  const isUsable = given !== undefined && given.length > 0 && (given === liveEntries || areWellFormed(given));
  const before = isUsable ? given : liveEntries;
  const key = { manager, operation: 'Update', apiVersion, subresource };
  if (live === undefined && before.length === 0 && struct !== undefined) {
    const fields = createdFields(next, zeroObject(struct), struct, () =>
      changedFields(undefined, next, struct),
    );
    return withManagedFields(next, isEmptySet(fields) ? [] : [entryOf(key, fields, time)]);
  }
  const comparison = compareTracked(live, next, struct);
  if (comparison === undefined) {
    return given === before ? next : withManagedFields(next, before);
  }
  const changeFor = changesFor(comparison, options.elsewhere);
  const owners = takeFromOthers(ownersOf(before), changeFor, (entry) => isEntryOf(entry, key));
  const changed = union(comparison.modified, comparison.added);
  const own = owners.find(({ entry }) => isEntryOf(entry, key));
  const fields = union(difference(own?.fields ?? NO_FIELDS, comparison.removed), changed);
  const others = owners.filter((owner) => owner !== own);
  const entry =
    own !== undefined && sameFields(own.fields, fields)
      ? own.entry
      : entryOf(key, internFields(fields), time);
  const all = isEmptySet(fields) ? others : [...others, { entry, fields }];
  return withManagedFields(next, entriesOf(foldOldest(all)));
}

/** What a writer owns after this one change. */
function changedFields(before: object | undefined, after: object, struct: StructType): FieldsNode {
  const comparison = compareTracked(before, after, struct);
  return comparison === undefined ? NO_FIELDS : union(comparison.modified, comparison.added);
}

/** What changes between two objects, apart from what nobody owns. */
export function compareTracked(
  before: object | undefined,
  after: object,
  struct: StructType | undefined,
): Comparison | undefined {
  const found = compareFields(before ?? zeroObject(struct), after, shapeOfStruct(struct));
  if (found === undefined) {
    return undefined;
  }
  const comparison = {
    added: recursiveDifference(found.added, UNOWNED_FIELDS),
    modified: recursiveDifference(found.modified, UNOWNED_FIELDS),
    removed: recursiveDifference(found.removed, UNOWNED_FIELDS),
  };
  return Object.values(comparison).every(isEmptySet) ? undefined : comparison;
}

const zeroObjects = new WeakMap<StructType, object>();

/** A create is compared with an object that says nothing, so that `spec` itself is not a change. */
export function zeroObject(struct: StructType | undefined): object {
  if (struct === undefined) {
    return { metadata: {} };
  }
  let zero = zeroObjects.get(struct);
  if (zero === undefined) {
    zero = normalizeObject({}, struct);
    zeroObjects.set(struct, zero);
  }
  return zero;
}

export function ownersOf(entries: readonly ManagedFieldsEntry[]): readonly Owner[] {
  // The wire form of a set of fields is its form here; isWellFormed and this program's own writing vouch for it.
  return entries.map((entry) => ({ entry, fields: (entry.fieldsV1 ?? NO_FIELDS) as FieldsNode }));
}

/** Changes by version: as `own` says, unless the entry's version names its fields otherwise. */
export function changesFor(own: Comparison | undefined, elsewhere: StatesElsewhere | undefined): ChangeFor {
  const known = new Map<string, Comparison | undefined>();
  return ({ apiVersion = '' }) => {
    const states = elsewhere?.get(apiVersion);
    if (states === undefined || states === 'gone') {
      return states ?? own;
    }
    if (!known.has(apiVersion)) {
      known.set(apiVersion, compareTracked(states.before, states.after, states.struct));
    }
    return known.get(apiVersion);
  };
}

/** Everybody but the writer loses what changed and what is gone. */
export function takeFromOthers(
  owners: readonly Owner[],
  changeFor: ChangeFor,
  isWriter: (entry: ManagedFieldsEntry) => boolean,
): readonly Owner[] {
  const lost = new Map<Comparison, FieldsNode>();
  const lostBy = (change: Comparison): FieldsNode => {
    const fields = lost.get(change) ?? union(union(change.added, change.modified), change.removed);
    lost.set(change, fields);
    return fields;
  };
  return owners.flatMap((owner) => {
    if (isWriter(owner.entry)) {
      return [owner];
    }
    const change = changeFor(owner.entry);
    if (change === undefined) {
      return [owner];
    }
    if (change === 'gone') {
      return [];
    }
    const fields = difference(owner.fields, lostBy(change));
    if (fields === owner.fields) {
      return [owner];
    }
    return isEmptySet(fields) ? [] : [{ entry: { ...owner.entry, fieldsV1: fields }, fields }];
  });
}

export interface EntryKey {
  readonly manager: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly subresource: string;
}

/** An applier has one entry whatever version it applies in; an updater one for each version. */
export function isEntryOf(entry: ManagedFieldsEntry, key: EntryKey): boolean {
  return (
    entry.manager === key.manager &&
    entry.operation === key.operation &&
    (entry.subresource ?? '') === key.subresource &&
    (key.operation === 'Apply' || entry.apiVersion === key.apiVersion)
  );
}

export function entryOf(key: EntryKey, fields: FieldsNode, time: string): ManagedFieldsEntry {
  return {
    manager: key.manager,
    operation: key.operation,
    apiVersion: key.apiVersion,
    time,
    fieldsType: FIELDS_TYPE,
    fieldsV1: fields,
    ...(key.subresource === '' ? {} : { subresource: key.subresource }),
  };
}

export function entriesOf(owners: readonly Owner[]): readonly ManagedFieldsEntry[] {
  return owners.map(({ entry }) => entry).sort(compareEntries);
}

function compareEntries(left: ManagedFieldsEntry, right: ManagedFieldsEntry): number {
  const order = (entry: ManagedFieldsEntry): string =>
    [entry.operation, entry.time, entry.manager, entry.apiVersion, entry.subresource].join('\n');
  const [first, second] = [order(left), order(right)];
  return first < second ? -1 : first > second ? 1 : 0;
}

export function withManagedFields<T extends Tracked>(object: T, entries: readonly ManagedFieldsEntry[]): T {
  const { managedFields: _replaced, ...rest } = object.metadata;
  const metadata = entries.length === 0 ? rest : { ...rest, managedFields: entries };
  return { ...object, metadata };
}

/** Many short-lived writers would fill the object with entries; the oldest are folded together. */
export function foldOldest(owners: readonly Owner[]): readonly Owner[] {
  const updaters = owners.filter(
    ({ entry }) => entry.operation === 'Update' && (entry.subresource ?? '') === '',
  );
  if (updaters.length <= UPDATERS_MAX) {
    return owners;
  }
  const oldest = updaters
    .toSorted((left, right) => compareEntries(left.entry, right.entry))
    .slice(0, updaters.length - UPDATERS_MAX + 1);
  const folded = new Map<string, Owner>();
  for (const { entry, fields } of oldest) {
    const { apiVersion = '', time = '' } = entry;
    const all = union(folded.get(apiVersion)?.fields ?? NO_FIELDS, fields);
    const key = { manager: FOLDED_MANAGER, operation: 'Update', apiVersion, subresource: '' };
    folded.set(apiVersion, { entry: entryOf(key, all, time), fields: all });
  }
  return [...owners.filter((owner) => !oldest.includes(owner)), ...folded.values()];
}

function isBlank(entry: ManagedFieldsEntry): boolean {
  return Object.values(entry).every((value) => value === undefined || value === '');
}

/** Whether every entry says in a known form who owns what. */
export function areWellFormed(entries: readonly ManagedFieldsEntry[]): boolean {
  return entries.every(isWellFormed);
}

function isWellFormed(entry: ManagedFieldsEntry): boolean {
  return (
    (entry.operation === 'Apply' || entry.operation === 'Update') &&
    entry.fieldsType === FIELDS_TYPE &&
    isFieldsTree(entry.fieldsV1)
  );
}

function isFieldsTree(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(
      ([key, child]) => (key === '.' || /^[fkvi]:/.test(key)) && isFieldsTree(child),
    )
  );
}
