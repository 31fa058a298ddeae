import type { ApiObject } from '#api/object.ts';
import { isNotFound, qualifiedResource, StatusError } from '#api/status-error.ts';
import type { Namespace, Pod } from '#api/types/core.v1.ts';
import { NAMESPACE, POD } from '#api/types/resources.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { describeError } from '#base/log.ts';
import type { Informer } from '#client/lister.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  againAfter,
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import { discoveryProblem, type EmptyingReport, namespaceConditions } from './namespace-conditions.ts';

export interface NamespaceControllerOptions {
  /** The resources whose objects live in namespaces, built-in and custom ones. */
  readonly resources: () => readonly ResourceType<ApiObject>[] | Promise<readonly ResourceType<ApiObject>[]>;
  /** Groups and versions of which nobody knows what they have: until it is known, no namespace is done. */
  readonly undiscovered?: () => readonly string[];
}

interface Emptied extends EmptyingReport {
  readonly remaining: Map<string, number>;
  readonly finalizers: Map<string, number>;
  readonly failures: string[];
  /** How long what remains may take, in seconds. */
  waitSeconds: number;
}

const FINALIZER = 'kubernetes';
/** How long finalizers are given before the namespace is looked at again. */
const FINALIZER_SECONDS = 15;

/** Empties a namespace that is being deleted, pods first, and then lets it go. */
export class NamespaceController implements Controller {
  readonly name = 'namespace';
  readonly workers = 10;
  readonly #deps: ControllerDeps;
  readonly #options: NamespaceControllerOptions;
  readonly #namespaces: Informer<Namespace>;
  readonly #pods: Informer<Pod>;

  constructor(deps: ControllerDeps, options: NamespaceControllerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#namespaces = deps.informers.of(NAMESPACE);
    this.#pods = deps.informers.of(POD);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#namespaces, queue, ({ metadata }) =>
        metadata.deletionTimestamp === undefined ? [] : [metadata.name],
      ),
      // The last pod gone lets the rest follow at once, without waiting for the next look.
      this.#pods.addHandler({
        onDelete: ({ metadata }) => {
          if (this.#namespaces.get(metadata.namespace)?.metadata.deletionTimestamp !== undefined) {
            queue.add(metadata.namespace);
          }
        },
      }),
    ];
  }

  async reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult> {
    const namespace = this.#namespaces.get(name);
    const hasFinalizer = namespace?.spec.finalizers?.includes(FINALIZER) === true;
    if (namespace?.metadata.deletionTimestamp === undefined || !hasFinalizer) {
      return DONE;
    }
    const report = await this.#empty(name, signal);
    const current = await this.#saveConditions(namespace, report, signal);
    if (report.undiscovered.length > 0) {
      throw new Error(discoveryProblem(report.undiscovered));
    }
    if (report.failures.length > 0) {
      throw new Error(`empty namespace ${name}: ${report.failures.join(', ')}`);
    }
    if (report.remaining.size > 0) {
      // Half the estimate and a second: what goes sooner is noticed in time, what stays is not asked too often.
      return againAfter((Math.floor(report.waitSeconds / 2) + 1) * 1000);
    }
    await this.#finalize(current, signal);
    return DONE;
  }

  async #empty(name: string, signal: AbortSignal): Promise<Emptied> {
    const report: Emptied = {
      undiscovered: this.#options.undiscovered?.() ?? [],
      failures: [],
      remaining: new Map(),
      finalizers: new Map(),
      waitSeconds: 0,
    };
    // Pods go first: while they run they may still need the Secrets, policies and volumes beside them.
    await this.#emptyResource(name, POD, report, signal);
    if (report.remaining.size > 0 || report.failures.length > 0) {
      return report;
    }
    const resources = await this.#options.resources();
    const others = resources.filter(({ group, resource }) => group !== '' || resource !== POD.resource);
    await Promise.all(others.map((resource) => this.#emptyResource(name, resource, report, signal)));
    return report;
  }

  async #emptyResource(
    namespace: string,
    resource: ResourceType<ApiObject>,
    report: Emptied,
    signal: AbortSignal,
  ): Promise<void> {
    const client = this.#deps.client.of(resource);
    try {
      const before = await client.list(namespace, {}, signal);
      if (before.items.length === 0) {
        return;
      }
      await client.deleteCollection(namespace, {}, { propagationPolicy: 'Background' }, signal);
      const { items } = await client.list(namespace, {}, signal);
      if (items.length > 0) {
        countRemaining(`${resource.resource}.${resource.group}`, items, report);
      }
    } catch (error) {
      // A resource that is not served has no content.
      if (!isNotFound(error) && !(error instanceof StatusError && error.reason === 'MethodNotAllowed')) {
        report.failures.push(`${qualifiedResource(resource)}: ${describeError(error)}`);
      }
    }
  }

  async #saveConditions(
    namespace: Namespace,
    report: EmptyingReport,
    signal: AbortSignal,
  ): Promise<Namespace> {
    const conditions = namespaceConditions(
      namespace.status.conditions ?? [],
      report,
      this.#deps.clock.nowMs(),
    );
    const status = { phase: 'Terminating', conditions } as const;
    const isSame =
      namespace.status.phase === 'Terminating' &&
      JSON.stringify(namespace.status.conditions) === JSON.stringify(conditions);
    // A namespace that goes at the first attempt has nothing to tell.
    const isQuiet =
      report.remaining.size === 0 &&
      report.failures.length === 0 &&
      report.undiscovered.length === 0 &&
      namespace.status.conditions === undefined;
    if (isSame || isQuiet) {
      return namespace;
    }
    return await this.#deps.client.of(NAMESPACE).updateStatus({ ...namespace, status }, {}, signal);
  }

  async #finalize(namespace: Namespace, signal: AbortSignal): Promise<void> {
    const finalizers = (namespace.spec.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
    const target = { namespace: '', name: namespace.metadata.name, subresource: 'finalize' };
    const finalized = { ...namespace, spec: { ...namespace.spec, finalizers } };
    try {
      await this.#deps.client.of(NAMESPACE).subresource('update', target, finalized, signal);
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }
}

function countRemaining(name: string, items: readonly ApiObject[], report: Emptied): void {
  report.remaining.set(name, items.length);
  for (const item of items) {
    const finalizers = item.metadata.finalizers ?? [];
    for (const finalizer of finalizers) {
      report.finalizers.set(finalizer, (report.finalizers.get(finalizer) ?? 0) + 1);
    }
    const ownSeconds =
      finalizers.length > 0
        ? FINALIZER_SECONDS
        : ((item as Partial<Pod>).spec?.terminationGracePeriodSeconds ??
          item.metadata.deletionGracePeriodSeconds ??
          0);
    report.waitSeconds = Math.max(report.waitSeconds, ownSeconds);
  }
}
