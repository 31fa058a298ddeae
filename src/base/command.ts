import { spawn } from 'node:child_process';

export interface CommandOptions {
  /** Written to the program's standard input, which is closed after it. */
  readonly input?: string;
  /** The program is killed after this long. */
  readonly timeoutMs?: number;
}

/** Runs programs of the host that end by themselves. */
export interface CommandRunner {
  /**
   * Runs a program found on PATH, without a shell, and returns its standard output.
   *
   * @throws {CommandError} it could not be started, was killed, or ended with another code than 0
   */
  run(argv: readonly [string, ...string[]], options?: CommandOptions): Promise<string>;
}

/** A program could not be started, was killed, or ended with another code than 0. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code = 'base/command';
  /** Undefined when the program was not started or was killed. */
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(
    message: string,
    failure: { readonly exitCode?: number; readonly stderr?: string; readonly cause?: unknown },
  ) {
    super(message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.exitCode = failure.exitCode;
    this.stderr = failure.stderr ?? '';
  }
}

const TIMEOUT_MS_DEFAULT = 30_000;

/** Characters of each output kept; what comes after is dropped. */
const OUTPUT_MAX = 16 * 1024 * 1024;

/** Characters of standard error that go into an error's message. */
const MESSAGE_MAX = 500;

/** The programs of this machine. */
export class SystemCommands implements CommandRunner {
  readonly #prefix: readonly string[];

  /** @param prefix what every command is started through, as `['nsenter', '--net=/run/netns/a']` */
  constructor(prefix: readonly string[] = []) {
    this.#prefix = prefix;
  }

  run(argv: readonly [string, ...string[]], options: CommandOptions = {}): Promise<string> {
    const [program = '', ...args] = [...this.#prefix, ...argv];
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? TIMEOUT_MS_DEFAULT,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(0, OUTPUT_MAX);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(0, OUTPUT_MAX);
    });
    // A program may end before it has read all of its input; its exit code tells what came of it.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', (cause) => reject(new CommandError(`run ${program}`, { cause })));
    child.on('close', (exitCode, signal) => {
      if (exitCode === 0) {
        resolve(stdout);
        return;
      }
      const how = exitCode === null ? `was killed by ${signal ?? 'a signal'}` : `ended with ${exitCode}`;
      reject(
        new CommandError(`${argv.join(' ')} ${how}: ${stderr.trim().slice(0, MESSAGE_MAX)}`, {
          ...(exitCode === null ? {} : { exitCode }),
          stderr,
        }),
      );
    });
    return promise;
  }
}
