import type { ApiObject } from '#api/object.ts';
import type { TokenRequest } from '#api/types/authentication.v1.ts';
import type { PersistentVolumeClaim, Pod } from '#api/types/core.v1.ts';
import { NODE, POD } from '#api/types/resources.ts';
import { referencesOf } from '../../authz/node-graph.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes } from '../admission.ts';

/** Why a node may not do something; undefined when it may. */
export type Refusal = string | undefined;

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** A node shows the pods it runs by itself, and those get at nothing. */
export function refuseNewPod(node: string, pod: Pod, reader: ObjectReader): Refusal {
  const who = `node ${JSON.stringify(node)}`;
  if (pod.metadata.annotations?.[MIRROR_ANNOTATION] === undefined) {
    return `pod does not have ${JSON.stringify(MIRROR_ANNOTATION)} annotation, ${who} can only create mirror pods`;
  }
  if (pod.spec.nodeName !== node) {
    return `${who} can only create pods with spec.nodeName set to itself`;
  }
  return refuseOwner(node, pod, reader) ?? refuseReferences(who, pod);
}

function refuseOwner(node: string, { metadata }: Pod, reader: ObjectReader): Refusal {
  const who = `node ${JSON.stringify(node)}`;
  const owners = metadata.ownerReferences ?? [];
  const [owner] = owners;
  if (owners.length > 1) {
    return `${who} can only create pods with a single owner reference set to itself`;
  }
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    return `${who} can only create pods with an owner reference set to itself`;
  }
  if (owner.controller !== true) {
    return `${who} can only create pods with a controller owner reference set to itself`;
  }
  if (owner.blockOwnerDeletion === true) {
    return `${who} must not set blockOwnerDeletion on an owner reference`;
  }
  const uid = reader.get(NODE, '', node)?.metadata.uid;
  return uid === owner.uid ? undefined : `node ${node} UID mismatch: expected ${owner.uid} got ${uid ?? ''}`;
}

function refuseReferences(who: string, pod: Pod): Refusal {
  if ((pod.spec.serviceAccountName ?? '') !== '') {
    return `${who} can not create pods that reference a service account`;
  }
  const kinds = new Set(
    [...referencesOf(pod)].map((reference) => reference.slice(0, reference.indexOf('/'))),
  );
  const plurals = [
    ['secret', 'secrets'],
    ['configmap', 'configmaps'],
    ['pvc', 'persistentvolumeclaims'],
    ['resourceclaim', 'resourceclaims'],
  ] as const;
  const found = plurals.find(([kind]) => kinds.has(kind));
  return found && `${who} can not create pods that reference ${found[1]}`;
}

export function refusePodStatus(node: string, pod: Pod, old: Pod): Refusal {
  const who = `node ${JSON.stringify(node)}`;
  if (old.spec.nodeName !== node) {
    return `${who} can only update pod status for pods with spec.nodeName set to itself`;
  }
  if (!isSame(pod.metadata.labels ?? {}, old.metadata.labels ?? {})) {
    return `${who} cannot update labels through pod status`;
  }
  return isSame(pod.status.resourceClaimStatuses ?? [], old.status.resourceClaimStatuses ?? [])
    ? undefined
    : `${who} cannot update resource claim statues`;
}

/** Nodes report how far a claim's volume has grown, and nothing else of it. */
export function refuseClaimStatus(
  node: string,
  claim: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
): Refusal {
  return isSame(withoutReport(claim), withoutReport(old))
    ? undefined
    : `node ${JSON.stringify(node)} is not allowed to update fields other than status.capacity and status.conditions`;
}

function withoutReport({ metadata, spec, status }: PersistentVolumeClaim): unknown {
  const { resourceVersion: _version, managedFields: _fields, ...restOfMetadata } = metadata;
  const {
    capacity: _capacity,
    conditions: _conditions,
    allocatedResources: _allocated,
    allocatedResourceStatuses: _statuses,
    ...restOfStatus
  } = status;
  return [restOfMetadata, spec, restOfStatus];
}

/** A node gets tokens for the pods that run on it, bound to them. */
export function refuseToken(
  node: string,
  { namespace, object }: AdmissionAttributes,
  reader: ObjectReader,
): Refusal {
  const reference = (object as ApiObject & Pick<TokenRequest, 'spec'>).spec.boundObjectRef;
  if (reference?.apiVersion !== 'v1' || reference.kind !== 'Pod' || (reference.name ?? '') === '') {
    return 'node requested token not bound to a pod';
  }
  if ((reference.uid ?? '') === '') {
    return 'node requested token with a pod binding without a uid';
  }
  const pod = reader.get(POD, namespace, reference.name ?? '');
  if (pod?.metadata.uid !== reference.uid) {
    return `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  }
  return pod?.spec.nodeName === node
    ? undefined
    : 'node requested token bound to a pod scheduled on a different node';
}

export function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(ordered(left)) === JSON.stringify(ordered(right));
}

/** The same value with keys in one order, so that two ways of writing it compare equal. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(ordered);
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, ordered(item)]);
  }
  return value;
}
