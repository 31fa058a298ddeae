import { watch } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { parseTime } from '#api/time.ts';
import type { LogOptions } from '../node-streams.ts';
import { parseCriLine, type CriLine } from './cri-line.ts';

export interface LogSource {
  readonly path: string;
  readonly clock: Clock;
  /** Whether the container may still write; following ends when it does not and all is read. */
  readonly isAlive: () => Promise<boolean>;
}

const BLOCK_BYTES = 64 * 1024;
/** A longer line is passed on in parts. */
const LINE_BYTES_MAX = 1024 * 1024;
/** Changes are told by the kernel; this catches what it does not tell. */
const POLL_MS = 1_000;
const NEWLINE = 0x0a;

/** Reads a container's log file as `kubectl logs` shows it. */
export async function* readLog(
  source: LogSource,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const lines = new LineFilter(options, source.clock.nowMs());
  let file = await open(source.path, 'r');
  try {
    let offset = options.tailLines === undefined ? 0 : await tailStart(file, options.tailLines);
    let rest: Buffer = Buffer.alloc(0);
    while (!signal.aborted && !lines.isFull) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, offset);
      offset += bytesRead;
      if (bytesRead > 0) {
        const data = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
        const end = data.length > LINE_BYTES_MAX ? data.length : data.lastIndexOf(NEWLINE) + 1;
        rest = data.subarray(end);
        const output = lines.filter(data.subarray(0, end));
        if (output.length > 0) {
          yield output;
        }
        continue;
      }
      if (options.follow !== true) {
        return;
      }
      const next = await reopened(file, source.path);
      if (next !== undefined) {
        await file.close();
        file = next;
        offset = 0;
      } else if (!(await source.isAlive())) {
        // What it wrote between the last read and its end.
        if ((await file.stat()).size <= offset) {
          return;
        }
      } else {
        await changed(source, signal);
      }
    }
  } finally {
    await file.close();
  }
}

/** Takes the lines that were asked for, without what the log format adds. */
class LineFilter {
  readonly #options: LogOptions;
  readonly #sinceMs: number;
  #bytesLeft: number;
  #isAtLineStart = true;

  constructor(options: LogOptions, nowMs: number) {
    this.#options = options;
    const { sinceSeconds, sinceTime } = options;
    this.#sinceMs = Math.max(
      sinceSeconds === undefined ? 0 : nowMs - sinceSeconds * 1000,
      sinceTime === undefined ? 0 : (parseTime(sinceTime) ?? 0),
    );
    this.#bytesLeft = options.limitBytes ?? Infinity;
  }

  get isFull(): boolean {
    return this.#bytesLeft <= 0;
  }

  filter(data: Buffer): Buffer {
    const parts: Buffer[] = [];
    for (let start = 0; start < data.length;) {
      const newline = data.indexOf(NEWLINE, start);
      const end = newline < 0 ? data.length : newline + 1;
      const line = parseCriLine(data.subarray(start, end));
      start = end;
      if (line !== undefined && this.#isWanted(line)) {
        parts.push(...this.#shown(line));
      }
    }
    const output = Buffer.concat(parts);
    const cut = output.length > this.#bytesLeft ? output.subarray(0, this.#bytesLeft) : output;
    this.#bytesLeft -= cut.length;
    return cut;
  }

  #isWanted({ stream, time }: CriLine): boolean {
    const { stream: wanted = 'All' } = this.#options;
    const isStreamWanted = wanted === 'All' || wanted.toLowerCase() === stream;
    return isStreamWanted && (this.#sinceMs === 0 || (parseTime(time) ?? 0) >= this.#sinceMs);
  }

  #shown({ time, text, isPartial }: CriLine): readonly Buffer[] {
    const parts: Buffer[] = [];
    if (this.#options.timestamps === true && this.#isAtLineStart) {
      parts.push(Buffer.from(`${time.replace(/\+00:00$/, 'Z')} `));
    }
    parts.push(text);
    if (!isPartial) {
      parts.push(Buffer.from('\n'));
    }
    this.#isAtLineStart = !isPartial;
    return parts;
  }
}

/** The offset of the last `count` lines. */
async function tailStart(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  if (count <= 0) {
    return size;
  }
  let found = 0;
  for (let end = size; end > 0;) {
    const start = Math.max(end - BLOCK_BYTES, 0);
    const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    for (let index = buffer.length - 1; index >= 0; index--) {
      // The line end of the last line ends it and starts no other.
      if (buffer[index] === NEWLINE && start + index + 1 < size) {
        found += 1;
        if (found === count) {
          return start + index + 1;
        }
      }
    }
    end = start;
  }
  return 0;
}

/** The new file under the path, when the old one was rotated away. */
async function reopened(file: FileHandle, path: string): Promise<FileHandle | undefined> {
  const [old, current] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return current === undefined || current.ino === old.ino ? undefined : await open(path, 'r');
}

/** Waits until something in the log's directory changed, or a moment has passed. */
async function changed({ path, clock }: LogSource, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(dirname(path), () => resolve());
  watcher.on('error', () => resolve());
  const timer = clock.schedule(POLL_MS, resolve);
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
  } finally {
    watcher.close();
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
