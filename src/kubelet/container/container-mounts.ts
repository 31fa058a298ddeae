import { dirname, isAbsolute, join } from 'node:path';
import type { Disk } from '#base/disk.ts';
import type { Mount, MountPropagation } from '#runtime/cri.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import type { MountedVolume } from '../volumes/pod-volumes.ts';
import { resolveSubPath, subPathOf } from '../volumes/sub-path.ts';
import { ConfigError } from './config-error.ts';

const PROPAGATION: Readonly<Record<string, MountPropagation>> = {
  None: 'private',
  HostToContainer: 'host-to-container',
  Bidirectional: 'bidirectional',
};

/** Writable by the container whatever user it runs as. */
const TERMINATION_LOG_MODE = 0o666;

export interface MountsInput {
  readonly container: AnyContainer;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly environment: ReadonlyMap<string, string>;
  /** The pod's hosts file, unless it keeps the image's. */
  readonly hostsFile: string | undefined;
  /** Host path of the file that takes the termination message. */
  readonly terminationLog: string;
  readonly disk: Disk;
}

/** The mounts of a container: its volumes, its hosts file, its termination message. */
export async function containerMounts(input: MountsInput): Promise<readonly Mount[]> {
  const { container, volumes, environment, hostsFile, terminationLog, disk } = input;
  const mounts: Mount[] = [];
  for (const mount of container.volumeMounts ?? []) {
    const volume = volumes.get(mount.name);
    if (volume === undefined) {
      throw new ConfigError(
        'CreateContainerConfigError',
        `cannot find volume "${mount.name}" to mount into container "${container.name}"`,
      );
    }
    const subPath = subPathOf(mount, environment);
    mounts.push({
      containerPath: isAbsolute(mount.mountPath) ? mount.mountPath : join('/', mount.mountPath),
      hostPath: subPath === '' ? volume.hostPath : await resolveSubPath(volume.hostPath, subPath, disk),
      readonly: mount.readOnly === true || volume.readOnly,
      propagation: PROPAGATION[mount.mountPropagation ?? 'None'] ?? 'private',
    });
  }
  const hasOwnHosts = mounts.some(({ containerPath }) => containerPath === '/etc/hosts');
  if (hostsFile !== undefined && !hasOwnHosts) {
    mounts.push({ containerPath: '/etc/hosts', hostPath: hostsFile, readonly: false });
  }
  const messagePath = container.terminationMessagePath ?? '/dev/termination-log';
  await disk.mkdir(dirname(terminationLog), { recursive: true });
  await disk.writeFile(terminationLog, '');
  // Whoever the container runs as may write it, whatever this program's umask.
  await disk.chmod(terminationLog, TERMINATION_LOG_MODE);
  mounts.push({ containerPath: messagePath, hostPath: terminationLog, readonly: false });
  return mounts;
}
