import { isDeepStrictEqual } from 'node:util';
import type { ApiObject } from '#api/object.ts';
import { isNotFound } from '#api/status-error.ts';
import type { CustomResourceDefinition } from '#api/types/apiextensions.v1.ts';
import { CUSTOM_RESOURCE_DEFINITION } from '#api/types/resources.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { DueNames } from '../due-names.ts';
import type { ObjectReader } from '../object-reader.ts';
import { deleteCollection } from '../registry/delete-collection.ts';
import { timestamp, withMetadata } from '../registry/metadata.ts';
import type { RequestContext } from '../registry/request-context.ts';
import type { ResourceStorage } from '../registry/resource-storage.ts';
import { parseSelection } from '../registry/selection.ts';
import type { DraftObject } from '../registry/strategy.ts';
import { updateObject } from '../registry/update.ts';
import type { CustomResources } from './custom-resources.ts';
import { approvalCondition, approvalOf } from './definition-approval.ts';
import { isConditionTrue, withCondition } from './definition-conditions.ts';
import { CLEANUP_FINALIZER } from './definition-strategy.ts';
import { decideNames } from './name-conflicts.ts';

/** Objects with finalizers of their own go when those are done; until then the list is looked at this often. */
const CLEANUP_POLL_MS = 1000;
/** After a write that failed. */
const RETRY_MS = 1000;

export interface DefinitionControllerDeps {
  readonly definitions: ResourceStorage;
  readonly custom: CustomResources;
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Accepts the names of CustomResourceDefinitions, establishes them, and deletes the objects of those that go.
 * It is part of the API server, as upstream has it, because nothing is served before it has acted.
 */
export class DefinitionController {
  readonly #deps: DefinitionControllerDeps;
  readonly #context: RequestContext = {
    user: { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'], extra: {} },
    isDryRun: false,
    fieldManager: 'kube-apiserver',
    fieldValidation: 'Ignore',
    warnings: [],
  };
  readonly #due: DueNames;

  constructor(deps: DefinitionControllerDeps) {
    this.#deps = deps;
    this.#due = new DueNames({
      clock: deps.clock,
      workers: 1,
      retryMs: RETRY_MS,
      retryMaxMs: RETRY_MS,
      onFailure: (definition, error) => deps.log.warn('bring a definition up to date', { definition, error }),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { reader } = this.#deps;
    const unsubscribe = reader.onChange(CUSTOM_RESOURCE_DEFINITION, (change) => this.#changed(change));
    reader.list(CUSTOM_RESOURCE_DEFINITION, '').forEach(({ metadata }) => this.#due.add(metadata.name));
    try {
      await this.#due.run(signal, (name) => this.#reconcile(name));
    } finally {
      unsubscribe();
    }
  }

  #changed({
    object,
    previous,
  }: {
    object: CustomResourceDefinition | undefined;
    previous: CustomResourceDefinition | undefined;
  }): void {
    if (object !== undefined) {
      this.#due.add(object.metadata.name);
    }
    // Names that were given up may be what another definition of the group waits for.
    const given = previous?.status.acceptedNames;
    if (given !== undefined && !isDeepStrictEqual(given, object?.status.acceptedNames)) {
      const group = previous?.spec.group;
      for (const other of this.#deps.reader.list(CUSTOM_RESOURCE_DEFINITION, '')) {
        if (other.spec.group === group && !isConditionTrue(other, 'NamesAccepted')) {
          this.#due.add(other.metadata.name);
        }
      }
    }
  }

  async #reconcile(name: string): Promise<void> {
    const definition = this.#deps.reader.get(CUSTOM_RESOURCE_DEFINITION, '', name);
    if (definition === undefined) {
      return;
    }
    try {
      await (definition.metadata.deletionTimestamp === undefined
        ? this.#establish(definition)
        : this.#cleanUp(definition));
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }

  async #establish(definition: CustomResourceDefinition): Promise<void> {
    const { reader } = this.#deps;
    const others = reader
      .list(CUSTOM_RESOURCE_DEFINITION, '')
      .filter(
        ({ spec, metadata }) =>
          spec.group === definition.spec.group && metadata.uid !== definition.metadata.uid,
      );
    await this.#writeStatus(definition, (current) => establishedStatus(current, others, this.#now()));
  }

  async #cleanUp(definition: CustomResourceDefinition): Promise<void> {
    const { name, finalizers = [] } = definition.metadata;
    if (!finalizers.includes(CLEANUP_FINALIZER)) {
      return;
    }
    const storage = this.#deps.custom.storageOf(name);
    if (storage !== undefined && (await this.#deleteObjects(storage)) > 0) {
      await this.#setTerminating(definition, {
        status: 'True',
        reason: 'InstanceDeletionInProgress',
        message: 'CustomResource deletion is in progress',
      });
      this.#due.addLater(name, CLEANUP_POLL_MS);
      return;
    }
    await this.#setTerminating(
      definition,
      storage === undefined
        ? { status: 'False', reason: 'NeverEstablished', message: 'resource was never established' }
        : { status: 'False', reason: 'InstanceDeletionCompleted', message: 'removed all instances' },
    );
    await this.#removeFinalizer(name);
  }

  /** Deletes every object, and counts those that are still there afterwards. */
  async #deleteObjects(storage: ResourceStorage): Promise<number> {
    const selection = parseSelection(storage.strategy, '', '');
    const listOptions = { limit: 0, continue: '', resourceVersion: '', resourceVersionMatch: '' };
    await deleteCollection(storage, '', { selection, listOptions, deleteOptions: {} }, this.#context);
    const { items } = await storage.deps.store.list(storage.prefix, { limit: 1 });
    return items.length;
  }

  #setTerminating(
    definition: CustomResourceDefinition,
    condition: { readonly status: string; readonly reason: string; readonly message: string },
  ): Promise<void> {
    return this.#writeStatus(definition, ({ status }) => ({
      ...status,
      conditions: withCondition(status.conditions ?? [], { type: 'Terminating', ...condition }, this.#now()),
    }));
  }

  async #writeStatus(
    { metadata: { name } }: CustomResourceDefinition,
    change: (current: CustomResourceDefinition) => CustomResourceDefinition['status'],
  ): Promise<void> {
    await updateObject(
      this.#deps.definitions,
      { namespace: '', name, subresource: 'status' },
      {
        produce: (live) => ({ ...live, status: change(live as CustomResourceDefinition) }),
        isPatch: true,
      },
      this.#context,
    );
  }

  async #removeFinalizer(name: string): Promise<void> {
    const produce = (live: ApiObject): DraftObject => {
      const { finalizers = [] } = live.metadata;
      const left = finalizers.filter((finalizer) => finalizer !== CLEANUP_FINALIZER);
      return withMetadata(live as DraftObject, { ...live.metadata, finalizers: left });
    };
    const target = { namespace: '', name, subresource: '' };
    await updateObject(this.#deps.definitions, target, { produce, isPatch: true }, this.#context);
  }

  #now(): string {
    return timestamp(this.#deps.clock);
  }
}

function establishedStatus(
  current: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
  time: string,
): CustomResourceDefinition['status'] {
  const { acceptedNames, condition } = decideNames(current, others);
  const approval = approvalOf(current);
  const before = current.status.conditions ?? [];
  const judged = approval === undefined ? before : withCondition(before, approvalCondition(approval), time);
  const named = withCondition(judged, condition, time);
  const established =
    isConditionTrue(current, 'Established') || condition.status === 'True'
      ? { status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
      : { status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' };
  return {
    ...current.status,
    acceptedNames,
    conditions: withCondition(named, { type: 'Established', ...established }, time),
  };
}
