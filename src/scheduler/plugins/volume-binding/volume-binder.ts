import { BIND_COMPLETED, BOUND_BY_CONTROLLER, SELECTED_NODE } from '#api/volume-annotations.ts';
import { objectKey } from '#api/object.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#api/types/core.v1.ts';
import { PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM } from '#api/types/resources.ts';
import type { Clock } from '#base/clock.ts';
import type { Client } from '#client/client.ts';
import type { Informer } from '#client/lister.ts';
import type { VolumePlan } from './delayed-claims.ts';

/** How long a pod waits for its volumes to be made, as upstream's `bindTimeoutSeconds`. */
const BIND_TIMEOUT_MS = 600_000;

/** What a binding needs from the cluster. */
export interface VolumeBinderDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly claims: Pick<Informer<PersistentVolumeClaim>, 'get' | 'addHandler'>;
}

/** Carries out the plans for pods that have a node, and remembers them until then. */
export class VolumeBinder {
  readonly #deps: VolumeBinderDeps;
  /** By the pod's UID. */
  readonly #plans = new Map<string, VolumePlan>();
  readonly #waiting = new Set<() => void>();

  constructor(deps: VolumeBinderDeps) {
    this.#deps = deps;
    const wake = (): void => this.#waiting.forEach((each) => each());
    deps.claims.addHandler({ onAdd: wake, onUpdate: wake, onDelete: wake });
  }

  /** Names of the volumes that are promised. */
  get taken(): ReadonlySet<string> {
    const taken = new Set<string>();
    for (const { bindings } of this.#plans.values()) {
      bindings.forEach(({ volume }) => taken.add(volume.metadata.name));
    }
    return taken;
  }

  reserve({ metadata }: Pod, plan: VolumePlan): void {
    this.#plans.set(metadata.uid, plan);
  }

  release({ metadata }: Pod): void {
    this.#plans.delete(metadata.uid);
  }

  /**
   * Binds what is promised, orders what has to be made, and waits until every claim is bound.
   *
   * @throws {Error} when a claim is not bound in time, or its order was given back; the pod is then scheduled anew
   */
  async bind(pod: Pod, nodeName: string, signal: AbortSignal): Promise<void> {
    const plan = this.#plans.get(pod.metadata.uid);
    if (plan === undefined) {
      return;
    }
    const { client } = this.#deps;
    for (const { claim, volume } of plan.bindings) {
      await client.of(PERSISTENT_VOLUME).update(promised(volume, claim), {}, signal);
    }
    const orders: PersistentVolumeClaim[] = [];
    for (const claim of plan.orders) {
      const selected = claim.metadata.annotations?.[SELECTED_NODE] === nodeName;
      orders.push(selected ? claim : await this.#order(claim, nodeName, signal));
    }
    const keys = [...plan.bindings.map(({ claim }) => claim), ...orders].map((claim) => objectKey(claim));
    await this.#untilBound(keys, orders, signal);
  }

  #order(
    claim: PersistentVolumeClaim,
    nodeName: string,
    signal: AbortSignal,
  ): Promise<PersistentVolumeClaim> {
    const annotations = { ...claim.metadata.annotations, [SELECTED_NODE]: nodeName };
    const ordered = { ...claim, metadata: { ...claim.metadata, annotations } };
    return this.#deps.client.of(PERSISTENT_VOLUME_CLAIM).update(ordered, {}, signal);
  }

  async #untilBound(
    keys: readonly string[],
    orders: readonly PersistentVolumeClaim[],
    signal: AbortSignal,
  ): Promise<void> {
    const { claims, clock } = this.#deps;
    const endMs = clock.monotonicMs() + BIND_TIMEOUT_MS;
    const versions = new Map(
      orders.map((claim) => [objectKey(claim), Number(claim.metadata.resourceVersion)]),
    );
    for (;;) {
      const open = keys.filter((key) => !isBound(claims.get(key)));
      if (open.length === 0) {
        return;
      }
      for (const key of open) {
        checkOrder(key, claims.get(key), versions.get(key));
      }
      if (clock.monotonicMs() >= endMs) {
        throw new Error(`binding volumes: timed out waiting for the condition: ${open.join(', ')}`);
      }
      await this.#change(endMs - clock.monotonicMs(), signal);
    }
  }

  /** Waits for the next change of any claim, or until it is too late. */
  async #change(durationMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#deps.clock.schedule(durationMs, resolve);
    this.#waiting.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    timer.cancel();
    this.#waiting.delete(resolve);
    signal.throwIfAborted();
  }
}

function isBound(claim: PersistentVolumeClaim | undefined): boolean {
  return (claim?.spec.volumeName ?? '') !== '' && claim?.metadata.annotations?.[BIND_COMPLETED] !== undefined;
}

/** A provisioner that cannot make a volume for the node takes the node out of the claim again. */
function checkOrder(
  key: string,
  claim: PersistentVolumeClaim | undefined,
  version: number | undefined,
): void {
  if (claim === undefined) {
    throw new Error(`PVC ${key} was deleted while its volume was bound`);
  }
  const isCurrent = version !== undefined && Number(claim.metadata.resourceVersion) >= version;
  if (isCurrent && (claim.metadata.annotations?.[SELECTED_NODE] ?? '') === '') {
    throw new Error(`provisioning failed for PVC ${key}: its node was given back`);
  }
}

/** The volume as kept for the claim; the volume controller does the rest. */
function promised(volume: PersistentVolume, { metadata }: PersistentVolumeClaim): PersistentVolume {
  const { namespace, name, uid, resourceVersion } = metadata;
  const annotations =
    volume.spec.claimRef === undefined
      ? { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' }
      : volume.metadata.annotations;
  return {
    ...volume,
    metadata: { ...volume.metadata, ...(annotations === undefined ? {} : { annotations }) },
    spec: {
      ...volume.spec,
      claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion },
    },
  };
}
