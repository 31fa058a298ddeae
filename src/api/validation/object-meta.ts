import { type NameProblems, dnsLabelProblems, labelValueProblems, qualifiedNameProblems } from '../names.ts';
import { parseApiVersion } from '../resource-type.ts';
import type { ObjectMeta, OwnerReference } from '../types/meta.v1.ts';
import type { Problems } from './problems.ts';

/** All annotations of one object together, keys and values. */
const ANNOTATIONS_BYTES_MAX = 256 * 1024;
const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

export interface MetaRules {
  readonly isNamespaced: boolean;
  readonly nameRule: (name: string) => NameProblems;
}

/** Before the server has stamped an object its metadata may lack anything. */
export type AnyMeta = Partial<ObjectMeta>;

export function checkMeta(
  problems: Problems,
  metadata: AnyMeta,
  { isNamespaced, nameRule }: MetaRules,
): void {
  const { generateName, name, namespace } = metadata;
  if (generateName !== undefined && generateName !== '') {
    // What will be appended makes a trailing dash good.
    problems.names('metadata.generateName', generateName, nameRule(generateName.replace(/-$/, 'a')));
  }
  if (name === undefined || name === '') {
    problems.required('metadata.name', 'name or generateName is required');
  } else {
    problems.names('metadata.name', name, nameRule(name));
  }
  if (isNamespaced) {
    problems.requiredName('metadata.namespace', namespace, dnsLabelProblems);
  } else if (namespace !== undefined && namespace !== '') {
    problems.forbidden('metadata.namespace', 'not allowed on this type');
  }
  problems.nonNegative('metadata.generation', metadata.generation);
  checkCommon(problems, metadata);
}

export function checkMetaUpdate(problems: Problems, next: AnyMeta, previous: AnyMeta): void {
  if (previous.deletionTimestamp !== undefined) {
    const known = new Set(previous.finalizers);
    const added = (next.finalizers ?? []).filter((finalizer) => !known.has(finalizer));
    if (added.length > 0) {
      const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
      problems.forbidden(
        'metadata.finalizers',
        `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
      );
    }
  }
  if ((next.generation ?? 0) < (previous.generation ?? 0)) {
    problems.invalid('metadata.generation', next.generation ?? 0, 'must not be decremented');
  }
  for (const field of IMMUTABLE_FIELDS) {
    problems.immutable(`metadata.${field}`, next[field], previous[field]);
  }
  checkCommon(problems, next);
}

const IMMUTABLE_FIELDS = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

function checkCommon(problems: Problems, metadata: AnyMeta): void {
  checkLabels(problems, 'metadata.labels', metadata.labels);
  checkAnnotations(problems, 'metadata.annotations', metadata.annotations);
  checkOwners(problems, metadata.ownerReferences);
  checkFinalizers(problems, metadata.finalizers);
  for (const [index, entry] of (metadata.managedFields ?? []).entries()) {
    const path = `metadata.managedFields[${index}]`;
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
      problems.invalid(`${path}.operation`, entry.operation ?? '', 'must be `Apply` or `Update`');
    }
    if (entry.fieldsType !== undefined && entry.fieldsType !== 'FieldsV1') {
      problems.invalid(`${path}.fieldsType`, entry.fieldsType, 'must be `FieldsV1`');
    }
    if ((entry.manager ?? '').length > FIELD_MANAGER_MAX) {
      problems.tooLong(`${path}.fieldManager`, FIELD_MANAGER_MAX);
    }
  }
}

const FIELD_MANAGER_MAX = 128;

/** Labels of an object, a pod template or a selector. */
export function checkLabels(
  problems: Problems,
  path: string,
  labels: Readonly<Record<string, string>> | undefined,
): void {
  for (const key in labels) {
    problems.names(path, key, qualifiedNameProblems(key));
    const value = labels[key] ?? '';
    problems.names(path, value, labelValueProblems(value));
  }
}

export function checkAnnotations(
  problems: Problems,
  path: string,
  annotations: Readonly<Record<string, string>> | undefined,
): void {
  let bytes = 0;
  for (const key in annotations) {
    problems.names(path, key, qualifiedNameProblems(key.toLowerCase()));
    const value = annotations[key] ?? '';
    bytes += byteLength(key) + byteLength(value);
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) {
    problems.tooLong(path, ANNOTATIONS_BYTES_MAX);
  }
}

/** Metadata of what will be made from a template: labels and annotations, and nothing else. */
export function checkTemplateMeta(problems: Problems, path: string, metadata: AnyMeta): void {
  const { annotations, labels, ...others } = metadata;
  checkAnnotations(problems, `${path}.annotations`, annotations);
  checkLabels(problems, `${path}.labels`, labels);
  for (const [field, value] of Object.entries(others)) {
    if (value !== undefined && value !== null && value !== '') {
      problems.forbidden(`${path}.${field}`, 'cannot be set');
    }
  }
}

function byteLength(text: string): number {
  return Buffer.byteLength(text);
}

function checkOwners(problems: Problems, owners: readonly OwnerReference[] | undefined): void {
  const path = 'metadata.ownerReferences';
  let controller: string | undefined;
  for (const owner of owners ?? []) {
    if (parseApiVersion(owner.apiVersion).version === '') {
      problems.invalid(`${path}.apiVersion`, owner.apiVersion, 'version must not be empty');
    }
    for (const field of ['kind', 'name', 'uid'] as const) {
      if (owner[field] === '') {
        problems.invalid(`${path}.${field}`, owner[field], 'must not be empty');
      }
    }
    if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
      problems.invalid(path, owner, '/v1, Kind=Event is disallowed from being an owner');
    }
    if (owner.controller === true) {
      const name = `${owner.kind}/${owner.name}`;
      if (controller !== undefined) {
        problems.invalid(
          path,
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`,
        );
      }
      controller ??= name;
    }
  }
}

function checkFinalizers(problems: Problems, finalizers: readonly string[] | undefined): void {
  if (finalizers === undefined) {
    return;
  }
  const path = 'metadata.finalizers';
  for (const finalizer of finalizers) {
    problems.names(path, finalizer, qualifiedNameProblems(finalizer));
  }
  if (finalizers.includes(ORPHAN) && finalizers.includes(FOREGROUND)) {
    problems.invalid(path, finalizers, `finalizer ${ORPHAN} and ${FOREGROUND} cannot be both set`);
  }
}

/** Finalizers of built-in kinds are the three that need no prefix, or have one. */
export function checkFinalizerOwners(problems: Problems, finalizers: readonly string[] | undefined): void {
  for (const [index, finalizer] of (finalizers ?? []).entries()) {
    checkFinalizerOwner(problems, `metadata.finalizers[${index}]`, finalizer);
  }
}

export function checkFinalizerOwner(problems: Problems, path: string, finalizer: string): void {
  if (!finalizer.includes('/') && !STANDARD_FINALIZERS.has(finalizer)) {
    problems.invalid(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified');
  }
}

const STANDARD_FINALIZERS: ReadonlySet<string> = new Set(['kubernetes', ORPHAN, FOREGROUND]);
