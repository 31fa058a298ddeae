import type { Pod } from '#api/types/core.v1.ts';

/** A volume of a pod, ready on this node. */
export interface MountedVolume {
  readonly hostPath: string;
  /** Whatever the container asks for: ConfigMaps, Secrets and the like are never written to. */
  readonly readOnly: boolean;
}

/** The volumes of the node's pods. */
export interface PodVolumes {
  /**
   * Brings the pod's volumes to what their sources say now, and returns them by name. Called again, it
   * renews what changed (ConfigMaps, Secrets, tokens) under the running containers.
   *
   * @throws {VolumeError}
   */
  mount(pod: Pod, signal: AbortSignal): Promise<ReadonlyMap<string, MountedVolume>>;
  /** Unmounts and deletes all that belongs to the pod. Succeeds when there is nothing. */
  unmount(uid: string): Promise<void>;
}

/** A volume cannot be set up; the message is for the user. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
  readonly code = 'kubelet/volume';
  readonly volume: string;

  constructor(volume: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.volume = volume;
  }
}
