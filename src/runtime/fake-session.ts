import { PassThrough, type Readable, type Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Clock } from '#base/clock.ts';
import { RuntimeError, type ExecOptions, type ExecSession, type ExecSyncResult } from './cri.ts';

/** What a command of a fake container sees. */
export interface FakeProcess {
  readonly containerId: string;
  /** The container's name in its pod. */
  readonly name: string;
  readonly cmd: readonly string[];
  /** Ended from the start when the caller gave none. */
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly tty: boolean;
  /** The size of the terminal, newest value. */
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** Fires when the session is closed or the time is up; the process should end. */
  readonly signal: AbortSignal;
}

/** A command as a function from its streams to its exit code. */
export type FakeProgram = (process: FakeProcess) => number | Promise<number>;

/** Runs a program connected to streams. */
export function openFakeSession(program: FakeProgram, name: string, options: ExecOptions): ExecSession {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = options.tty ? stdout : new PassThrough();
  const controller = new AbortController();
  let size = { columns: 80, rows: 24 };
  if (!options.stdin) {
    stdin.end();
  }
  const run = async (): Promise<{ readonly exitCode: number }> => {
    try {
      const { containerId, cmd, tty } = options;
      const process = { containerId, name, cmd, stdin, stdout, stderr, tty, size: () => size };
      return { exitCode: await program({ ...process, signal: controller.signal }) };
    } finally {
      stdout.end();
      stderr.end();
    }
  };
  return {
    stdin: options.stdin ? stdin : undefined,
    stdout: options.stdout ? stdout : undefined,
    stderr: options.stderr && !options.tty ? stderr : undefined,
    resize: (columns, rows) => {
      size = { columns, rows };
    },
    exit: run(),
    close: () => controller.abort(),
  };
}

/**
 * Runs a program and collects what it writes.
 *
 * @throws {RuntimeError} `deadline-exceeded` when it outlasts a timeout greater than 0
 */
export async function runToEnd(
  program: FakeProgram,
  command: { readonly containerId: string; readonly name: string; readonly cmd: readonly string[] },
  limit: { readonly clock: Clock; readonly timeoutSeconds: number },
): Promise<ExecSyncResult> {
  const session = openFakeSession(program, command.name, {
    ...command,
    stdin: false,
    stdout: true,
    stderr: true,
    tty: false,
  });
  const late = Promise.withResolvers<never>();
  const { timeoutSeconds } = limit;
  const timer =
    timeoutSeconds > 0
      ? limit.clock.schedule(timeoutSeconds * 1000, () => {
          late.reject(
            new RuntimeError('deadline-exceeded', `command timed out after ${timeoutSeconds} seconds`),
          );
        })
      : undefined;
  try {
    const output = Promise.all([collect(session.stdout), collect(session.stderr), session.exit]);
    const [stdout, stderr, { exitCode }] = await Promise.race([output, late.promise]);
    return { stdout, stderr, exitCode };
  } finally {
    timer?.cancel();
    session.close();
  }
}

async function collect(stream: Readable | undefined): Promise<Uint8Array> {
  return stream === undefined ? new Uint8Array() : await buffer(stream);
}
