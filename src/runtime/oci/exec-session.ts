import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Transform, type Readable, type Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { RuntimeError, type ExecOptions, type ExecSession, type ExitResult } from '../cri.ts';
import type { ContainerPaths } from './container-record.ts';
import { parseLogLine } from './low-runtime.ts';
import type { OciHost } from './oci-host.ts';
import type { OciSpec } from './oci-spec.ts';
import { exitCodeOf, PROGRAM_ENV } from './run-program.ts';
import { sendSignal, signalNumber } from './signals.ts';
import { systemCode } from './system-code.ts';

/** Files of one command, removed when it has ended. */
class ExecFiles {
  readonly #base: string;

  constructor(host: OciHost) {
    this.#base = join(host.paths.execs, host.random.bytes(8).toHex());
  }

  get process(): string {
    return `${this.#base}.json`;
  }

  /** There as soon as the command runs; until then everything is the low-level runtime's own doing. */
  get pid(): string {
    return `${this.#base}.pid`;
  }

  get log(): string {
    return `${this.#base}.log`;
  }

  remove(): void {
    for (const path of [this.process, this.pid, this.log]) {
      rmSync(path, { force: true });
    }
  }
}

/** Runs a command in a running container by the low-level runtime's `exec`. */
export function openExecSession(host: OciHost, container: ContainerPaths, options: ExecOptions): ExecSession {
  const files = new ExecFiles(host);
  // Written by ourselves when the container was created.
  const spec = JSON.parse(readFileSync(container.spec, 'utf8')) as OciSpec;
  const env =
    options.tty && !spec.process.env.some((entry) => entry.startsWith('TERM='))
      ? [...spec.process.env, 'TERM=xterm']
      : spec.process.env;
  writeFileSync(
    files.process,
    JSON.stringify({ ...spec.process, args: options.cmd, terminal: options.tty, env }),
  );
  return options.tty ? openWithTerminal(host, options, files) : openWithPipes(host, options, files);
}

function openWithPipes(host: OciHost, options: ExecOptions, files: ExecFiles): ExecSession {
  const child = spawnExec(host, options, files, [
    options.stdin ? 'pipe' : 'ignore',
    options.stdout ? 'pipe' : 'ignore',
    'pipe',
  ]);
  child.stdin?.on('error', () => undefined); // The command may end without reading; its exit code tells.
  // Read from the start: Node throws away what nobody reads when the command ends, and the client may still be
  // opening its streams.
  const stdout = child.stdout?.pipe(new PassThrough());
  const stderr = new CommandOutput(files.pid);
  child.stderr?.pipe(stderr);
  if (!options.stderr) {
    stderr.resume();
  }
  const closed = Promise.withResolvers<void>();
  child.once('close', closed.resolve);
  const exit = async (): Promise<ExitResult> => {
    const exitCode = await exitCodeOf(child, host.lowRuntime.program);
    await closed.promise;
    return outcome(exitCode, files);
  };
  return {
    stdin: child.stdin ?? undefined,
    stdout,
    stderr: options.stderr ? stderr : undefined,
    resize: () => undefined,
    exit: exit().finally(() => files.remove()),
    close: () => endCommand(child, files),
  };
}

function openWithTerminal(host: OciHost, options: ExecOptions, files: ExecFiles): ExecSession {
  const { libc } = host;
  const { master, slave } = libc.openTerminal();
  const child = spawnExec(host, options, files, [slave, slave, slave]);
  closeSync(slave);
  const terminal = new ReadStream(master);
  const { output, drained } = terminalOutput(terminal, files.pid);
  if (!options.stdout) {
    output.resume();
  }
  let hasEnded = false;
  const exit = async (): Promise<ExitResult> => {
    const exitCode = await exitCodeOf(child, host.lowRuntime.program);
    hasEnded = true;
    await drained;
    return outcome(exitCode, files);
  };
  return {
    stdin: options.stdin ? terminalInput(terminal) : undefined,
    stdout: options.stdout ? output : undefined,
    stderr: undefined,
    resize: (columns, rows) => {
      if (!hasEnded && !terminal.destroyed) {
        libc.setTerminalSize(master, columns, rows);
        child.kill('SIGWINCH');
      }
    },
    exit: exit().finally(() => files.remove()),
    close: () => {
      endCommand(child, files);
      terminal.destroy();
    },
  };
}

function spawnExec(
  host: OciHost,
  { containerId }: ExecOptions,
  files: ExecFiles,
  stdio: ('pipe' | 'ignore' | number)[],
): ChildProcess {
  const args = host.lowRuntime.execArguments(containerId, files.process, files.pid, files.log);
  return spawn(host.lowRuntime.program, args, { env: PROGRAM_ENV, cwd: '/', stdio, detached: true });
}

/** Passes on what the command writes; what is written before it runs is the low-level runtime's complaint. */
class CommandOutput extends Transform {
  readonly #pidFile: string;
  #isRunning = false;
  #held: Buffer[] = [];

  constructor(pidFile: string) {
    super();
    this.#pidFile = pidFile;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#isRunning ||= existsSync(this.#pidFile);
    if (this.#isRunning) {
      this.#pushHeld();
      this.push(chunk);
    } else {
      this.#held.push(chunk);
    }
    done();
  }

  override _flush(done: () => void): void {
    if (existsSync(this.#pidFile)) {
      this.#pushHeld();
    }
    done();
  }

  #pushHeld(): void {
    for (const chunk of this.#held) {
      this.push(chunk);
    }
    this.#held = [];
  }
}

/** The terminal's output up to the close of its other end, which Linux tells as an input/output error. */
function terminalOutput(terminal: ReadStream, pidFile: string): { output: Readable; drained: Promise<void> } {
  const output = new CommandOutput(pidFile);
  const drained = Promise.withResolvers<void>();
  terminal.once('error', (error) => {
    if (systemCode(error) === 'EIO') {
      output.end();
    } else {
      output.destroy(error);
    }
  });
  terminal.once('close', () => {
    output.end();
    drained.resolve();
  });
  terminal.pipe(output);
  return { output, drained: drained.promise };
}

/** Closing the input of a terminal does not hang it up, so its end is swallowed. */
function terminalInput(terminal: ReadStream): Writable {
  const input = new PassThrough();
  input.pipe(terminal, { end: false });
  return input;
}

/** @throws {RuntimeError} `internal` when the command never ran */
function outcome(exitCode: number, files: ExecFiles): ExitResult {
  if (existsSync(files.pid)) {
    return { exitCode };
  }
  const lines = existsSync(files.log) ? readFileSync(files.log, 'utf8').trim().split('\n') : [];
  const message = lines.map((line) => parseLogLine(line)).findLast(({ level }) => level === 'error')?.msg;
  throw new RuntimeError('internal', `OCI runtime exec failed: ${message ?? `exit code ${exitCode}`}`);
}

function endCommand(child: ChildProcess, files: ExecFiles): void {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  if (existsSync(files.pid)) {
    sendSignal(Number(readFileSync(files.pid, 'utf8')), signalNumber('SIGKILL'));
  }
  child.kill('SIGTERM');
}
