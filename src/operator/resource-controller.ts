import { objectKey, type ApiObject } from '#api/object.ts';
import { parseApiVersion } from '#api/resource-type.ts';
import { isNotFound } from '#api/status-error.ts';
import { durationMs } from '#base/duration.ts';
import type { Informer } from '#client/lister.ts';
import { controllerOf } from '#controllers/runner/controller-reference.ts';
import {
  againAfter,
  DONE,
  enqueueOnChange,
  type Controller,
  type KeyQueue,
  type ReconcileResult,
} from '#controllers/runner/controller.ts';
import type { ControllerDefinition, Reconciled } from './define-controller.ts';
import type { OperatorDeps } from './operator-deps.ts';
import { createContext, type ReconcileContext } from './reconcile-context.ts';

/** Runs what a {@link ControllerDefinition} says, on the runner of the built-in controllers. */
export class ResourceController<T extends ApiObject> implements Controller {
  readonly name: string;
  readonly workers: number;
  readonly #definition: ControllerDefinition<T>;
  readonly #deps: OperatorDeps;
  readonly #objects: Informer<T>;

  constructor(definition: ControllerDefinition<T>, deps: OperatorDeps) {
    const { name = definition.resource.resource, workers = 1, resource, scope } = definition;
    this.name = name;
    this.workers = workers;
    this.#definition = definition;
    this.#deps = deps;
    this.#objects = deps.informers.of(resource, scope);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    const { owns = [], watches = [] } = this.#definition;
    const { informers } = this.#deps;
    return [
      enqueueOnChange(this.#objects, queue, (object) => [objectKey(object)]),
      ...owns.map((resource) =>
        enqueueOnChange(informers.of(resource), queue, (object) => this.#ownersOf(object)),
      ),
      ...watches.map((watch) => watch.connect(this.#deps, (key) => queue.add(key))),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const object = this.#objects.get(key);
    if (object === undefined) {
      return DONE;
    }
    if (object.metadata.deletionTimestamp !== undefined) {
      return this.#finalize(object, signal);
    }
    const kept = await this.#withFinalizer(object, signal);
    return resultOf(await this.#definition.reconcile(kept, this.#contextOf(kept, signal)));
  }

  /** The key of the object that manages this one, if it is one of ours. */
  #ownersOf(object: ApiObject): readonly string[] {
    const owner = controllerOf(object);
    const { group, kind, isNamespaced } = this.#definition.resource;
    if (owner?.kind !== kind || parseApiVersion(owner.apiVersion).group !== group) {
      return [];
    }
    const { namespace = '' } = object.metadata;
    return [isNamespaced && namespace !== '' ? `${namespace}/${owner.name}` : owner.name];
  }

  async #finalize(object: T, signal: AbortSignal): Promise<ReconcileResult> {
    const { finalizer } = this.#definition;
    const present = object.metadata.finalizers ?? [];
    if (finalizer === undefined || !present.includes(finalizer.name)) {
      return DONE;
    }
    const result = resultOf(await finalizer.finalize(object, this.#contextOf(object, signal)));
    if (result.kind === 'again') {
      return result;
    }
    const left = present.filter((name) => name !== finalizer.name);
    try {
      await this.#setFinalizers(object, left, signal);
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
    return DONE;
  }

  /** The finalizer is there before anything is made that it would have to clear away. */
  async #withFinalizer(object: T, signal: AbortSignal): Promise<T> {
    const { finalizer } = this.#definition;
    const present = object.metadata.finalizers ?? [];
    return finalizer === undefined || present.includes(finalizer.name)
      ? object
      : this.#setFinalizers(object, [...present, finalizer.name], signal);
  }

  /** The whole list is written, so only onto the very state it was made from. */
  #setFinalizers(
    { metadata: { namespace = '', name, resourceVersion } }: T,
    finalizers: readonly string[],
    signal: AbortSignal,
  ): Promise<T> {
    const client = this.#deps.client.of(this.#definition.resource);
    // A merge patch of metadata has the same form for every kind.
    const patch = { metadata: { resourceVersion, finalizers } } as unknown as Parameters<
      typeof client.patch
    >[2];
    return client.patch(namespace, name, patch, { type: 'merge' }, signal);
  }

  #contextOf(object: T, signal: AbortSignal): ReconcileContext<T> {
    return createContext(this.#deps, { resource: this.#definition.resource, object, signal });
  }
}

function resultOf(outcome: Awaited<Reconciled>): ReconcileResult {
  return outcome?.requeueAfter === undefined ? DONE : againAfter(durationMs(outcome.requeueAfter));
}
