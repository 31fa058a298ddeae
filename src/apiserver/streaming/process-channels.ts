import type { Readable, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { StatusError } from '#api/status-error.ts';
import type { Status } from '#api/types/meta.v1.ts';
import { describeError } from '#base/log.ts';
import type { ProcessSession } from './node-streams-port.ts';

/** The client's ends of a process's streams, whatever protocol carries them. */
export interface ProcessChannels {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  /** Terminal sizes as JSON, `{"Width":80,"Height":24}`, one after the other. */
  readonly resize: Readable | undefined;
  /** Takes one Status when the process has ended. */
  readonly error: Writable;
  /** How this client reads a Status; left out: as JSON. Nothing is sent when it is empty. */
  readonly statusText?: (status: Status) => string;
  /** Resolves when the client is gone. */
  readonly closed: Promise<void>;
  /** Ends the connection after what was written. */
  close(): void;
}

/** Joins a process and a client until one of them ends, then lets go of both. Never rejects. */
export async function connectProcess(session: ProcessSession, channels: ProcessChannels): Promise<void> {
  try {
    feed(session, channels);
    await Promise.race([channels.closed, runToEnd(session, channels)]);
  } finally {
    session.close();
    channels.close();
    // Wakes whatever still waits for the client.
    channels.stdin?.destroy();
    channels.resize?.destroy();
  }
}

async function runToEnd(session: ProcessSession, channels: ProcessChannels): Promise<void> {
  const output = Promise.allSettled([
    drain(session.stdout, channels.stdout),
    drain(session.stderr, channels.stderr),
  ]);
  const status = await session.exit.then(
    ({ exitCode }) => statusOfExit(exitCode),
    (error: unknown) => statusOfFailure(error),
  );
  await output;
  const told = channels.statusText?.(status) ?? JSON.stringify(status);
  channels.error.end(told === '' ? undefined : told);
  // A client that went away in between has been told all it could be told.
  await finished(channels.error, { readable: false }).catch(() => undefined);
}

/** What the client types and how large its window is. Neither may hold up the end of the process. */
function feed({ stdin, resize }: ProcessSession, channels: ProcessChannels): void {
  if (stdin !== undefined && channels.stdin !== undefined) {
    // A process that does not read its input to the end is no failure.
    pipeline(channels.stdin, stdin).catch(() => channels.stdin?.resume());
  }
  let text = '';
  channels.resize?.setEncoding('utf8').on('data', (chunk: string) => {
    const sizes = (text + chunk).split(/(?<=\})/);
    text = sizes.at(-1)?.endsWith('}') === true ? '' : (sizes.pop() ?? '').slice(0, RESIZE_TEXT_MAX);
    for (const size of sizes) {
      const { width, height } = parseSize(size);
      if (width > 0 && height > 0) {
        resize(width, height);
      }
    }
  });
}

/** An unfinished size is a few bytes; more is no size at all. */
const RESIZE_TEXT_MAX = 256;

function parseSize(text: string): { readonly width: number; readonly height: number } {
  const dimension = (name: string): number =>
    Number(new RegExp(`"${name}"\\s*:\\s*(\\d{1,5})`, 'i').exec(text)?.[1] ?? 0);
  return { width: dimension('Width'), height: dimension('Height') };
}

async function drain(source: Readable | undefined, target: Writable | undefined): Promise<void> {
  if (source === undefined) {
    target?.end();
  } else if (target === undefined) {
    source.resume();
    await finished(source);
  } else {
    await pipeline(source, target);
  }
}

export function statusOfExit(exitCode: number): Status {
  if (exitCode === 0) {
    return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success' };
  }
  return {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit code ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

function statusOfFailure(error: unknown): Status {
  if (error instanceof StatusError) {
    return error.toStatus();
  }
  return {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: `error executing command in container: ${describeError(error)}`,
    reason: 'InternalError',
    code: 500,
  };
}
