import type { StructType } from '#api/schema/schema.ts';
import { StatusError, badRequest } from '#api/status-error.ts';
import type { ManagedFieldsEntry, ObjectMeta } from '#api/types/meta.v1.ts';
import { decodeJson } from '../json-decode.ts';
import { isRecord } from '../own-property.ts';
import { decodeObject, normalizeObject } from '../typed-decode.ts';
import { mergeFields, removeFields } from './field-merge.ts';
import { fieldSetOf, withNamedParents } from './field-set.ts';
import { type Shape, shapeOfStruct } from './field-shape.ts';
import {
  type FieldsNode,
  NO_FIELDS,
  difference,
  intersection,
  isEmptySet,
  memberPaths,
  recursiveDifference,
  sameFields,
  union,
} from './fields-v1.ts';
import {
  type ChangeFor,
  type EntryKey,
  type Owner,
  type StatesElsewhere,
  type Tracked,
  UNOWNED_FIELDS,
  changesFor,
  compareTracked,
  entriesOf,
  entryOf,
  foldOldest,
  isEntryOf,
  ownersOf,
  takeFromOthers,
  withManagedFields,
  zeroObject,
} from './managed-fields.ts';

export interface ApplyOptions {
  /** What is stored now; undefined when the apply creates the object. */
  readonly live: Tracked | undefined;
  /** The applied configuration as parsed, in the same version as `live`. Fields it leaves out it says nothing of. */
  readonly patch: object;
  /** The table of the kind; undefined for a custom resource without a schema, whose fields are deduced. */
  readonly struct: StructType | undefined;
  readonly manager: string;
  readonly apiVersion: string;
  /** `status`, or empty. */
  readonly subresource: string;
  /** Take fields from other managers instead of failing with a conflict. */
  readonly force: boolean;
  readonly time: string;
  /**
   * Fields that this endpoint does not write and an apply through it does not own. Unless given: the status on the
   * object's own endpoint, spec and labels on `status`.
   */
  readonly ignored?: FieldsNode;
}

/** `kubectl apply --server-side` may take over what `kubectl apply` wrote, without a conflict. */
const TAKING_OVER_MANAGER = 'kubectl';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Server-side apply: lays a configuration over the live object, removes what this manager applied before and
 * applies no more unless others own it, and records the new owners. The result still has to be normalised and defaulted.
 *
 * @throws {StatusError} Conflict when another manager owns a field that would change, unless forced; BadRequest for a
 *   configuration that cannot be applied
 */
export function applyPatch(options: ApplyOptions): Tracked {
  const begun = beginApply(options);
  const { merged, last, others, applied, shape } = begun;
  const next = prune({
    merged,
    last: last?.fields ?? NO_FIELDS,
    owned: [applied, ...others.map((owner) => owner.fields)],
    shape,
  });
  return finishApply(options, begun, next);
}

/** An apply after its configuration was laid over the object. */
export interface BegunApply {
  readonly shape: Shape;
  readonly key: EntryKey;
  readonly merged: unknown;
  /** What the manager applied before. */
  readonly last: Owner | undefined;
  readonly others: readonly Owner[];
  /** Everything its configuration says, the object's name included: what holds a field that it says stays. */
  readonly applied: FieldsNode;
  /** Of that, what it owns. */
  readonly fields: FieldsNode;
}

export function beginApply(options: ApplyOptions): BegunApply {
  const { live, struct, manager, apiVersion, subresource } = options;
  const shape = shapeOfStruct(struct);
  const notWritten = options.ignored ?? resetFields(subresource);
  const ignored = union(UNOWNED_FIELDS, notWritten);
  const patch = removeFields(checkedPatch(options), notWritten, shape);
  const key = { manager, operation: 'Apply', apiVersion, subresource };
  const owners = ownersOf(live?.metadata.managedFields ?? []);
  const last = owners.find(({ entry }) => isEntryOf(entry, key));
  const applied = fieldSetOf(patch, shape);
  return {
    shape,
    key,
    merged: mergeFields(live ?? zeroObject(struct), patch, shape),
    last,
    others: owners.filter((owner) => owner !== last),
    applied,
    fields: recursiveDifference(applied, ignored),
  };
}

/**
 * Records who owns what of the object that an apply makes.
 *
 * @param elsewhere the object in the versions that others wrote in, where those name their fields otherwise
 * @throws {StatusError} Conflict when another manager owns a field that would change, unless forced
 */
export function finishApply(
  { live, struct, manager, force, time }: ApplyOptions,
  { shape, key, last, others, fields }: BegunApply,
  next: Tracked,
  elsewhere?: StatesElsewhere,
): Tracked {
  // The live object is in normal form, so what only looks different (`1024Mi`, `1Gi`) must not count as a change.
  const comparison = compareTracked(
    live,
    struct === undefined ? next : normalizeObject(next, struct),
    struct,
  );
  const changeFor = changesFor(comparison, elsewhere);
  if (!force) {
    refuseConflicts(others, changeFor, { live, manager, shape });
  }
  const kept =
    comparison === undefined && elsewhere === undefined
      ? others
      : takeFromOthers(others, changeFor, () => false);
  const isSame =
    last !== undefined && last.entry.apiVersion === key.apiVersion && sameFields(last.fields, fields);
  const entry = isSame ? last.entry : entryOf(key, fields, time);
  const all = isEmptySet(fields) ? kept : [...kept, { entry, fields }];
  return withManagedFields(next, entriesOf(foldOldest(all)));
}

/** What an endpoint takes from elsewhere: the status from the object's own endpoint, all else from the other. */
function resetFields(subresource: string): FieldsNode {
  return subresource === 'status' ? NOT_STATUS : subresource === '' ? STATUS : NO_FIELDS;
}

const STATUS: FieldsNode = { 'f:status': {} };
const NOT_STATUS: FieldsNode = { 'f:metadata': { 'f:labels': {} }, 'f:spec': {} };

function checkedPatch({ patch, apiVersion, struct }: ApplyOptions): object {
  const given = patch as { readonly apiVersion?: unknown; readonly metadata?: unknown };
  if (given.apiVersion !== undefined && given.apiVersion !== apiVersion) {
    throw badRequest(
      `incorrect version specified in apply patch. Specified patch version: ${typeof given.apiVersion === 'string' ? given.apiVersion : ''}, expected: ${apiVersion}`,
    );
  }
  if (
    isRecord(given.metadata) &&
    Array.isArray(given.metadata['managedFields']) &&
    given.metadata['managedFields'].length > 0
  ) {
    throw badRequest('metadata.managedFields must be nil');
  }
  if (struct !== undefined) {
    checkDeclared(patch, apiVersion, struct);
  }
  return patch;
}

/** Nobody can own a field that the table does not have. */
function checkDeclared(patch: object, apiVersion: string, struct: StructType): void {
  const { object, warnings } = decodeObject(patch, struct, { fieldValidation: 'Warn' });
  const [first] = warnings;
  if (first !== undefined) {
    const { namespace = '', name = '' } = object.metadata as Partial<ObjectMeta>;
    const owner = `${namespace}/${name}; ${apiVersion}, Kind=${object.kind}`;
    const path = `.${JSON.parse(first.replace(/^unknown field /, ''))}`;
    throw new StatusError({
      code: 500,
      reason: '',
      message: `failed to create typed patch object (${owner}): ${path}: field not declared in schema`,
    });
  }
}

export interface Pruning {
  readonly merged: unknown;
  readonly last: FieldsNode;
  /** What every manager owns now, the applying one with its new configuration. */
  readonly owned: readonly FieldsNode[];
  readonly shape: Shape;
}

/** Removes what the manager applied last time, applies no more, and nobody else owns. */
export function prune({ merged, last, owned, shape }: Pruning): Tracked {
  // Merging objects of one kind gives an object of that kind.
  const object = merged as Tracked;
  if (isEmptySet(last)) {
    return object;
  }
  const present = withNamedParents(fieldSetOf(merged, shape), shape);
  const owners = owned.reduce((all, fields) => union(all, withNamedParents(fields, shape)), NO_FIELDS);
  const abandoned = difference(intersection(present, withNamedParents(last, shape)), owners);
  return isEmptySet(abandoned) ? object : (removeFields(merged, abandoned, shape) as Tracked);
}

interface ConflictContext {
  readonly live: Tracked | undefined;
  readonly manager: string;
  readonly shape: Shape;
}

function refuseConflicts(others: readonly Owner[], changeFor: ChangeFor, context: ConflictContext): void {
  const allowed = context.manager === TAKING_OVER_MANAGER ? lastAppliedFields(context) : NO_FIELDS;
  const conflicts = others.flatMap(({ entry, fields }) => {
    const change = changeFor(entry);
    if (change === undefined || change === 'gone') {
      return [];
    }
    const changed = union(change.added, change.modified);
    return memberPaths(difference(intersection(fields, changed), allowed)).map((path) => ({
      manager: managerText(entry),
      path,
    }));
  });
  if (conflicts.length > 0) {
    throw conflictError(conflicts);
  }
}

/** The fields that client-side apply wrote, as its annotation tells. */
function lastAppliedFields({ live, shape }: ConflictContext): FieldsNode {
  const annotations = (
    live?.metadata as { readonly annotations?: Readonly<Record<string, string>> } | undefined
  )?.annotations;
  const text = annotations?.[LAST_APPLIED];
  if (text === undefined) {
    return NO_FIELDS;
  }
  try {
    return union(fieldSetOf(decodeJson(text), shape), LAST_APPLIED_ITSELF);
  } catch {
    // An annotation that a person has mangled allows nothing.
    return NO_FIELDS;
  }
}

const LAST_APPLIED_ITSELF: FieldsNode = {
  'f:metadata': { 'f:annotations': { [`f:${LAST_APPLIED}`]: {} } },
};

interface ApplyConflict {
  readonly manager: string;
  readonly path: string;
}

function conflictError(conflicts: readonly ApplyConflict[]): StatusError {
  const [first] = conflicts;
  const message =
    conflicts.length === 1 && first !== undefined
      ? `Apply failed with 1 conflict: conflict with ${first.manager}: ${first.path}`
      : `Apply failed with ${conflicts.length} conflicts: ${conflictList(conflicts)}`;
  return new StatusError({
    code: 409,
    reason: 'Conflict',
    message,
    details: {
      causes: conflicts.map(({ manager, path }) => ({
        reason: 'FieldManagerConflict',
        message: `conflict with ${manager}`,
        field: path,
      })),
    },
  });
}

function conflictList(conflicts: readonly ApplyConflict[]): string {
  const byManager = Object.entries(Object.groupBy(conflicts, ({ manager }) => manager)).sort(
    ([left], [right]) => (left < right ? -1 : 1),
  );
  return byManager
    .flatMap(([manager, list = []]) => [`conflicts with ${manager}:`, ...list.map(({ path }) => `- ${path}`)])
    .join('\n');
}

function managerText({ manager = '', subresource = '', operation, apiVersion }: ManagedFieldsEntry): string {
  const name = `${JSON.stringify(manager)}${subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
