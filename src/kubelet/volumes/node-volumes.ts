import { join } from 'node:path';
import type { Disk } from '#base/disk.ts';
import { describeError } from '#base/log.ts';
import { quantityToNumber } from '#api/quantity.ts';
import type { EmptyDirVolumeSource, Pod, Volume } from '#api/types/core.v1.ts';
import type { ConfigSources } from '../container/config-sources.ts';
import type { NodeView } from '../pod/node-view.ts';
import type { PodPaths } from '../pod/pod-paths.ts';
import { writeAtomically } from './atomic-writer.ts';
import type { ClaimedVolume, ClaimedVolumes } from './claimed-volume.ts';
import type { HostMounts } from './host-mounts.ts';
import { prepareHostPath } from './host-path.ts';
import { volumePayload } from './payload.ts';
import { VolumeError, type MountedVolume, type PodVolumes } from './pod-volumes.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';

export interface NodeVolumesDeps {
  readonly paths: PodPaths;
  readonly sources: ConfigSources;
  readonly tokens: ServiceAccountTokens;
  readonly mounts: HostMounts;
  readonly claimed: ClaimedVolumes;
  readonly node: NodeView;
  /** A directory in memory for Secrets and tokens, so that they never reach a disk; else they lie with the pod. */
  readonly memoryDir: string | undefined;
}

const EMPTY_DIR_MODE = 0o777;
const SET_GROUP_ID = 0o2000;

/** The volumes that need nothing but this node and the API. */
export class NodeVolumes implements PodVolumes {
  readonly #deps: NodeVolumesDeps;

  readonly #disk: Disk;

  constructor(deps: NodeVolumesDeps) {
    this.#deps = deps;
    this.#disk = deps.paths.disk;
  }

  async mount(pod: Pod, signal: AbortSignal): Promise<ReadonlyMap<string, MountedVolume>> {
    const mounted = new Map<string, MountedVolume>();
    for (const volume of pod.spec.volumes ?? []) {
      try {
        mounted.set(volume.name, await this.#mountOne(pod, volume, signal));
      } catch (error) {
        throw new VolumeError(volume.name, describeError(error), { cause: error });
      }
    }
    return mounted;
  }

  async unmount(uid: string): Promise<void> {
    const { paths, mounts, tokens, memoryDir } = this.#deps;
    const directory = join(paths.podDirectory(uid), 'volumes');
    await mounts.unmountBelow(directory);
    await this.#disk.rm(directory, { recursive: true, force: true });
    if (memoryDir !== undefined) {
      await this.#disk.rm(join(memoryDir, uid), { recursive: true, force: true });
    }
    tokens.forget(uid);
  }

  async #mountOne(pod: Pod, volume: Volume, signal: AbortSignal): Promise<MountedVolume> {
    const { sources, tokens, node, claimed } = this.#deps;
    const { hostPath, emptyDir, name } = volume;
    if (hostPath !== undefined) {
      await prepareHostPath(hostPath, this.#disk);
      return { hostPath: hostPath.path, readOnly: false };
    }
    if (emptyDir !== undefined) {
      return await this.#emptyDir(pod, name, emptyDir);
    }
    const found = await claimed(pod, volume, signal);
    if (found !== undefined) {
      return await this.#persistent(found, pod.spec.securityContext?.fsGroup);
    }
    const fields = {
      nodeName: node.name,
      hostIps: node.hostIps,
      podIps: (pod.status.podIPs ?? []).map(({ ip }) => ip),
      allocatable: node.allocatable(),
    };
    const payload = await volumePayload(pod, volume, { sources, tokens, fields }, signal);
    if (payload === undefined) {
      const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'none';
      throw new Error(`volumes of type ${kind} are not supported by Coracle yet`);
    }
    const directory = this.#payloadDirectory(pod.metadata.uid, volume);
    await writeAtomically(directory, payload, pod.spec.securityContext?.fsGroup, this.#disk);
    return { hostPath: directory, readOnly: true };
  }

  /** A volume that outlives the pod. Of those that lie on other machines none is mounted yet. */
  async #persistent(
    { volume, readOnly }: ClaimedVolume,
    fsGroup: number | undefined,
  ): Promise<MountedVolume> {
    const { hostPath, local } = volume.spec;
    if (hostPath !== undefined) {
      const isNew = await prepareHostPath(hostPath, this.#disk);
      if (isNew && hostPath.type === 'DirectoryOrCreate') {
        // The directory is the volume's alone, and its containers may run as anybody.
        await this.#disk.chmod(hostPath.path, EMPTY_DIR_MODE);
      }
      return { hostPath: hostPath.path, readOnly };
    }
    if (local !== undefined) {
      await prepareHostPath({ path: local.path, type: 'Directory' }, this.#disk);
      if (fsGroup !== undefined && !readOnly) {
        await this.#disk.chown(local.path, -1, fsGroup);
        await this.#disk.chmod(local.path, EMPTY_DIR_MODE | SET_GROUP_ID);
      }
      return { hostPath: local.path, readOnly };
    }
    const sources = ['csi', 'nfs', 'iscsi', 'fc', 'rbd', 'cephfs'] as const;
    const kind = sources.find((source) => volume.spec[source] !== undefined) ?? 'another kind';
    throw new Error(
      `persistent volume ${volume.metadata.name} is of type ${kind}, which Coracle cannot mount yet; hostPath and local volumes work`,
    );
  }

  #payloadDirectory(uid: string, { name, configMap, downwardAPI, secret }: Volume): string {
    const { paths, memoryDir } = this.#deps;
    if (configMap !== undefined || downwardAPI !== undefined) {
      return paths.volume(uid, configMap === undefined ? 'downward-api' : 'configmap', name);
    }
    return memoryDir === undefined
      ? paths.volume(uid, secret === undefined ? 'projected' : 'secret', name)
      : join(memoryDir, uid, name);
  }

  async #emptyDir(
    pod: Pod,
    name: string,
    { medium = '', sizeLimit }: EmptyDirVolumeSource,
  ): Promise<MountedVolume> {
    if (medium !== '' && medium !== 'Memory') {
      throw new Error(`emptyDir volumes with medium ${medium} are not supported by Coracle yet`);
    }
    const hostPath = this.#deps.paths.volume(pod.metadata.uid, 'empty-dir', name);
    const isThere = await this.#disk.stat(hostPath).then(
      () => true,
      () => false,
    );
    if (!isThere || medium === 'Memory') {
      await this.#disk.mkdir(hostPath, { recursive: true });
      if (medium === 'Memory') {
        await this.#deps.mounts.mountMemory(
          hostPath,
          sizeLimit === undefined ? undefined : quantityToNumber(sizeLimit),
        );
      }
      const fsGroup = pod.spec.securityContext?.fsGroup;
      if (fsGroup !== undefined) {
        await this.#disk.chown(hostPath, process.getuid?.() ?? 0, fsGroup);
      }
      await this.#disk.chmod(
        hostPath,
        fsGroup === undefined ? EMPTY_DIR_MODE : EMPTY_DIR_MODE | SET_GROUP_ID,
      );
    }
    return { hostPath, readOnly: false };
  }
}
