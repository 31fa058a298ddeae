import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Outcome {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** What it reads; nothing when left out. */
  readonly input?: string;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 90_000;

/** Runs a program to its end. Its whole group is killed when that takes too long. */
export async function run(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const [program = '', ...args] = words;
  const child = spawn(program, args, {
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
  // A program that does not read its input closes it early.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), options.timeoutMs ?? TIMEOUT_MS);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    const [stdout, stderr] = [
      Buffer.concat(chunks.stdout).toString(),
      Buffer.concat(chunks.stderr).toString(),
    ];
    return { code, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}

/** One line of a shell session, and what a person would see. */
export interface Step {
  readonly line: string;
  /** What standard output has; all of them. */
  readonly shows?: RegExp | readonly RegExp[];
  /** The line fails, and standard error has this. */
  readonly fails?: RegExp;
  readonly input?: string;
  /** Tried again until it holds. */
  readonly isEventual?: boolean;
}

/** A line that succeeds and shows something. */
export function shows(line: string, ...patterns: RegExp[]): Step {
  return { line, shows: patterns };
}

/** A line that fails with a message. */
export function fails(line: string, message: RegExp): Step {
  return { line, fails: message };
}

/** A line that shows something sooner or later. */
export function comesToShow(line: string, ...patterns: RegExp[]): Step {
  return { line, shows: patterns, isEventual: true };
}

/** A line that reads something. */
export function reads(line: string, input: string, ...patterns: RegExp[]): Step {
  return { line, input, shows: patterns };
}

const EVENTUAL_TRIES = 60;
const EVENTUAL_PAUSE_MS = 250;

/** Runs steps in order, in one directory with one environment. All are run, so that one run tells all that is wrong. */
export async function play(steps: readonly Step[], env: NodeJS.ProcessEnv, cwd: string): Promise<void> {
  const complaints: string[] = [];
  for (const step of steps) {
    const complaint = await tryStep(step, env, cwd);
    if (complaint !== undefined) {
      complaints.push(complaint);
    }
  }
  assert.ok(complaints.length === 0, complaints.join('\n'));
}

async function tryStep(step: Step, env: NodeJS.ProcessEnv, cwd: string): Promise<string | undefined> {
  const input = step.input === undefined ? {} : { input: step.input };
  let complaint: string | undefined;
  for (let tries = step.isEventual === true ? EVENTUAL_TRIES : 1; tries > 0; tries--) {
    complaint = complaintAbout(step, await run(['bash', '-c', step.line], { env, cwd, ...input }));
    if (complaint === undefined) {
      return undefined;
    }
    await new Promise((resolve) => setTimeout(resolve, tries > 1 ? EVENTUAL_PAUSE_MS : 0));
  }
  return complaint;
}

function complaintAbout({ line, shows: shown, fails: failure }: Step, outcome: Outcome): string | undefined {
  const { code, stdout, stderr } = outcome;
  const patterns = shown === undefined ? [] : [shown].flat();
  const missing = [
    ...patterns.filter((pattern) => !pattern.test(stdout)),
    ...(failure === undefined || failure.test(stderr) ? [] : [failure]),
  ];
  const isExpectedCode = failure === undefined ? code === 0 : code !== 0;
  return isExpectedCode && missing.length === 0
    ? undefined
    : `$ ${line}\nexit code ${code}\n${missing.map((pattern) => `missing: ${String(pattern)}\n`).join('')}--- stdout\n${stdout}--- stderr\n${stderr}`;
}
