import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SILENT_LOGGER } from '#base/log.ts';
import { Cgroups } from './cgroups.ts';
import { Libc } from './libc.ts';
import { chooseRuntime } from './low-runtime.ts';
import { systemCode } from './system-code.ts';

/** Something this host lacks for running containers. */
export interface HostProblem {
  /** What is missing, as `conmon` or `root`. */
  readonly what: string;
  /** One sentence for the user. */
  readonly why: string;
  /** Debian package that brings it; undefined for what no package can. */
  readonly aptPackage?: string;
}

/** The programs that real containers need, by absolute path. */
export interface HostPrograms {
  readonly lowRuntime: string;
  readonly conmon: string;
  readonly nft: string;
}

export type HostCheck =
  | { readonly kind: 'ready'; readonly programs: HostPrograms }
  | { readonly kind: 'lacking'; readonly problems: readonly HostProblem[] };

const DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Finds out whether this host can run real containers, and if not, everything that stands in the way. */
export function checkHost(): HostCheck {
  if (process.platform !== 'linux') {
    return lacking([{ what: 'Linux', why: 'Real containers need a Linux kernel.' }]);
  }
  const problems: HostProblem[] = [...kernelProblems()];
  const layout = existsSync('/sys/fs/cgroup') ? Cgroups.detect(SILENT_LOGGER).layout : undefined;
  const runtimes = new Map(
    ['crun', 'runc'].flatMap((name): [string, string][] => {
      const path = findProgram(name);
      return path === undefined ? [] : [[name, path]];
    }),
  );
  const lowRuntime = layout === undefined ? undefined : chooseRuntime(runtimes, layout);
  if (lowRuntime === undefined) {
    const wanted = layout?.kind === 'hybrid' ? 'runc' : 'crun';
    const why =
      wanted === 'runc'
        ? 'It starts containers; on a host that mixes cgroup versions, crun cannot.'
        : 'It starts containers; runc serves too.';
    problems.push({ what: wanted, why, aptPackage: wanted });
  }
  const conmon = findProgram('conmon');
  if (conmon === undefined) {
    problems.push({
      what: 'conmon',
      why: 'It keeps the log and the exit code of a container.',
      aptPackage: 'conmon',
    });
  }
  const nft = findProgram('nft');
  if (nft === undefined) {
    problems.push({ what: 'nft', why: 'It lets pods out and services in.', aptPackage: 'nftables' });
  }
  if (problems.length > 0 || lowRuntime === undefined || conmon === undefined || nft === undefined) {
    return lacking(problems);
  }
  return { kind: 'ready', programs: { lowRuntime, conmon, nft } };
}

/** The absolute path of a program of the system; undefined when there is none. */
export function findProgram(name: string): string | undefined {
  return DIRECTORIES.map((directory) => join(directory, name)).find((path) => isExecutable(path));
}

function kernelProblems(): HostProblem[] {
  const problems: HostProblem[] = [];
  if (process.geteuid?.() !== 0) {
    problems.push({ what: 'root', why: 'Namespaces, mounts and cgroups of real containers need root.' });
  }
  if (Libc.load() === undefined) {
    problems.push({
      what: 'node:ffi',
      why: 'This Node was built or started without node:ffi; use 26.1 or later.',
    });
  }
  if (!existsSync('/sys/fs/cgroup')) {
    problems.push({ what: 'cgroups', why: 'No cgroups are mounted at /sys/fs/cgroup.' });
  }
  const fileSystems = readFileSync('/proc/filesystems', 'utf8');
  if (!/\boverlay\b/.test(fileSystems) && !existsSync('/sys/module/overlay')) {
    problems.push({
      what: 'overlayfs',
      why: 'The kernel cannot stack image layers; load the module "overlay".',
    });
  }
  return problems;
}

function lacking(problems: readonly HostProblem[]): HostCheck {
  return { kind: 'lacking', problems };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'EACCES') {
      return false;
    }
    throw error;
  }
}
