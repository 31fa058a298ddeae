import {
  concernsResource,
  isStatusCurrent,
  measuredStatus,
  type CountedResource,
} from '#api/quota/quota-status.ts';
import { usageOf } from '#api/quota/quota-usage.ts';
import { equalResources } from '#api/quota/resource-list.ts';
import { objectKey, parseObjectKey, type ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import type { CustomResourceDefinition } from '#api/types/apiextensions.v1.ts';
import type { ResourceQuota } from '#api/types/core.v1.ts';
import { CUSTOM_RESOURCE_DEFINITION, RESOURCE_QUOTA } from '#api/types/resources.ts';
import type { Informer } from '#client/lister.ts';
import { namespacedCustomResources } from '../custom-resources/custom-resource-types.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import { againAfter, type Controller, type KeyQueue, type ReconcileResult } from '../runner/controller.ts';

/** Everything is measured anew this often, whatever was missed. */
const RESYNC_PERIOD_MS = 5 * 60_000;
/** How soon to look again while a resource's local copy is still filling. */
const SYNC_POLL_MS = 50;

/** A resource that some quota counts, and the local copy of its objects. */
interface Counted {
  readonly resource: ResourceType<ApiObject>;
  readonly objects: Informer<ApiObject>;
  readonly handler: Disposable;
}

/**
 * Writes down what each quota allows and what is used of it. Admission charges what is made; this gives back what
 * is gone. Only resources that some quota counts are ever watched.
 */
export class ResourceQuotaController implements Controller {
  readonly name = 'resource_quota_primary';
  readonly workers = 5;
  readonly #deps: ControllerDeps;
  readonly #quotas: Informer<ResourceQuota>;
  readonly #resources: readonly ResourceType<ApiObject>[];
  readonly #definitions: Informer<CustomResourceDefinition>;
  /** By `resource.group`. */
  readonly #counted = new Map<string, Counted>();
  #queue: KeyQueue | undefined;

  /** @param resources the built-in ones whose objects live in namespaces; custom ones are found */
  constructor(deps: ControllerDeps, resources: readonly ResourceType<ApiObject>[]) {
    this.#deps = deps;
    this.#quotas = deps.informers.of(RESOURCE_QUOTA);
    this.#definitions = deps.informers.of(CUSTOM_RESOURCE_DEFINITION);
    this.#resources = resources;
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    this.#queue = queue;
    // Admission writes usage down before its object is there to be seen; measuring then would take it back.
    const onUpdate = (previous: ResourceQuota, current: ResourceQuota): void => {
      if (!equalResources(previous.spec.hard ?? {}, current.spec.hard ?? {})) {
        queue.add(objectKey(current));
      }
    };
    const quotas = this.#quotas.addHandler({ onAdd: (quota) => queue.add(objectKey(quota)), onUpdate });
    const definitions = this.#definitions.addHandler({
      onAdd: (definition) => this.#onDefined(definition),
      onUpdate: (_, definition) => this.#onDefined(definition),
      onDelete: ({ metadata }) => this.#forget(metadata.name),
    });
    const counted = new DisposableStack();
    counted.defer(() => [...this.#counted.keys()].forEach((name) => this.#forget(name)));
    return [quotas, definitions, counted];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const quota = this.#quotas.get(key);
    if (quota === undefined || quota.metadata.deletionTimestamp !== undefined) {
      return { kind: 'done' };
    }
    const counted = [...this.#resources, ...namespacedCustomResources(this.#definitions.list())]
      .filter((resource) => concernsResource(quota, resource))
      .map((resource) => this.#count(resource));
    if (!counted.every(({ objects }) => objects.hasSynced)) {
      return againAfter(SYNC_POLL_MS);
    }
    const { namespace } = parseObjectKey(key);
    const objects = counted.flatMap((of): (readonly [CountedResource, ApiObject])[] =>
      of.objects.byIndex('namespace', namespace).map((object) => [of.resource, object]),
    );
    const status = measuredStatus(quota, objects, this.#deps.clock.nowMs());
    if (!isStatusCurrent(quota, status)) {
      await this.#deps.client.of(RESOURCE_QUOTA).updateStatus({ ...quota, status }, {}, signal);
    }
    return againAfter(RESYNC_PERIOD_MS);
  }

  #count(resource: ResourceType<ApiObject>): Counted {
    return this.#counted.getOrInsertComputed(nameOf(resource), () => {
      const objects = this.#deps.informers.of(resource);
      const handler = objects.addHandler({
        onUpdate: (previous, current) => this.#onUpdate(resource, previous, current),
        onDelete: ({ metadata }) => this.#enqueueAll(metadata.namespace ?? ''),
      });
      return { resource, objects, handler };
    });
  }

  /** Quotas may have counted the resource before it was defined. */
  #onDefined(definition: CustomResourceDefinition): void {
    const [resource] = namespacedCustomResources([definition]);
    const known = this.#counted.get(definition.metadata.name)?.resource;
    if (resource === undefined || known?.version === resource.version) {
      return;
    }
    this.#forget(definition.metadata.name);
    for (const quota of this.#quotas.list()) {
      if (concernsResource(quota, resource)) {
        this.#queue?.add(objectKey(quota));
      }
    }
  }

  #forget(name: string): void {
    this.#counted.get(name)?.handler[Symbol.dispose]();
    this.#counted.delete(name);
  }

  /** Admission charged what an update added; what it took away is given back here. */
  #onUpdate(resource: CountedResource, previous: ApiObject, current: ApiObject): void {
    const nowMs = this.#deps.clock.nowMs();
    if (!equalResources(usageOf(resource, previous, nowMs), usageOf(resource, current, nowMs))) {
      this.#enqueueAll(current.metadata.namespace ?? '');
    }
  }

  #enqueueAll(namespace: string): void {
    for (const quota of this.#quotas.byIndex('namespace', namespace)) {
      this.#queue?.add(objectKey(quota));
    }
  }
}

/** Definitions of custom resources have this name. */
function nameOf({ resource, group }: ResourceType<ApiObject>): string {
  return `${resource}.${group}`;
}
