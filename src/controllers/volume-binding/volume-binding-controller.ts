import {
  BETA_STORAGE_PROVISIONER,
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  NO_PROVISIONER,
  PROVISIONED_BY,
  SELECTED_NODE,
  STORAGE_PROVISIONER,
} from '#api/volume-annotations.ts';
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

/** Keys of volumes carry this, so that they and claims share one queue: a binding is never decided twice at once. */
const VOLUME_PREFIX = 'volume:';

const PROVISIONER_NAMES = [BETA_STORAGE_PROVISIONER, STORAGE_PROVISIONER] as const;
const EVENTS = 'persistentvolume-controller';

/**
 * Binds claims to volumes that are there, asks provisioners for those that are not, and keeps the phases of both true.
 * Making and deleting volumes is the provisioners' work.
 */
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
    if (phase === 'Released') {
      await this.#reclaim(volume, signal);
    } else if (phase !== undefined && phase !== volume.status.phase) {
      await this.#setPhase(volume, { phase }, signal);
    }
  }

  /** What becomes of a volume whose claim is gone. One that a provisioner made is its to delete. */
  async #reclaim(volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    const policy = volume.spec.persistentVolumeReclaimPolicy ?? 'Retain';
    const isProvisioned = volume.metadata.annotations?.[PROVISIONED_BY] !== undefined;
    if (policy === 'Retain' || (policy === 'Delete' && isProvisioned)) {
      if (volume.status.phase !== 'Released') {
        await this.#setPhase(volume, { phase: 'Released' }, signal);
      }
      return;
    }
    if (volume.status.phase === 'Failed') {
      return;
    }
    const [reason, message] =
      policy === 'Delete'
        ? [
            'VolumeFailedDelete',
            `error getting deleter volume plugin for volume "${volume.metadata.name}": no deletable volume plugin matched`,
          ]
        : ['VolumeFailedRecycle', `no recyclable volume plugin matched for volume "${volume.metadata.name}"`];
    await this.#setPhase(volume, { phase: 'Failed', message }, signal);
    this.#deps.events(EVENTS).event(volume, 'Warning', reason, message);
  }

  async #setPhase(
    volume: PersistentVolume,
    status: Pick<PersistentVolume['status'], 'phase' | 'message'>,
    signal: AbortSignal,
  ): Promise<void> {
    const updated = { ...volume, status: { ...volume.status, ...status } };
    await this.#deps.client.of(PERSISTENT_VOLUME).updateStatus(updated, {}, signal);
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
    const volume = this.#volumeFor(claim);
    if (volume !== undefined) {
      await this.#bind(claim, volume, signal);
    } else if (volumeName === '') {
      await this.#orderVolume(claim, signal);
    }
  }

  /** A claim that waits for its first consumer gets only what the scheduler has kept for it. */
  #volumeFor(claim: PersistentVolumeClaim): PersistentVolume | undefined {
    const volumes = this.#volumes.list();
    return chooseVolume(
      claim,
      this.#waitsForConsumer(claim)
        ? volumes.filter(({ spec }) => spec.claimRef?.uid === claim.metadata.uid)
        : volumes,
    );
  }

  /** Nothing fits: says what is waited for, and asks the provisioner of the class for a volume. */
  async #orderVolume(claim: PersistentVolumeClaim, signal: AbortSignal): Promise<void> {
    const events = this.#deps.events(EVENTS);
    const className = claim.spec.storageClassName ?? '';
    const { annotations } = claim.metadata;
    if (className === '') {
      const message = 'no persistent volumes available for this claim and no storage class is set';
      events.event(claim, 'Normal', 'FailedBinding', message);
      return;
    }
    if (this.#waitsForConsumer(claim) && (annotations?.[SELECTED_NODE] ?? '') === '') {
      const message = 'waiting for first consumer to be created before binding';
      events.event(claim, 'Normal', 'WaitForFirstConsumer', message);
      return;
    }
    const storageClass = this.#classes.get(className);
    if (storageClass === undefined) {
      const message = `storageclass.storage.k8s.io "${className}" not found`;
      events.event(claim, 'Warning', 'ProvisioningFailed', message);
      return;
    }
    const { provisioner } = storageClass;
    if (provisioner === NO_PROVISIONER) {
      return;
    }
    if (PROVISIONER_NAMES.some((name) => annotations?.[name] !== provisioner)) {
      const named = Object.fromEntries(PROVISIONER_NAMES.map((name) => [name, provisioner]));
      const metadata = { ...claim.metadata, annotations: { ...annotations, ...named } };
      await this.#deps.client.of(PERSISTENT_VOLUME_CLAIM).update({ ...claim, metadata }, {}, signal);
    }
    const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
    events.event(claim, 'Normal', 'ExternalProvisioning', message);
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
