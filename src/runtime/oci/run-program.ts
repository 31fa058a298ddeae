import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { RuntimeError } from '../cri.ts';
import { signalNumber } from './signals.ts';

export interface ProgramOptions {
  readonly input?: string;
  /** For programs that leave a process behind, which would keep their output open for ever. */
  readonly ignoreOutput?: boolean;
}

export interface ProgramResult {
  /** 128 plus the signal's number when a signal ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Output kept of a helper program, in bytes per stream; more than that is a fault of its own. */
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;

/** What helper programs see of our environment: nothing secret. */
export const PROGRAM_ENV: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
};

/** Runs a program, without a shell, to its end. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const output = options.ignoreOutput === true ? 'ignore' : 'pipe';
  const child = spawn(program, args, {
    env: PROGRAM_ENV,
    cwd: '/',
    stdio: [options.input === undefined ? 'ignore' : 'pipe', output, output],
  });
  if (options.input !== undefined) {
    // A program that ends without reading its input says why by its exit code.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input);
  }
  const [exitCode, stdout, stderr] = await Promise.all([
    exitCodeOf(child, program),
    collectText(child.stdout),
    collectText(child.stderr),
  ]);
  return { exitCode, stdout, stderr };
}

/** Like {@link runProgram}, for programs that must succeed: returns what they wrote. */
export async function runToSuccess(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  const { exitCode, stdout, stderr } = await runProgram(program, args, options);
  if (exitCode !== 0) {
    throw new RuntimeError(
      'internal',
      `${program} ${args.join(' ')}: ${stderr.trim() || `exit code ${exitCode}`}`,
    );
  }
  return stdout;
}

/** @throws {RuntimeError} `internal` when the program could not be started */
export async function exitCodeOf(child: ChildProcess, program: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', (error) =>
    reject(new RuntimeError('internal', `cannot run ${program}`, { cause: error })),
  );
  child.once('exit', (code, signal) => resolve(code ?? 128 + signalNumber(signal ?? 'SIGKILL')));
  return await promise;
}

async function collectText(stream: Readable | null): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream ?? []) {
    const bytes: Buffer = chunk;
    size += bytes.length;
    if (size <= OUTPUT_BYTES_MAX) {
      chunks.push(bytes);
    }
  }
  return Buffer.concat(chunks).toString();
}
