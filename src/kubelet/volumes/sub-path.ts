import { dirname, isAbsolute, join, sep } from 'node:path';
import { SYSTEM_DISK, type Disk } from '#base/disk.ts';
import { ConfigError } from '../container/config-error.ts';
import { expandVariables } from '../container/expansion.ts';
import type { VolumeMount } from '#api/types/core.v1.ts';

/** Mode of directories made for a sub-path that is not there yet. */
const DIRECTORY_MODE = 0o750;

/** The sub-path of a mount with its variables filled in; empty for the whole volume. */
export function subPathOf(mount: VolumeMount, environment: ReadonlyMap<string, string>): string {
  const { subPath = '', subPathExpr = '' } = mount;
  const path = subPathExpr === '' ? subPath : expandVariables(subPathExpr, environment);
  if (subPathExpr !== '' && /\$\([^)]*\)/.test(path)) {
    throw new ConfigError(
      'CreateContainerConfigError',
      `missing value for "${/\$\(([^)]*)\)/.exec(path)?.[1] ?? ''}"`,
    );
  }
  if (isAbsolute(path) || path.split('/').includes('..')) {
    throw new ConfigError(
      'CreateContainerConfigError',
      `Unable to SubPath ${path}: must be a relative path without '..'`,
    );
  }
  return path;
}

/**
 * The host path of a sub-path, made as a directory where it is missing. A container can plant symbolic
 * links in its volume, so what they lead to must still be inside.
 */
export async function resolveSubPath(
  volumePath: string,
  subPath: string,
  disk: Disk = SYSTEM_DISK,
): Promise<string> {
  const root = await disk.realpath(volumePath);
  const wanted = join(root, subPath);
  const existing = await deepestExisting(wanted, disk);
  const resolved = await disk.realpath(existing);
  if (resolved !== root && !resolved.startsWith(root + sep)) {
    throw new ConfigError(
      'CreateContainerConfigError',
      `failed to prepare subPath for volumeMount: subpath "${subPath}" not within volume path`,
    );
  }
  if (existing === wanted) {
    return resolved;
  }
  const made = join(resolved, wanted.slice(existing.length));
  await disk.mkdir(made, { recursive: true, mode: DIRECTORY_MODE });
  return made;
}

async function deepestExisting(path: string, disk: Disk): Promise<string> {
  for (let current = path; ; current = dirname(current)) {
    try {
      await disk.lstat(current);
      return current;
    } catch (error) {
      if (!isMissing(error) || current === dirname(current)) {
        throw error;
      }
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
