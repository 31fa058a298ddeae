import { objectKey } from '#api/object.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '#api/types/core.v1.ts';
import type { StorageClass } from '#api/types/storage.v1.ts';
import { PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS } from '#api/types/resources.ts';
import type { Informer } from '#client/lister.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import { chooseVolume, volumePhase } from './binding-plan.ts';

const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
/** Keys of volumes carry this, so that they and claims share one queue: a binding is never decided twice at once. */
const VOLUME_PREFIX = 'volume:';

/** Binds claims to volumes that are there, and keeps the phases of both true. Volumes are not made to order yet. */
export class VolumeBindingController implements Controller {
  readonly name = 'persistentvolume-binder';
  // Two claims must not be given the same volume.
  readonly workers = 1;
  readonly #deps: ControllerDeps;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #classes: Informer<StorageClass>;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#volumes = deps.informers.of(PERSISTENT_VOLUME);
    this.#claims = deps.informers.of(PERSISTENT_VOLUME_CLAIM);
    this.#classes = deps.informers.of(STORAGE_CLASS);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    const pending = (): readonly string[] =>
      this.#claims.list().flatMap((claim) => (claim.status.phase === 'Bound' ? [] : [objectKey(claim)]));
    return [
      enqueueOnChange(this.#volumes, queue, (volume) => [
        `${VOLUME_PREFIX}${volume.metadata.name}`,
        ...pending(),
      ]),
      enqueueOnChange(this.#claims, queue, (claim) => {
        const { volumeName = '' } = claim.spec;
        return volumeName === '' ? [objectKey(claim)] : [objectKey(claim), `${VOLUME_PREFIX}${volumeName}`];
      }),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    if (key.startsWith(VOLUME_PREFIX)) {
      await this.#reconcileVolume(key.slice(VOLUME_PREFIX.length), signal);
    } else {
      await this.#reconcileClaim(key, signal);
    }
    return DONE;
  }

  async #reconcileVolume(name: string, signal: AbortSignal): Promise<void> {
    const volume = this.#volumes.get(name);
    if (volume === undefined) {
      return;
    }
    const phase = volumePhase(volume, (namespace, claim) => this.#claims.get(`${namespace}/${claim}`));
    if (phase !== undefined && phase !== volume.status.phase) {
      const updated = { ...volume, status: { ...volume.status, phase } };
      await this.#deps.client.of(PERSISTENT_VOLUME).updateStatus(updated, {}, signal);
    }
  }

  async #reconcileClaim(key: string, signal: AbortSignal): Promise<void> {
    const claim = this.#claims.get(key);
    if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) {
      return;
    }
    const { volumeName = '' } = claim.spec;
    if (claim.metadata.annotations?.[BIND_COMPLETED] !== undefined && volumeName !== '') {
      await this.#settle(claim, this.#volumes.get(volumeName), signal);
      return;
    }
    const volume = this.#waitsForConsumer(claim) ? undefined : chooseVolume(claim, this.#volumes.list());
    if (volume !== undefined) {
      await this.#bind(claim, volume, signal);
    } else if (volumeName === '' && (claim.spec.storageClassName ?? '') === '') {
      const message = 'no persistent volumes available for this claim and no storage class is set';
      this.#deps.events('persistentvolume-controller').event(claim, 'Normal', 'FailedBinding', message);
    }
  }

  #waitsForConsumer({ spec }: PersistentVolumeClaim): boolean {
    const storageClass = this.#classes.get(spec.storageClassName ?? '');
    return (spec.volumeName ?? '') === '' && storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
  }

  /** Writes the volume first: a crash in between leaves a volume that is kept for this claim, and the next pass goes on. */
  async #bind(claim: PersistentVolumeClaim, volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    const { client } = this.#deps;
    const { namespace, name, uid, resourceVersion } = claim.metadata;
    const isKept = volume.spec.claimRef !== undefined;
    const bound =
      volume.spec.claimRef?.uid === uid
        ? volume
        : await client.of(PERSISTENT_VOLUME).update(
            {
              ...volume,
              metadata: isKept ? volume.metadata : withAnnotation(volume.metadata, BOUND_BY_CONTROLLER),
              spec: {
                ...volume.spec,
                claimRef: {
                  kind: 'PersistentVolumeClaim',
                  apiVersion: 'v1',
                  namespace,
                  name,
                  uid,
                  resourceVersion,
                },
              },
            },
            {},
            signal,
          );
    const metadata = withAnnotation(
      (claim.spec.volumeName ?? '') === ''
        ? withAnnotation(claim.metadata, BOUND_BY_CONTROLLER)
        : claim.metadata,
      BIND_COMPLETED,
    );
    const settled = { ...claim, metadata, spec: { ...claim.spec, volumeName: bound.metadata.name } };
    const updated = await client.of(PERSISTENT_VOLUME_CLAIM).update(settled, {}, signal);
    await this.#settle(updated, bound, signal);
  }

  /** Tells in the claim's status what it is bound to, or that it was lost. */
  async #settle(
    claim: PersistentVolumeClaim,
    volume: PersistentVolume | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const phase = volume === undefined ? 'Lost' : 'Bound';
    if (claim.status.phase === phase) {
      return;
    }
    const { accessModes, capacity } = volume?.spec ?? {};
    const status = {
      ...claim.status,
      phase,
      ...(accessModes === undefined ? {} : { accessModes }),
      ...(capacity === undefined ? {} : { capacity }),
    } as const;
    await this.#deps.client.of(PERSISTENT_VOLUME_CLAIM).updateStatus({ ...claim, status }, {}, signal);
  }
}

function withAnnotation<M extends { readonly annotations?: Readonly<Record<string, string>> }>(
  metadata: M,
  name: string,
): M {
  return { ...metadata, annotations: { ...metadata.annotations, [name]: 'yes' } };
}
