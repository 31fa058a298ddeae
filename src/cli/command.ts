import type { Readable, Writable } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { Flag, FlagValues } from './flags.ts';
import type { Session } from './session.ts';

export interface TerminalInput extends Readable {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
}

export interface TerminalOutput extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** All that the program touches of the process around it. */
export interface KubectlIo {
  readonly stdin: TerminalInput;
  readonly stdout: TerminalOutput;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Fires when the user interrupts: watches, followed logs and forwarded ports end. */
  readonly signal?: AbortSignal;
}

/** One command line, read. */
export interface Invocation {
  readonly command: Command;
  /** `kubectl rollout status` */
  readonly path: string;
  readonly args: readonly string[];
  /** How many of `args` came before `--`. */
  readonly dash: number | undefined;
  readonly flags: FlagValues;
  readonly session: Session;
  readonly io: KubectlIo;
}

/** A verb, or a verb that only has verbs below it. */
export interface Command {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One sentence for the list of verbs. */
  readonly about: string;
  /** What follows the name in the usage line. */
  readonly usage?: string;
  readonly flags?: readonly Flag[];
  readonly commands?: readonly Command[];
  /** Words behind the first argument belong to what is run, flags or not. */
  readonly stopsAtFirstArg?: boolean;
  /** Returns the exit code; nothing is 0. */
  readonly run?: (invocation: Invocation) => Promise<number | void>;
}
