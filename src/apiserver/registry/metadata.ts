import type { ApiObject } from '#api/object.ts';
import { badRequest, conflict, invalid } from '#api/status-error.ts';
import type { ObjectMeta } from '#api/types/meta.v1.ts';
import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import { generateName } from '#api/generate-name.ts';
import type { Target } from './request-context.ts';
import type { DraftObject, Strategy } from './strategy.ts';

/** The newest timestamp made: thousands of writes share a second, and making the text costs more than comparing. */
let newest = { second: 0, text: '1970-01-01T00:00:00Z' };

/** Seconds precision, as the API writes times. */
export function timestamp(clock: Clock): string {
  const second = Math.floor(clock.nowMs() / 1000);
  if (second !== newest.second) {
    newest = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19)}Z` };
  }
  return newest.text;
}

/** Metadata as the server stamps it on a new object; what the client may not set is dropped or refused. */
export function stampNew(
  object: DraftObject,
  {
    strategy,
    namespace,
    clock,
    random,
  }: { strategy: Strategy; namespace: string; clock: Clock; random: Random },
): DraftObject {
  const { resourceVersion, generateName: stem, namespace: given, ...meta } = object.metadata;
  if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== '0') {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  checkNamespace(strategy, given ?? '', namespace);
  const isNamed = typeof meta.name === 'string' && meta.name !== '';
  const name = isNamed
    ? meta.name
    : stem === undefined || stem === ''
      ? undefined
      : generateName(stem, random);
  const {
    deletionTimestamp: _deleted,
    deletionGracePeriodSeconds: _grace,
    selfLink: _link,
    generation: _generation,
    ...kept
  } = meta;
  const stamped: Record<string, unknown> = {
    ...(name === undefined ? {} : { name }),
    ...(stem === undefined || stem === '' ? {} : { generateName: stem }),
    ...(strategy.info.namespaced ? { namespace } : {}),
    uid: random.uuid(),
    ...(strategy.tracksGeneration ? { generation: 1 } : {}),
    creationTimestamp: timestamp(clock),
  };
  for (const [key, value] of Object.entries(kept)) {
    if (!(key in stamped) && key !== 'uid' && key !== 'creationTimestamp') {
      stamped[key] = value;
    }
  }
  return withMetadata(object, stamped);
}

function checkNamespace(strategy: Strategy, given: string, expected: string): void {
  if (!strategy.info.namespaced) {
    if (given !== '') {
      throw badRequest('namespace may not be set on objects of the cluster');
    }
  } else if (given !== '' && given !== expected) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

/** A PUT or PATCH must not rename or move the object, and what the server stamped stays as it is. */
export function keepSystemMetadata(
  next: DraftObject,
  current: ApiObject,
  target: Target,
  strategy: Strategy,
): DraftObject {
  // What a client sends may lack what every stored object has.
  const meta: Partial<ObjectMeta> = next.metadata;
  const { name = '', namespace = '', uid = '' } = meta;
  if (name !== target.name) {
    throw badRequest(
      name === ''
        ? 'name must be provided'
        : `the name of the object (${name}) does not match the name on the URL (${target.name})`,
    );
  }
  if (strategy.info.namespaced && namespace !== '' && namespace !== target.namespace) {
    throw badRequest(
      `the namespace of the object (${namespace}) does not match the namespace on the request (${target.namespace})`,
    );
  }
  if (uid !== '' && uid !== current.metadata.uid) {
    throw anotherObject(strategy, target.name, { uid, found: current.metadata.uid });
  }
  return withMetadata(next, keptMetadata(next.metadata, current.metadata));
}

/** The object that a client means is gone; `found` is the uid of the one that has its name now, empty without one. */
export function anotherObject(
  { info }: Strategy,
  name: string,
  { uid, found }: { readonly uid: string; readonly found: string },
): Error {
  return conflict(
    info,
    name,
    `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${found}`,
  );
}

function keptMetadata(next: ObjectMeta, current: ObjectMeta): Record<string, unknown> {
  const { resourceVersion: _version, selfLink: _link, ...rest } = next;
  const kept: Record<string, unknown> = {};
  // The server's own fields in a fixed order first, so that equal objects have equal bytes.
  for (const field of [
    'name',
    'generateName',
    'namespace',
    'uid',
    'generation',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const) {
    if (current[field] !== undefined) {
      kept[field] = current[field];
    }
  }
  for (const field of ['labels', 'annotations', 'ownerReferences', 'finalizers', 'managedFields'] as const) {
    if (rest[field] !== undefined) {
      kept[field] = rest[field];
    }
  }
  return kept;
}

/** Refuses a write that is based on an older state than the stored one. */
export function checkResourceVersion(next: ApiObject, current: ApiObject, strategy: Strategy): void {
  const given: string = next.metadata.resourceVersion ?? '';
  if (given === '' || given === '0') {
    if (!strategy.allowsUnconditionalUpdate) {
      throw invalid(strategy.info, next.metadata.name, [
        {
          path: 'metadata.resourceVersion',
          reason: 'FieldValueInvalid',
          badValue: 0,
          detail: 'must be specified for an update',
        },
      ]);
    }
    return;
  }
  if (given !== current.metadata.resourceVersion) {
    throw staleObject(strategy, next.metadata.name);
  }
}

export function staleObject(strategy: Strategy, name: string): Error {
  return conflict(
    strategy.info,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

/** A copy of the object with other metadata; everything else is shared. */
export function withMetadata(object: DraftObject, metadata: object): DraftObject {
  // Callers assemble the metadata from a valid one.
  return { ...object, metadata: metadata as ObjectMeta };
}
