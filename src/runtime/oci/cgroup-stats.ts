import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MemoryUsage } from '../cri-stats.ts';
import type { Cgroups } from './cgroups.ts';
import { isMissing } from './system-code.ts';

/** Limits at or above this are "no limit" in version 1. */
const UNLIMITED_BYTES = 2 ** 62;

/** CPU time of a cgroup in nanoseconds; undefined when there is no such group. */
export function readCpuNanoSeconds(cgroups: Cgroups, path: string): number | undefined {
  const v1 = cgroups.layout.v1.has('cpuacct') ? cgroups.directory('cpuacct', path) : undefined;
  if (v1 !== undefined) {
    const text = read(join(v1, 'cpuacct.usage'));
    return text === undefined ? undefined : Number(text);
  }
  const v2 = cgroups.directory('cpu', path);
  const text = v2 === undefined ? undefined : read(join(v2, 'cpu.stat'));
  return text === undefined ? undefined : (parseStat(text).get('usage_usec') ?? 0) * 1000;
}

/** Memory of a cgroup; undefined when there is no such group. */
export function readMemory(cgroups: Cgroups, path: string): Omit<MemoryUsage, 'timestampMs'> | undefined {
  const directory = cgroups.directory('memory', path);
  const isV1 = cgroups.layout.v1.has('memory');
  const stat = directory === undefined ? undefined : read(join(directory, 'memory.stat'));
  const usage =
    directory === undefined
      ? undefined
      : read(join(directory, isV1 ? 'memory.usage_in_bytes' : 'memory.current'));
  if (directory === undefined || stat === undefined || usage === undefined) {
    return undefined;
  }
  const values = parseStat(stat);
  const name = isV1
    ? {
        inactive: 'total_inactive_file',
        rss: 'total_rss',
        faults: 'total_pgfault',
        major: 'total_pgmajfault',
      }
    : { inactive: 'inactive_file', rss: 'anon', faults: 'pgfault', major: 'pgmajfault' };
  const limit = Number(read(join(directory, isV1 ? 'memory.limit_in_bytes' : 'memory.max')));
  const usageBytes = Number(usage);
  const workingSetBytes = Math.max(0, usageBytes - (values.get(name.inactive) ?? 0));
  return {
    usageBytes,
    workingSetBytes,
    // `max` is not a number.
    ...(limit < UNLIMITED_BYTES ? { availableBytes: Math.max(0, limit - workingSetBytes) } : {}),
    rssBytes: values.get(name.rss) ?? 0,
    pageFaults: values.get(name.faults) ?? 0,
    majorPageFaults: values.get(name.major) ?? 0,
  };
}

/** Lines of a name and a number. */
export function parseStat(text: string): ReadonlyMap<string, number> {
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([name = '', value = '0']) => [name, Number(value)]),
  );
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}
