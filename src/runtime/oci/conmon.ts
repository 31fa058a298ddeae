import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { RuntimeError } from '../cri.ts';
import type { ContainerPaths } from './container-record.ts';
import type { LowRuntime } from './low-runtime.ts';
import { PROGRAM_ENV } from './run-program.ts';

export interface ConmonOptions {
  readonly program: string;
  readonly runtime: LowRuntime;
  readonly containerId: string;
  /** Holds `config.json`, and gets `attach`, `ctl`, `winsz`, `oom` and the pid files. */
  readonly bundle: string;
  /** Gets a file named after the container with its exit code. Must exist, else conmon ends without a word. */
  readonly exitDirectory: string;
  readonly logPath: string;
  readonly terminal: boolean;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
}

/**
 * Creates a container under a monitor of its own, which keeps the log, the exit code and the attached
 * streams and does not need us: containers outlive this process.
 *
 * @returns the process id of the container's first process, which waits for the start
 */
export async function createUnderConmon(options: ConmonOptions): Promise<number> {
  const { bundle, runtime } = options;
  const errorFile = join(bundle, 'conmon.log');
  const errorFd = openSync(errorFile, 'w');
  try {
    const child = spawn(options.program, conmonArguments(options), {
      env: { ...PROGRAM_ENV, _OCI_SYNCPIPE: '3' },
      cwd: bundle,
      detached: true,
      stdio: ['ignore', 'ignore', errorFd, 'pipe'],
    });
    const failed = Promise.withResolvers<never>();
    child.once('error', (cause) =>
      failed.reject(new RuntimeError('internal', `cannot run ${options.program}`, { cause })),
    );
    const pipe = child.stdio[3] as Readable;
    const answer = await Promise.race([readAll(pipe), failed.promise]);
    return processIdIn(
      answer,
      () => runtime.describeFailure(bundle) || readFileSync(errorFile, 'utf8').trim(),
    );
  } finally {
    closeSync(errorFd);
  }
}

export type MonitorCommand =
  | { readonly kind: 'resize'; readonly columns: number; readonly rows: number }
  | { readonly kind: 'reopen-log' };

/** Sends a command to a container's monitor through its control pipe. */
export function tellMonitor(paths: ContainerPaths, command: MonitorCommand): void {
  const line = command.kind === 'resize' ? `1 ${command.rows} ${command.columns}\n` : '2 0 0\n';
  // Non-blocking: without a reader (the monitor is gone) the open fails instead of waiting for one.
  const fd = openSync(paths.control, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    writeSync(fd, line);
  } finally {
    closeSync(fd);
  }
}

function conmonArguments(options: ConmonOptions): string[] {
  const { containerId, bundle, runtime } = options;
  return [
    ['--api-version', '1', '--cid', containerId, '--cuuid', containerId, '--name', containerId],
    ['--runtime', runtime.program, '--bundle', bundle, '--persist-dir', bundle, '--full-attach'],
    ['--exit-dir', options.exitDirectory, '--log-path', `k8s-file:${options.logPath}`],
    ['--container-pidfile', join(bundle, 'pid'), '--conmon-pidfile', join(bundle, 'conmon.pid')],
    ['--no-sync-log', '--log-level', 'error'],
    ...runtime.globalArguments(bundle).map((argument) => ['--runtime-arg', argument]),
    options.terminal ? ['--terminal'] : [],
    options.stdin ? ['--stdin'] : [],
    options.stdin && !options.stdinOnce ? ['--leave-stdin-open'] : [],
  ].flat();
}

function processIdIn(answer: string, describe: () => string): number {
  const { data, message } = parseAnswer(answer);
  if (data !== undefined && data > 0) {
    return data;
  }
  const reason = describe() || message || 'the monitor ended without an answer';
  throw new RuntimeError(
    'internal',
    `failed to create containerd task: failed to create shim task: ${reason}`,
  );
}

function parseAnswer(answer: string): { readonly data?: number; readonly message?: string } {
  try {
    return JSON.parse(answer.split('\n')[0] ?? '') as { data?: number; message?: string };
  } catch {
    return { message: answer.trim() };
  }
}

/** Reads up to the end of the first line: the monitor keeps its end of the pipe open. */
async function readAll(pipe: Readable): Promise<string> {
  let text = '';
  for await (const chunk of pipe) {
    text += String(chunk);
    if (text.includes('\n')) {
      break;
    }
  }
  return text;
}
