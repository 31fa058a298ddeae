import { EVERYTHING, LabelSelector, labelSelectorFromSet } from '#api/label-selector.ts';
import { REPLICA_SET, REPLICATION_CONTROLLER, SERVICE, STATEFUL_SET } from '#api/types/resources.ts';
import type { Labels } from '#api/label-requirement.ts';
import type { Informers } from '#client/lister.ts';
import type { PodShape } from '../../state/pod-shape.ts';
import { selectorOf } from '../../state/selectors.ts';

/** Which pods count as one kind with a pod that says nothing about spreading. */
export interface OwnSelectors {
  /** Chooses everything when nothing is known; then there is nothing to spread by. */
  of(shape: PodShape): LabelSelector;
}

/** Pods of the services that choose the pod, and of its controller. */
export class InformedSelectors implements OwnSelectors, Disposable {
  readonly #informers: ReturnType<typeof informersOf>;
  readonly #subscriptions: readonly Disposable[];
  #known = new WeakMap<PodShape, LabelSelector>();

  constructor(informers: Informers) {
    this.#informers = informersOf(informers);
    const forget = (): void => {
      this.#known = new WeakMap();
    };
    this.#subscriptions = [
      this.#informers.services.addHandler({
        onAdd: forget,
        onDelete: forget,
        onUpdate: (previous, current) => {
          if (previous.spec.selector !== current.spec.selector) {
            forget();
          }
        },
      }),
      // The selectors of these cannot change, so only coming and going matters.
      this.#informers.replicationControllers.addHandler({
        onAdd: forget,
        onUpdate: forget,
        onDelete: forget,
      }),
      this.#informers.replicaSets.addHandler({ onAdd: forget, onDelete: forget }),
      this.#informers.statefulSets.addHandler({ onAdd: forget, onDelete: forget }),
    ];
  }

  of(shape: PodShape): LabelSelector {
    let selector = this.#known.get(shape);
    if (selector === undefined) {
      selector = this.#compute(shape);
      this.#known.set(shape, selector);
    }
    return selector;
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) {
      subscription[Symbol.dispose]();
    }
  }

  #compute({ labelSet: { namespace, labels }, controller }: PodShape): LabelSelector {
    const merged: Record<string, string> = {};
    for (const { spec } of this.#informers.services.byIndex('namespace', namespace)) {
      const chosen: Labels = spec.selector ?? {};
      if (Object.keys(chosen).length > 0 && labelSelectorFromSet(chosen).matches(labels)) {
        Object.assign(merged, chosen);
      }
    }
    const owners = this.#informers;
    const key = `${namespace}/${controller?.name ?? ''}`;
    switch (`${controller?.apiVersion} ${controller?.kind}`) {
      case 'v1 ReplicationController':
        return labelSelectorFromSet({ ...merged, ...owners.replicationControllers.get(key)?.spec.selector });
      case 'apps/v1 ReplicaSet':
        return joined(merged, owners.replicaSets.get(key)?.spec.selector);
      case 'apps/v1 StatefulSet':
        return joined(merged, owners.statefulSets.get(key)?.spec.selector);
      default:
        return labelSelectorFromSet(merged);
    }
  }
}

/** For clusters without services and controllers, such as those in tests of other things. */
export const NO_OWN_SELECTORS: OwnSelectors = { of: () => EVERYTHING };

function informersOf(informers: Informers) {
  return {
    services: informers.of(SERVICE),
    replicationControllers: informers.of(REPLICATION_CONTROLLER),
    replicaSets: informers.of(REPLICA_SET),
    statefulSets: informers.of(STATEFUL_SET),
  };
}

function joined(labels: Labels, selector: Parameters<typeof selectorOf>[0]): LabelSelector {
  const own = labelSelectorFromSet(labels);
  return selector === undefined
    ? own
    : new LabelSelector([...own.requirements, ...selectorOf(selector).requirements]);
}
