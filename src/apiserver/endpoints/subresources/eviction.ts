import type { Pod } from '#api/types/core.v1.ts';
import type { DeleteOptions, Status } from '#api/types/meta.v1.ts';
import type { Eviction, PodDisruptionBudget } from '#api/types/policy.v1.ts';
import { StatusError } from '#api/status-error.ts';
import { labelSelectorFromObject } from '#api/label-selector.ts';
import { knownStruct } from '#api/schema/schema.ts';
import { decodeObject } from '#codec/typed-decode.ts';
import { admitSmallObject } from '../../registry/admission-step.ts';
import { deleteObject } from '../../registry/delete.ts';
import type { RequestContext } from '../../registry/request-context.ts';
import type { ResourceStorage } from '../../registry/resource-storage.ts';
import type { DraftObject } from '../../registry/strategy.ts';
import { timestamp } from '../../registry/metadata.ts';
import { updateObject } from '../../registry/update.ts';
import type { ApiCall, ApiResult } from '../api-call.ts';
import { contextOf } from '../call-options.ts';
import { decodeValue } from '../decode-body.ts';

const KIND = { group: 'policy', version: 'v1', kind: 'Eviction' };
const SUCCESS: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

/** Serves `pods/eviction`: a deletion that first asks the disruption budgets of the pod. */
export async function serveEviction(
  pods: ResourceStorage,
  budgets: ResourceStorage,
  call: ApiCall,
): Promise<ApiResult> {
  const { object } = decodeObject(decodeValue(call.body), knownStruct('policy.v1.Eviction'), {
    fieldValidation: 'Ignore',
  });
  const target = { namespace: call.info.namespace, name: call.info.name, subresource: '' };
  const asked = contextOf(call, 'create');
  const eviction = await admitSmallObject(
    pods,
    { ...target, subresource: 'eviction' },
    { kind: KIND, object: { ...object, apiVersion: 'policy/v1', kind: 'Eviction' }, context: asked },
  );
  const { deleteOptions = {} } = eviction as Eviction & {
    readonly deleteOptions?: Partial<DeleteOptions>;
  };
  const context = { ...asked, isAdmitted: true };
  // Every object in the storage of pods is a pod.
  const pod = (await pods.get(target.namespace, target.name)).object as unknown as Pod;
  if (!isFreeToGo(pod)) {
    await takeFromBudget(budgets, pod, context);
  }
  await deleteObject(pods, target, deleteOptions, context);
  return { kind: 'value', code: 201, value: SUCCESS };
}

/** Pods that have ended, never ran or are on their way out disturb nobody. */
function isFreeToGo({ metadata, status }: Pod): boolean {
  return (
    metadata.deletionTimestamp !== undefined ||
    ['Succeeded', 'Failed', 'Pending'].includes(status.phase ?? '')
  );
}

async function takeFromBudget(budgets: ResourceStorage, pod: Pod, context: RequestContext): Promise<void> {
  const { items } = await budgets.deps.store.list(budgets.prefixOf(pod.metadata.namespace));
  const matching = items
    .map((entry) => budgets.view(entry).object as unknown as PodDisruptionBudget)
    .filter(
      ({ spec }) =>
        spec.selector !== undefined &&
        labelSelectorFromObject(spec.selector).matches(pod.metadata.labels ?? {}),
    );
  if (matching.length > 1) {
    throw new StatusError({
      code: 500,
      reason: 'InternalError',
      message:
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    });
  }
  const [budget] = matching;
  if (budget !== undefined) {
    const target = {
      namespace: budget.metadata.namespace,
      name: budget.metadata.name,
      subresource: 'status',
    };
    const produce = (live: DraftObject): DraftObject =>
      charge(budgets, live as unknown as PodDisruptionBudget, pod);
    await updateObject(
      budgets,
      target,
      { produce: (live) => produce(live as DraftObject), isPatch: true },
      context,
    );
  }
}

function charge(budgets: ResourceStorage, budget: PodDisruptionBudget, pod: Pod): DraftObject {
  const { status, metadata } = budget;
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    throw tooManyEvictions(
      `The disruption budget ${metadata.name} is still being processed by the server.`,
      10,
    );
  }
  if (status.disruptionsAllowed <= 0) {
    throw tooManyEvictions(
      `The disruption budget ${metadata.name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`,
      0,
    );
  }
  const charged = {
    ...status,
    disruptionsAllowed: status.disruptionsAllowed - 1,
    disruptedPods: { ...status.disruptedPods, [pod.metadata.name]: timestamp(budgets.deps.clock) },
  };
  return { ...budget, status: charged };
}

function tooManyEvictions(why: string, retryAfterSeconds: number): StatusError {
  return new StatusError({
    code: 429,
    reason: 'TooManyRequests',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: {
      causes: [{ reason: 'DisruptionBudget', message: why }],
      ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
    },
  });
}
