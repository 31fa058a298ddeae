import type { Duplex } from 'node:stream';

/** How a container of a fake runtime lives. All times are on its clock. */
export interface FakeLife {
  /** Makes `startContainer` fail with this message. */
  readonly startError?: string;
  /** Ends by itself this long after its start; never when left out. */
  readonly exitAfterMs?: number;
  /** With which code it then ends; 0 when left out. */
  readonly exitCode?: number;
  /** Ends this long after the stop signal; at once when left out, only by SIGKILL when `Infinity`. */
  readonly stopAfterMs?: number;
  /** With which code it then ends; 143 (SIGTERM) when left out. */
  readonly stopExitCode?: number;
  /** Runs instead of all that, and ends with this exit code; without an end once it is killed. Never rejects. */
  readonly run?: (main: FakeMain) => Promise<number>;
}

/** What the program of a container sees of its surroundings. */
export interface FakeMain {
  readonly containerId: string;
  /** The pod's; undefined in the host's network. */
  readonly podIp: string | undefined;
  /** Fires at the stop signal, or with {@link killed}. */
  readonly terminated: AbortSignal;
  /** Fires when the container is over, whatever ended it. */
  readonly killed: AbortSignal;
}

/** Connects to a port of a pod, whose address is undefined in the host's network. */
export type FakeConnect = (podSandboxId: string, port: number, podIp: string | undefined) => Duplex;
