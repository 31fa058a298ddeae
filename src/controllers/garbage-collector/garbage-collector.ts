import type { ApiObject } from '#api/object.ts';
import { parseApiVersion, type ResourceType } from '#api/resource-type.ts';
import { isNotFound } from '#api/status-error.ts';
import type { OwnerReference } from '#api/types/meta.v1.ts';
import type { CustomResourceDefinition } from '#api/types/apiextensions.v1.ts';
import { CUSTOM_RESOURCE_DEFINITION } from '#api/types/resources.ts';
import { RecentMap } from '#base/recent-map.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { customResourceType } from '../custom-resources/custom-resource-types.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import { type Controller, DONE, type KeyQueue, type ReconcileResult } from '../runner/controller.ts';
import {
  FOREGROUND_FINALIZER,
  type GraphNode,
  type GraphTask,
  isForeign,
  ORPHAN_FINALIZER,
  OwnerGraph,
} from './owner-graph.ts';

/** Owners known not to exist, so that a thousand dependents of one cost one read. */
const ABSENT_MAX = 500;

type OwnerState = 'solid' | 'waiting' | 'dangling';

/**
 * Deletes what its owners left behind, carries out foreground deletion and orphaning. Before it deletes
 * anything it reads the object and its owners from the server: the graph only says where to look.
 */
export class GarbageCollector implements Controller {
  readonly name = 'garbage_collector';
  readonly workers = 20;
  readonly #deps: ControllerDeps;
  readonly #events: EventRecorder;
  readonly #resources: readonly ResourceType<ApiObject>[];
  readonly #byKind: Map<string, ResourceType<ApiObject>>;
  /** Of each custom resource, by its definition's name. */
  readonly #custom = new Map<
    string,
    { readonly resource: ResourceType<ApiObject>; readonly handler: Disposable }
  >();
  readonly #graph = new OwnerGraph();
  readonly #absent = new RecentMap<string, true>(ABSENT_MAX);
  #queue: KeyQueue | undefined;

  /** @param resources every built-in one that can be deleted and watched, each in one version */
  constructor(deps: ControllerDeps, resources: readonly ResourceType<ApiObject>[]) {
    this.#deps = deps;
    this.#events = deps.events('garbage-collector-controller');
    this.#resources = resources;
    this.#byKind = new Map(resources.map((resource) => [kindKey(resource), resource]));
    for (const resource of resources) {
      deps.informers.of(resource);
    }
    deps.informers.of(CUSTOM_RESOURCE_DEFINITION);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    this.#queue = queue;
    const definitions = this.#deps.informers.of(CUSTOM_RESOURCE_DEFINITION).addHandler({
      onAdd: (definition) => this.#define(definition),
      onUpdate: (_, definition) => this.#define(definition),
      onDelete: (definition) => this.#undefine(definition.metadata.name),
    });
    const custom = new DisposableStack();
    custom.defer(() => [...this.#custom.keys()].forEach((name) => this.#undefine(name)));
    return [...this.#resources.map((resource) => this.#follow(resource)), definitions, custom];
  }

  #follow(resource: ResourceType<ApiObject>): Disposable {
    return this.#deps.informers.of(resource).addHandler({
      onAdd: (object) => this.#schedule(this.#graph.observe(resource, object)),
      onUpdate: (previous, object) => {
        if (!this.#saysNothing(previous, object)) {
          this.#schedule(this.#graph.observe(resource, object));
        }
      },
      onDelete: ({ metadata }) => this.#forget(metadata.uid),
    });
  }

  /** Most updates are of a status or a lease. Parts that did not change are the same object, mostly. */
  #saysNothing({ metadata: before }: ApiObject, { metadata }: ApiObject): boolean {
    return (
      metadata.ownerReferences === before.ownerReferences &&
      metadata.deletionTimestamp === undefined &&
      before.deletionTimestamp === undefined &&
      this.#graph.get(metadata.uid)?.resource !== undefined
    );
  }

  #define(definition: CustomResourceDefinition): void {
    const { name } = definition.metadata;
    const resource = customResourceType(definition);
    const known = this.#custom.get(name)?.resource;
    if (resource === undefined || (known?.version === resource.version && known.kind === resource.kind)) {
      return;
    }
    this.#undefine(name);
    this.#byKind.set(kindKey(resource), resource);
    this.#custom.set(name, { resource, handler: this.#follow(resource) });
  }

  #undefine(name: string): void {
    const known = this.#custom.get(name);
    if (known !== undefined) {
      known.handler[Symbol.dispose]();
      this.#custom.delete(name);
      this.#byKind.delete(kindKey(known.resource));
      this.#deps.informers.forget(known.resource);
    }
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const separator = key.indexOf(':');
    const node = this.#graph.get(key.slice(separator + 1));
    if (node !== undefined) {
      await (key.startsWith('orphan') ? this.#orphanDependents(node, signal) : this.#check(node, signal));
    }
    return DONE;
  }

  #schedule(tasks: readonly GraphTask[]): void {
    for (const { kind, uid } of tasks) {
      this.#queue?.add(`${kind}:${uid}`);
    }
  }

  #forget(uid: string): void {
    this.#absent.set(uid, true);
    this.#schedule(this.#graph.forget(uid));
  }

  async #check(node: GraphNode, signal: AbortSignal): Promise<void> {
    if (node.isBeingDeleted && !node.isWaitingForDependents) {
      return;
    }
    const latest = await this.#read(node, signal);
    if (latest?.metadata.uid !== node.uid) {
      this.#forget(node.uid);
      return;
    }
    if (node.isWaitingForDependents) {
      await this.#finishForeground(node, latest, signal);
      return;
    }
    const owners = latest.metadata.ownerReferences ?? [];
    if (owners.length > 0) {
      await this.#judge(node, latest, await this.#classify(node, owners, signal), signal);
    }
  }

  /** Lets the owner go when nothing blocks it any more; else sees to it that what blocks it goes. */
  async #finishForeground(node: GraphNode, latest: ApiObject, signal: AbortSignal): Promise<void> {
    const blocking = this.#graph.blockingDependents(node);
    if (blocking.length === 0) {
      await this.#removeFinalizer(node, latest, FOREGROUND_FINALIZER, signal);
      return;
    }
    const idle = blocking.filter(({ isWaitingForDependents }) => !isWaitingForDependents);
    this.#schedule(idle.map(({ uid }) => ({ kind: 'check', uid })));
  }

  async #judge(
    node: GraphNode,
    latest: ApiObject,
    states: ReadonlyMap<OwnerReference, OwnerState>,
    signal: AbortSignal,
  ): Promise<void> {
    const refs = (state: OwnerState): readonly OwnerReference[] =>
      [...states].filter(([, value]) => value === state).map(([reference]) => reference);
    const solid = refs('solid');
    if (solid.length > 0) {
      if (solid.length < states.size) {
        await this.#patchMetadata(node, latest, { ownerReferences: solid }, signal);
      }
      return;
    }
    const { finalizers = [] } = latest.metadata;
    if (refs('waiting').length > 0 && node.dependents.size > 0) {
      if ([...node.dependents].some(({ isWaitingForDependents }) => isWaitingForDependents)) {
        // A circle of owners that wait for each other: nobody blocks anybody from here on.
        const unblocked = (latest.metadata.ownerReferences ?? []).map((reference) => ({
          ...reference,
          blockOwnerDeletion: false,
        }));
        await this.#patchMetadata(node, latest, { ownerReferences: unblocked }, signal);
      }
      await this.#delete(node, 'Foreground', signal);
    } else if (finalizers.includes(ORPHAN_FINALIZER)) {
      await this.#delete(node, 'Orphan', signal);
    } else {
      await this.#delete(
        node,
        finalizers.includes(FOREGROUND_FINALIZER) ? 'Foreground' : 'Background',
        signal,
      );
    }
  }

  async #classify(
    node: GraphNode,
    owners: readonly OwnerReference[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<OwnerReference, OwnerState>> {
    const states = new Map<OwnerReference, OwnerState>();
    for (const reference of owners) {
      states.set(reference, await this.#stateOf(node, reference, signal));
    }
    return states;
  }

  async #stateOf(node: GraphNode, reference: OwnerReference, signal: AbortSignal): Promise<OwnerState> {
    if (this.#absent.get(reference.uid) === true) {
      return 'dangling';
    }
    const known = this.#graph.get(reference.uid);
    if (known?.resource !== undefined && isForeign(node, known)) {
      this.#complain(node, reference);
      // An object of the cluster cannot name the namespace it means, so nothing is concluded from its mistake.
      return node.namespace === '' ? 'solid' : 'dangling';
    }
    const resource = this.#resourceOf(reference);
    const namespace = resource.isNamespaced ? node.namespace : '';
    if (resource.isNamespaced && node.namespace === '') {
      this.#complain(node, reference);
      return 'solid';
    }
    const owner = await this.#get(resource, namespace, reference.name, signal);
    if (owner?.metadata.uid !== reference.uid) {
      this.#absent.set(reference.uid, true);
      return 'dangling';
    }
    const { deletionTimestamp, finalizers = [] } = owner.metadata;
    return deletionTimestamp !== undefined && finalizers.includes(FOREGROUND_FINALIZER) ? 'waiting' : 'solid';
  }

  async #orphanDependents(node: GraphNode, signal: AbortSignal): Promise<void> {
    for (const dependent of node.dependents) {
      const latest = await this.#read(dependent, signal);
      const owners = latest?.metadata.ownerReferences ?? [];
      if (latest?.metadata.uid === dependent.uid && owners.some(({ uid }) => uid === node.uid)) {
        const ownerReferences = owners.filter(({ uid }) => uid !== node.uid);
        await this.#patchMetadata(dependent, latest, { ownerReferences }, signal);
      }
    }
    const owner = await this.#read(node, signal);
    if (owner?.metadata.uid === node.uid) {
      await this.#removeFinalizer(node, owner, ORPHAN_FINALIZER, signal);
    }
  }

  async #removeFinalizer(
    node: GraphNode,
    latest: ApiObject,
    finalizer: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { finalizers = [] } = latest.metadata;
    if (finalizers.includes(finalizer)) {
      const left = finalizers.filter((name) => name !== finalizer);
      await this.#patchMetadata(node, latest, { finalizers: left }, signal);
    }
  }

  /** Changes metadata of exactly the state that was read; a conflict comes back as an error and is tried again. */
  async #patchMetadata(
    node: GraphNode,
    { metadata: { uid, resourceVersion, name, namespace = '' } }: ApiObject,
    change: Partial<ApiObject['metadata']>,
    signal: AbortSignal,
  ): Promise<void> {
    const patch = { metadata: { uid, resourceVersion, ...change } };
    try {
      await this.#deps.client
        .of(this.#resourceOf(node))
        .patch(namespace, name, patch, { type: 'merge' }, signal);
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }

  async #delete(node: GraphNode, propagationPolicy: string, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = node;
    try {
      const options = { propagationPolicy, preconditions: { uid } };
      await this.#deps.client.of(this.#resourceOf(node)).delete(namespace, name, options, signal);
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }

  #read(node: GraphNode, signal: AbortSignal): Promise<ApiObject | undefined> {
    const resource = this.#resourceOf(node);
    const namespace = resource.isNamespaced ? node.namespace : '';
    // An owner of a namespaced kind, named by an object of the cluster, cannot be looked up.
    return resource.isNamespaced && namespace === ''
      ? Promise.resolve(undefined)
      : this.#get(resource, namespace, node.name, signal);
  }

  async #get(
    resource: ResourceType<ApiObject>,
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<ApiObject | undefined> {
    try {
      return await this.#deps.client.of(resource).get(namespace, name, signal);
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }

  #resourceOf({
    apiVersion,
    kind,
  }: {
    readonly apiVersion: string;
    readonly kind: string;
  }): ResourceType<ApiObject> {
    const resource = this.#byKind.get(`${parseApiVersion(apiVersion).group}/${kind}`);
    if (resource === undefined) {
      throw new Error(`no resource of kind ${kind} in ${apiVersion} is known`);
    }
    return resource;
  }

  #complain(node: GraphNode, { apiVersion, kind, name, uid }: OwnerReference): void {
    const resource = this.#resourceOf(node);
    const object = this.#deps.informers
      .of(resource)
      .get(node.namespace === '' ? node.name : `${node.namespace}/${node.name}`);
    if (object !== undefined) {
      const reference = `[${apiVersion}/${kind}, namespace: ${node.namespace}, name: ${name}, uid: ${uid}]`;
      const message = `ownerRef ${reference} does not exist in namespace "${node.namespace}"`;
      this.#events.event(object, 'Warning', 'OwnerRefInvalidNamespace', message);
    }
  }
}

function kindKey({ group, kind }: ResourceType<ApiObject>): string {
  return `${group}/${kind}`;
}
