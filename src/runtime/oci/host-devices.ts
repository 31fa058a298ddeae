import { lstatSync, readdirSync, realpathSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { RuntimeError, type ContainerConfig } from '../cri.ts';
import type { OciDevice } from './oci-spec.ts';

/** Made afresh in every container. */
const OWN_ENTRIES = new Set([
  'pts',
  'shm',
  'fd',
  'mqueue',
  'console',
  'ptmx',
  'full',
  'null',
  'zero',
  'random',
  'urandom',
  'tty',
]);
const DEPTH_MAX = 4;

/** The device nodes of a container: those it asks for, and all of the host's when it is privileged. */
export function containerDevices(config: ContainerConfig): OciDevice[] {
  const asked = (config.devices ?? []).map(({ hostPath, containerPath }) => {
    const device = deviceAt(realpathSync(hostPath), containerPath);
    if (device === undefined) {
      throw new RuntimeError('invalid-argument', `${hostPath} is not a device`);
    }
    return device;
  });
  const isPrivileged = config.linux.securityContext.privileged === true;
  return isPrivileged ? [...asked, ...devicesBelow('/dev', DEPTH_MAX)] : asked;
}

function devicesBelow(directory: string, depth: number): OciDevice[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (directory === '/dev' && OWN_ENTRIES.has(entry.name)) {
      return [];
    }
    if (entry.isDirectory()) {
      return depth > 1 ? devicesBelow(path, depth - 1) : [];
    }
    const isDevice = entry.isCharacterDevice() || entry.isBlockDevice();
    const device = isDevice && lstatSync(path, { throwIfNoEntry: false }) ? deviceAt(path, path) : undefined;
    return device === undefined ? [] : [device];
  });
}

function deviceAt(hostPath: string, path: string): OciDevice | undefined {
  const stats = statSync(hostPath);
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) {
    return undefined;
  }
  const { major, minor } = deviceNumber(stats);
  return {
    path,
    type: stats.isBlockDevice() ? 'b' : 'c',
    major,
    minor,
    fileMode: stats.mode & 0o777,
    uid: stats.uid,
    gid: stats.gid,
  };
}

/** Takes a `dev_t` apart as Linux puts it together, for the low 32 bits that real devices use. */
function deviceNumber({ rdev }: Stats): { readonly major: number; readonly minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}
