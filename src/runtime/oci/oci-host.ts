import { readFileSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { ContainerEventHub } from '../container-events.ts';
import type { HostLimits } from './bundle.ts';
import { capabilitiesOfMask } from './capabilities.ts';
import type { Cgroups } from './cgroups.ts';
import type { ConcurrencyLimit } from './concurrency-limit.ts';
import type { InstancePaths } from './instance-paths.ts';
import type { Libc } from './libc.ts';
import type { LowRuntime } from './low-runtime.ts';
import type { PodNetwork } from './pod-network.ts';

/** What the parts of one runtime instance share. */
export interface OciHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly paths: InstancePaths;
  readonly libc: Libc;
  readonly cgroups: Cgroups;
  readonly lowRuntime: LowRuntime;
  /** Absolute path of `conmon`. */
  readonly conmon: string;
  readonly network: PodNetwork;
  readonly events: ContainerEventHub;
  /** Helper programs at the same time. */
  readonly programs: ConcurrencyLimit;
  readonly limits: HostLimits;
}

/** What this process may hand on to containers. */
export function readHostLimits(): HostLimits {
  const status = readFileSync('/proc/self/status', 'utf8');
  const capabilities = capabilitiesOfMask(/^CapEff:\s*(\w+)$/m.exec(status)?.[1] ?? '0');
  const ownScore = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
  return { capabilities, oomScoreAdjMin: capabilities.has('SYS_RESOURCE') ? -1000 : ownScore };
}
