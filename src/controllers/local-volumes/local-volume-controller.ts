import { PROVISIONED_BY, SELECTED_NODE, STORAGE_PROVISIONER } from '#api/volume-annotations.ts';
import { isAlreadyExists, isNotFound } from '#api/status-error.ts';
import { objectKey } from '#api/object.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '#api/types/core.v1.ts';
import type { StorageClass } from '#api/types/storage.v1.ts';
import { NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS } from '#api/types/resources.ts';
import { describeError } from '#base/log.ts';
import type { Informer } from '#client/lister.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import { LOCAL_PROVISIONER, localVolume, refusal } from './local-volume-plan.ts';

/** Where the directories of local volumes lie. */
export interface LocalVolumeDirectory {
  /** Absolute path on every node. */
  readonly path: string;
  /** Removes the directory of a volume with all that is in it; succeeds when there is none. */
  remove(path: string): Promise<void>;
}

/** Volumes and claims share one queue; the keys of volumes carry this. */
const VOLUME_PREFIX = 'volume:';

/** Makes volumes on the nodes themselves for claims that ask for them, and deletes them when their claim is gone. */
export class LocalVolumeController implements Controller {
  readonly name = 'local-volumes';
  readonly workers = 1;
  readonly #deps: ControllerDeps;
  readonly #directory: LocalVolumeDirectory;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #classes: Informer<StorageClass>;
  readonly #nodes: Informer<Node>;

  constructor(deps: ControllerDeps, directory: LocalVolumeDirectory) {
    this.#deps = deps;
    this.#directory = directory;
    this.#volumes = deps.informers.of(PERSISTENT_VOLUME);
    this.#claims = deps.informers.of(PERSISTENT_VOLUME_CLAIM);
    this.#classes = deps.informers.of(STORAGE_CLASS);
    this.#nodes = deps.informers.of(NODE);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#claims, queue, (claim) => (isOurs(claim) ? [objectKey(claim)] : [])),
      enqueueOnChange(this.#volumes, queue, ({ metadata }) =>
        metadata.annotations?.[PROVISIONED_BY] === LOCAL_PROVISIONER
          ? [`${VOLUME_PREFIX}${metadata.name}`]
          : [],
      ),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    if (key.startsWith(VOLUME_PREFIX)) {
      await this.#reclaim(key.slice(VOLUME_PREFIX.length), signal);
    } else {
      await this.#provision(key, signal);
    }
    return DONE;
  }

  async #provision(key: string, signal: AbortSignal): Promise<void> {
    const claim = this.#claims.get(key);
    const storageClass = this.#classes.get(claim?.spec.storageClassName ?? '');
    if (
      claim === undefined ||
      storageClass === undefined ||
      !isOurs(claim) ||
      (claim.spec.volumeName ?? '') !== '' ||
      claim.metadata.deletionTimestamp !== undefined
    ) {
      return;
    }
    const events = this.#deps.events(LOCAL_PROVISIONER);
    const selected = claim.metadata.annotations?.[SELECTED_NODE] ?? '';
    const why = refusal(claim, selected);
    if (why !== undefined) {
      events.event(claim, 'Warning', 'ProvisioningFailed', why);
      return;
    }
    const node = this.#nodes.get(selected);
    if (node === undefined) {
      await this.#giveBack(claim, `node "${selected}" not found`, signal);
      return;
    }
    const volume = localVolume(claim, storageClass, node, this.#directory.path);
    try {
      const made = await this.#deps.client.of(PERSISTENT_VOLUME).create(volume, {}, signal);
      const message = `Successfully provisioned volume ${made.metadata.name}`;
      events.event(claim, 'Normal', 'ProvisioningSucceeded', message);
    } catch (error) {
      if (!isAlreadyExists(error)) {
        throw error;
      }
    }
  }

  /** The node is gone: the scheduler has to look for another one. */
  async #giveBack(claim: PersistentVolumeClaim, why: string, signal: AbortSignal): Promise<void> {
    this.#deps.events(LOCAL_PROVISIONER).event(claim, 'Warning', 'ProvisioningFailed', why);
    const { [SELECTED_NODE]: _selected, ...annotations } = claim.metadata.annotations ?? {};
    const metadata = { ...claim.metadata, annotations };
    await this.#deps.client.of(PERSISTENT_VOLUME_CLAIM).update({ ...claim, metadata }, {}, signal);
  }

  async #reclaim(name: string, signal: AbortSignal): Promise<void> {
    const volume = this.#volumes.get(name);
    const path = volume?.spec.hostPath?.path ?? '';
    if (
      volume === undefined ||
      volume.status.phase !== 'Released' ||
      volume.spec.persistentVolumeReclaimPolicy !== 'Delete' ||
      volume.metadata.deletionTimestamp !== undefined ||
      // Only what was made here is removed, whatever somebody wrote into the object.
      !path.startsWith(`${this.#directory.path}/pvc-`) ||
      path.includes('/../')
    ) {
      return;
    }
    try {
      await this.#directory.remove(path);
    } catch (error) {
      this.#deps
        .events(LOCAL_PROVISIONER)
        .event(volume, 'Warning', 'VolumeFailedDelete', describeError(error));
      throw error;
    }
    try {
      await this.#deps.client.of(PERSISTENT_VOLUME).delete('', name, {}, signal);
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }
}

function isOurs({ metadata }: PersistentVolumeClaim): boolean {
  return metadata.annotations?.[STORAGE_PROVISIONER] === LOCAL_PROVISIONER;
}
