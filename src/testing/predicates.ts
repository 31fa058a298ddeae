import type { ApiObject } from '#api/object.ts';

/** What `until` waits for. Undefined stands for an object that is not there. */
export type Predicate<T extends ApiObject = ApiObject> = (object: T | undefined) => boolean;

/** The fields by which kinds say how far they are. All optional: the predicates take objects of any kind. */
interface Progress {
  readonly metadata: { readonly generation?: number };
  readonly spec?: { readonly replicas?: number; readonly completions?: number };
  readonly status?: {
    readonly phase?: string;
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly desiredNumberScheduled?: number;
    readonly numberReady?: number;
    readonly numberAvailable?: number;
    readonly updatedNumberScheduled?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** The object is there. */
export function exists(object: ApiObject | undefined): boolean {
  return object !== undefined;
}

/** The object is not there, or no more. */
export function isGone(object: ApiObject | undefined): boolean {
  return object === undefined;
}

/**
 * Everything the newest spec asks for is available: all replicas of a Deployment, StatefulSet, ReplicaSet or
 * DaemonSet and no old ones left; otherwise the condition `Available`, or `Ready`.
 */
export function isAvailable(object: ApiObject | undefined): boolean {
  return (
    object !== undefined && (countsOf(object, 'available') ?? hasCondition(object, 'Available', 'Ready'))
  );
}

/** The condition `Ready` of a pod, a node or a custom resource; all replicas ready of a workload. */
export function isReady(object: ApiObject | undefined): boolean {
  return object !== undefined && (countsOf(object, 'ready') ?? hasCondition(object, 'Ready', 'Available'));
}

/** A Job is complete, or a pod has succeeded. */
export function isComplete(object: ApiObject | undefined): boolean {
  if (object === undefined) {
    return false;
  }
  return progressOf(object).status?.phase === 'Succeeded' || hasCondition(object, 'Complete', 'Succeeded');
}

/** Undefined for kinds that do not count replicas. */
function countsOf(object: ApiObject, what: 'ready' | 'available'): boolean | undefined {
  const { metadata, spec = {}, status = {} } = progressOf(object);
  const isObserved = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  if (object.kind === 'DaemonSet') {
    const wanted = status.desiredNumberScheduled ?? 0;
    const good = (what === 'ready' ? status.numberReady : status.numberAvailable) ?? 0;
    return isObserved && good === wanted && (status.updatedNumberScheduled ?? 0) === wanted;
  }
  if (spec.replicas === undefined || !COUNTING.has(object.kind)) {
    return undefined;
  }
  const good = (what === 'ready' ? status.readyReplicas : status.availableReplicas) ?? 0;
  const hasOld = ROLLING.has(object.kind) && (status.updatedReplicas ?? 0) !== spec.replicas;
  return isObserved && good === spec.replicas && (status.replicas ?? 0) === spec.replicas && !hasOld;
}

/** Kinds that say by numbers how far they are; custom resources with `spec.replicas` say it by conditions. */
const COUNTING: ReadonlySet<string> = new Set([
  'Deployment',
  'StatefulSet',
  'ReplicaSet',
  'ReplicationController',
]);

/** Kinds that replace old pods by new ones and count both. */
const ROLLING: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet']);

function hasCondition(object: ApiObject, ...types: readonly string[]): boolean {
  const { conditions = [] } = progressOf(object).status ?? {};
  return types.some((wanted) => conditions.some(({ type, status }) => type === wanted && status === 'True'));
}

function progressOf(object: ApiObject): Progress {
  return object;
}
