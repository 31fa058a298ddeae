import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { RuntimeError, type AttachOptions, type ExecSession, type ExitResult } from '../cri.ts';
import { tellMonitor } from './conmon.ts';
import type { ContainerPaths, ContainerRecord } from './container-record.ts';
import type { Libc } from './libc.ts';
import { LogFollower } from './log-follower.ts';

/** Largest packet the monitor reads at once. */
const PACKET_BYTES_MAX = 8192;
/** Time to wait for a container that does not read its input now. */
const FULL_WAIT_MS = 10;

export interface AttachTarget {
  readonly record: ContainerRecord;
  readonly paths: ContainerPaths;
  /** Resolves when the container has ended. */
  readonly ended: Promise<void>;
  readonly libc: Libc;
  readonly clock: Clock;
}

/**
 * Attaches to a container: its output is read from the log, which has every byte, its input goes through
 * the monitor's socket.
 */
export function openAttachSession(target: AttachTarget, options: AttachOptions): ExecSession {
  const { record, paths } = target;
  if (options.stdin && record.config.stdin !== true) {
    throw new RuntimeError('failed-precondition', `container ${record.id} has no standard input`);
  }
  const output = new AttachedOutput(record.logPath, options);
  const closed = Promise.withResolvers<void>();
  const stdin = options.stdin ? new MonitorInput(target) : undefined;
  const inputOver = Promise.withResolvers<void>();
  if (!endsItsContainer(record)) {
    stdin?.once('close', inputOver.resolve);
  }
  const exit = async (): Promise<ExitResult> => {
    await Promise.race([target.ended, closed.promise, inputOver.promise]);
    await output.finish(closed.promise);
    stdin?.destroy();
    return { exitCode: 0 };
  };
  return {
    stdin,
    stdout: options.stdout ? output.stdout : undefined,
    stderr: options.stderr && !options.tty ? output.stderr : undefined,
    resize: (columns, rows) => {
      if (record.config.tty === true) {
        tellMonitor(paths, { kind: 'resize', columns, rows });
      }
    },
    exit: exit(),
    close: () => closed.resolve(),
  };
}

/**
 * True when the first client's end of input is the container's, whose last words are waited for; otherwise a client
 * that has nothing more to say is done.
 */
function endsItsContainer({ config }: ContainerRecord): boolean {
  return config.stdinOnce === true && config.tty !== true;
}

/** Output of a container from now on, read from its log as fast as the reader of the session takes it. */
class AttachedOutput {
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly #follower: LogFollower;

  constructor(logPath: string, options: AttachOptions) {
    const streams = [this.stdout, this.stderr];
    this.#follower = new LogFollower(logPath, {
      hasRoom: () => streams.every(({ writableNeedDrain }) => !writableNeedDrain),
      take: ({ stream, bytes }) => this[stream].write(bytes),
    });
    for (const stream of streams) {
      stream.on('drain', () => this.#follower.read());
    }
    if (!options.stdout) {
      this.stdout.resume();
    }
    if (!options.stderr || options.tty) {
      this.stderr.resume();
    }
  }

  /** Delivers what the container wrote up to its end, unless the session is closed first. */
  async finish(closed: Promise<void>): Promise<void> {
    const isClosed = closed.then(() => true);
    while (!this.#follower.read()) {
      const drained = [this.stdout, this.stderr].map(async (stream) => {
        await once(stream, 'drain');
        return false;
      });
      if (await Promise.race([isClosed, ...drained])) {
        break;
      }
    }
    this.#follower[Symbol.dispose]();
    this.stdout.end();
    this.stderr.end();
  }
}

/** Standard input of a container, in packets to its monitor. */
class MonitorInput extends Writable {
  readonly #libc: Libc;
  readonly #clock: Clock;
  #fd: number | undefined;

  constructor({ libc, clock, paths }: AttachTarget) {
    super();
    this.#libc = libc;
    this.#clock = clock;
    // Through an open directory, because a socket's path may not be longer than 107 bytes.
    const directory = openSync(dirname(paths.attachSocket), 'r');
    try {
      this.#fd = libc.connectSeqpacket(join(`/proc/self/fd/${directory}`, basename(paths.attachSocket)));
    } finally {
      closeSync(directory);
    }
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error) => void): void {
    this.#send(chunk, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#fd !== undefined) {
      closeSync(this.#fd);
      this.#fd = undefined;
    }
    done(error);
  }

  override _final(done: () => void): void {
    // The monitor takes the end of the connection for the end of the input.
    this.destroy();
    done();
  }

  #send(bytes: Buffer, done: (error?: Error) => void): void {
    let rest = bytes;
    try {
      while (rest.length > 0 && this.#fd !== undefined) {
        if (!this.#libc.send(this.#fd, rest.subarray(0, PACKET_BYTES_MAX))) {
          this.#clock.schedule(FULL_WAIT_MS, () => this.#send(rest, done));
          return;
        }
        rest = rest.subarray(PACKET_BYTES_MAX);
      }
      done();
    } catch (error) {
      done(
        new RuntimeError('unavailable', 'the standard input of the container is closed', { cause: error }),
      );
    }
  }
}
