import type { Pod } from '#api/types/core.v1.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import { resizedPod, validateEphemeralContainers, validateResize } from '#api/validation/pod-subresources.ts';
import { defaultStrategy, onlyStatus, withStatus } from '../default-strategy.ts';
import type { DraftObject, Strategy } from '../strategy.ts';
import { podQosClass } from '#api/pod-qos.ts';

/** Used when neither the client nor the pod says how long stopping may take. */
const GRACE_SECONDS_DEFAULT = 30;

export function podStrategy(info: ResourceInfo): Strategy {
  const base = defaultStrategy(info);
  return {
    ...base,
    selectableFields: {
      'spec.nodeName': (object) => asPod(object).spec.nodeName ?? '',
      'spec.restartPolicy': (object) => asPod(object).spec.restartPolicy ?? '',
      'spec.schedulerName': (object) => asPod(object).spec.schedulerName ?? '',
      'spec.serviceAccountName': (object) => asPod(object).spec.serviceAccountName ?? '',
      'spec.hostNetwork': (object) => String(asPod(object).spec.hostNetwork ?? false),
      'status.phase': (object) => asPod(object).status.phase ?? '',
      'status.podIP': (object) => asPod(object).status.podIPs?.[0]?.ip ?? asPod(object).status.podIP ?? '',
      'status.podIPs': (object) => asPod(object).status.podIPs?.[0]?.ip ?? asPod(object).status.podIP ?? '',
      'status.nominatedNodeName': (object) => asPod(object).status.nominatedNodeName ?? '',
    },
    prepareCreate: (object) => {
      const pod = asPod(object);
      const isGated = (pod.spec.schedulingGates ?? []).length > 0;
      const gated = {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      };
      return withStatus(object, {
        phase: 'Pending',
        ...(isGated ? { conditions: [gated] } : {}),
        qosClass: podQosClass(pod.spec),
      });
    },
    prepareUpdate: (next, current, subresource) => prepareUpdate(next, current, subresource),
    validateUpdate: (next, current, subresource) => {
      // These endpoints change what the rules for the pod itself keep fixed; binding has checked its own input.
      switch (subresource) {
        case 'binding':
          return [];
        case 'ephemeralcontainers':
          return validateEphemeralContainers(asPod(next), asPod(current));
        case 'resize':
          return validateResize(asPod(next), asPod(current));
        default:
          return base.validateUpdate(next, current, subresource);
      }
    },
    deletionGraceSeconds: (object, requested) => graceSeconds(asPod(object), requested),
  };
}

function prepareUpdate(next: DraftObject, current: DraftObject, subresource: string): DraftObject {
  switch (subresource) {
    case 'status': {
      // The class follows from the spec and never changes, whatever a node sends.
      const { qosClass } = asPod(current).status;
      const status = { ...asPod(next).status, ...(qosClass === undefined ? {} : { qosClass }) };
      return onlyStatus(withStatus(next, status), current);
    }
    case 'binding':
      return next;
    case 'resize':
      return { ...next, ...resizedPod(asPod(next), asPod(current)) };
    case 'ephemeralcontainers': {
      const { ephemeralContainers } = asPod(next).spec;
      return {
        ...current,
        metadata: { ...current.metadata },
        spec: { ...asPod(current).spec, ephemeralContainers },
      };
    }
    default:
      return withStatus(next, current['status']);
  }
}

function graceSeconds({ spec, status }: Pod, requested: number | undefined): number {
  const isRunningSomewhere =
    (spec.nodeName ?? '') !== '' && status.phase !== 'Succeeded' && status.phase !== 'Failed';
  if (!isRunningSomewhere) {
    return 0;
  }
  const wanted = requested ?? spec.terminationGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT;
  // A negative period once meant "at once"; the node still gets a second to notice.
  return wanted < 0 ? 1 : wanted;
}

function asPod(object: DraftObject): Pod {
  // The storage of pods holds pods only.
  return object as unknown as Pod;
}
