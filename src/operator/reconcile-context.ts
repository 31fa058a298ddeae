import type { ApiObject, DeepPartial, NewObject } from '#api/object.ts';
import { apiVersionOf, type ResourceType } from '#api/resource-type.ts';
import type { ObjectMeta, OwnerReference } from '#api/types/meta.v1.ts';
import type { Duration } from '#base/duration.ts';
import { jsonEqual } from '#base/json-equal.ts';
import type { Logger } from '#base/log.ts';
import type { Client } from '#client/client.ts';
import type { Lister } from '#client/lister.ts';
import { CONTROLLER_INDEX, controllerReference } from '#controllers/runner/controller-reference.ts';
import type { OperatorDeps } from './operator-deps.ts';
import { assertMayOwn } from './owner-references.ts';

/** What a pass over one object may end with; nothing is the same as `{}`. */
export interface ReconcileOutcome {
  /** Look again after this time, whatever happens until then. */
  readonly requeueAfter?: Duration;
}

/** The status type of a kind of object. */
export type StatusOf<T> = T extends { readonly status?: infer Status } ? NonNullable<Status> : object;

/** An object to be there under a name of our choice. */
export type DesiredObject<T extends ApiObject> = NewObject<T> & {
  readonly metadata: { readonly name: string };
};

/** What a reconcile function works with. Made anew for each pass over one object; may be taken apart. */
export interface ReconcileContext<T extends ApiObject = ApiObject> {
  /** Requests of the operator, any resource. Writes carry the operator's name as field manager. */
  readonly client: Client;
  readonly log: Logger;
  /** Fires when the operator stops or loses its lease; pass it on to whatever waits. */
  readonly signal: AbortSignal;
  /** The time of the cluster's clock: of a test cluster, its virtual one. */
  readonly now: () => Date;
  /** The operator's local copy of a resource that a controller names in `resource`, `owns` or `watches`. */
  readonly cached: <C extends ApiObject>(resource: ResourceType<C>) => Lister<C>;
  /** The objects that this one manages, from the local copy. */
  readonly owned: <C extends ApiObject>(resource: ResourceType<C>) => readonly C[];
  /**
   * Makes an object be as described, by server-side apply: creates it, or changes the fields that are given and
   * takes back those that were given before and no longer are. It becomes managed by the object at hand, and is
   * in its namespace unless it says otherwise.
   *
   * @throws {OwnerReferenceError} it is where the object at hand may not own anything
   */
  readonly apply: <C extends ApiObject>(resource: ResourceType<C>, desired: DesiredObject<C>) => Promise<C>;
  /**
   * Makes the status of the object at hand be this one, by server-side apply to its `status` subresource; sends
   * nothing when it already is.
   */
  readonly updateStatus: (status: StatusOf<T>) => Promise<void>;
  /** Reports on the object at hand as an Event, in the background. `reason` is one word in CamelCase. */
  readonly event: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

export interface Pass<T extends ApiObject> {
  readonly resource: ResourceType<T>;
  readonly object: T;
  readonly signal: AbortSignal;
}

/** The context of one pass over one object. */
export function createContext<T extends ApiObject>(deps: OperatorDeps, pass: Pass<T>): ReconcileContext<T> {
  const { client, cached, clock, events } = deps;
  const { resource, object, signal } = pass;
  return {
    client,
    log: deps.log.with({ [resource.kind.toLowerCase()]: object.metadata.name }),
    signal,
    now: () => new Date(clock.nowMs()),
    cached,
    owned: (owned) => cached(owned).byIndex(CONTROLLER_INDEX, object.metadata.uid),
    apply: (owned, desired) => applyOwned(client, pass, owned, desired),
    updateStatus: (status) => applyStatus(client, pass, status),
    event: (type, reason, message) => events.event(object, type, reason, message),
  };
}

async function applyOwned<C extends ApiObject>(
  client: Client,
  { object: owner, signal }: Pass<ApiObject>,
  resource: ResourceType<C>,
  desired: DesiredObject<C>,
): Promise<C> {
  // A generic object cannot be taken apart otherwise.
  const { metadata, ...fields } = desired as {
    readonly metadata: Partial<ObjectMeta> & { readonly name: string };
  };
  const namespace = resource.isNamespaced ? (metadata.namespace ?? owner.metadata.namespace ?? '') : '';
  assertMayOwn(owner, namespace);
  const others: readonly OwnerReference[] = metadata.ownerReferences ?? [];
  const body = {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    ...fields,
    metadata: {
      ...metadata,
      ...(namespace === '' ? {} : { namespace }),
      ownerReferences: [...others, controllerReference(owner)],
    },
  };
  return client
    .of(resource)
    .patch(namespace, metadata.name, fieldsOf<C>(body), { type: 'apply', force: true }, signal);
}

async function applyStatus<T extends ApiObject>(
  client: Client,
  { resource, object, signal }: Pass<T>,
  status: StatusOf<T>,
): Promise<void> {
  const { metadata, ...rest }: { readonly metadata: ObjectMeta; readonly status?: unknown } = object;
  if (jsonEqual(rest.status, status)) {
    return;
  }
  const { name, namespace = '', uid } = metadata;
  // With the UID, so that the status of an object never ends up on its successor of the same name.
  const body = {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: { name, ...(namespace === '' ? {} : { namespace }), uid },
    status,
  };
  const query = { type: 'apply', force: true, subresource: 'status' } as const;
  await client.of(resource).patch(namespace, name, fieldsOf<T>(body), query, signal);
}

/** Fields of a `T` as their writer gave them; the server checks them. */
function fieldsOf<T>(body: object): DeepPartial<T> {
  return body as unknown as DeepPartial<T>;
}
