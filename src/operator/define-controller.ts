import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import type { InformerScope, Lister } from '#client/lister.ts';
import type { Controller } from '#controllers/runner/controller.ts';
import type { OperatorDeps } from './operator-deps.ts';
import type { ReconcileContext, ReconcileOutcome } from './reconcile-context.ts';
import { ResourceController } from './resource-controller.ts';

// What a reconcile function returns; most have nothing to say.
// oxlint-disable-next-line typescript/no-invalid-void-type
export type Reconciled = Promise<ReconcileOutcome | void>;

/** One control loop, as its author describes it. */
export interface ControllerDefinition<T extends ApiObject> {
  /** The resource whose objects are reconciled. */
  readonly resource: ResourceType<T>;
  /** Which of them; all in the cluster when left out. */
  readonly scope?: InformerScope;
  /** Name of the queue, in metrics and log lines; the resource's when left out. */
  readonly name?: string;
  /** Resources whose objects are made for those of `resource`; a change of one reconciles its owner. */
  readonly owns?: readonly ResourceType<ApiObject>[];
  /** Other resources whose changes concern objects of `resource`. */
  readonly watches?: readonly Watch[];
  /** Objects reconciled at the same time; 1 when left out. */
  readonly workers?: number;
  /** Work to do before an object may go. */
  readonly finalizer?: {
    /** With a domain: `example.com/site-content`. */
    readonly name: string;
    /** Repeated until it succeeds; then the object is let go. With a delay returned, it is asked again after that. */
    finalize(object: T, context: ReconcileContext<T>): Reconciled;
  };
  /**
   * Brings the world in line with one object, which exists and is not being deleted. Never called twice at
   * once for the same object. What it throws is logged, and tried again later with each failure in a row.
   */
  reconcile(object: T, context: ReconcileContext<T>): Reconciled;
}

/** A controller that an operator can run. */
export interface OperatorController {
  readonly create: (deps: OperatorDeps) => Controller;
  readonly watched: readonly WatchedResource[];
}

/** A resource of which the operator keeps a copy. */
export interface WatchedResource {
  readonly resource: ResourceType<ApiObject>;
  readonly scope: InformerScope;
}

/** A resource to watch, and which objects its changes concern. Made by {@link watch}. */
export interface Watch extends WatchedResource {
  readonly connect: (deps: OperatorDeps, add: (key: string) => void) => Disposable;
}

/**
 * Describes a controller: what it watches, and how one object is reconciled.
 *
 * ```ts
 * const websites = controller({
 *   resource: WEBSITE,
 *   owns: [DEPLOYMENT],
 *   async reconcile(website, { apply }) { await apply(DEPLOYMENT, deploymentOf(website)); },
 * });
 * ```
 */
export function controller<T extends ApiObject>(definition: ControllerDefinition<T>): OperatorController {
  const { resource, scope = {}, owns = [], watches = [] } = definition;
  return {
    create: (deps) => new ResourceController(definition, deps),
    watched: [{ resource, scope }, ...owns.map((owned) => ({ resource: owned, scope: {} })), ...watches],
  };
}

/**
 * A resource whose changes concern objects of another.
 *
 * @param keysOf which: `namespace/name`, or `name` for objects of the cluster; `cached` reads local copies
 */
export function watch<W extends ApiObject>(
  resource: ResourceType<W>,
  keysOf: (
    changed: W,
    cached: <C extends ApiObject>(resource: ResourceType<C>) => Lister<C>,
  ) => readonly string[],
  scope: InformerScope = {},
): Watch {
  return {
    resource,
    scope,
    connect: ({ informers, cached }, add) => {
      const enqueue = (object: W): void => keysOf(object, cached).forEach(add);
      return informers.of(resource, scope).addHandler({
        onAdd: enqueue,
        onUpdate: (previous, current) => {
          new Set([...keysOf(previous, cached), ...keysOf(current, cached)]).forEach(add);
        },
        onDelete: enqueue,
      });
    },
  };
}
