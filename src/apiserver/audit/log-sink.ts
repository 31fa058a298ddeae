import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { formatMicroTime } from '#api/time.ts';
import type { Clock } from '#base/clock.ts';
import { eventLine, type AuditEvent } from './audit-event.ts';
import type { AuditSink } from './auditor.ts';

export interface LogSinkOptions {
  readonly path: string;
  /** The file is put aside before it would grow beyond this; 0 for never. */
  readonly sizeBytesMax: number;
  /** Files put aside that are kept; 0 for all. */
  readonly backupsMax: number;
  /** Days that files put aside are kept; 0 for ever. */
  readonly ageDaysMax: number;
}

const DAY_MS = 86_400_000;
const NEWLINE = 0x0a;

/**
 * Appends events to a file, a line each. The line is with the operating system before the request goes on, as
 * upstream's default mode has it. A full file is renamed after the time it was put aside: `audit-2026-01-02T03-04-05.678.log`.
 */
export class LogSink implements AuditSink {
  readonly name = 'log';
  readonly #options: LogSinkOptions;
  readonly #clock: Clock;
  #file: number;
  #sizeBytes: number;

  /** @throws {Error} the file cannot be opened */
  constructor(options: LogSinkOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 });
    this.#file = openSync(options.path, 'a', 0o600);
    this.#sizeBytes = fstatSync(this.#file).size;
  }

  process(event: AuditEvent): void {
    const line = Buffer.from(`${eventLine(event)}\n`);
    const { sizeBytesMax } = this.#options;
    if (sizeBytesMax > 0 && this.#sizeBytes > 0 && this.#sizeBytes + line.length > sizeBytesMax) {
      this.#rotate();
    }
    writeWhole(this.#file, line);
    this.#sizeBytes += line.length;
  }

  [Symbol.asyncDispose](): Promise<void> {
    closeSync(this.#file);
    return Promise.resolve();
  }

  #rotate(): void {
    const { path } = this.#options;
    closeSync(this.#file);
    renameSync(path, join(dirname(path), `${this.#prefix}${this.#stamp()}${extname(path)}`));
    this.#file = openSync(path, 'a', 0o600);
    this.#sizeBytes = 0;
    this.#prune();
  }

  get #prefix(): string {
    const { path } = this.#options;
    return `${basename(path, extname(path))}-`;
  }

  #stamp(): string {
    return stampOf(this.#clock.nowMs());
  }

  /** Names of one file sort by their times. */
  #prune(): void {
    const { path, backupsMax, ageDaysMax } = this.#options;
    const folder = dirname(path);
    const oldest = ageDaysMax > 0 ? stampOf(this.#clock.nowMs() - ageDaysMax * DAY_MS) : '';
    const backups = readdirSync(folder)
      .filter((name) => this.#stampIn(name) !== undefined)
      .toSorted()
      .toReversed();
    for (const [index, name] of backups.entries()) {
      if ((backupsMax > 0 && index >= backupsMax) || (this.#stampIn(name) ?? '') < oldest) {
        rmSync(join(folder, name), { force: true });
      }
    }
  }

  #stampIn(name: string): string | undefined {
    const ending = extname(this.#options.path);
    if (!name.startsWith(this.#prefix) || !name.endsWith(ending)) {
      return undefined;
    }
    const stamp = name.slice(this.#prefix.length, name.length - ending.length);
    return /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/.test(stamp) ? stamp : undefined;
  }
}

/** Writes events to a stream that is there already: `-`, the standard output. */
export class StreamSink implements AuditSink {
  readonly name = 'log';
  readonly #write: (line: string) => void;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  process(event: AuditEvent): void {
    this.#write(`${eventLine(event)}\n`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** Half a line would spoil the next one. */
function writeWhole(file: number, line: Buffer): void {
  let written = 0;
  while (written < line.length) {
    try {
      written += writeSync(file, line, written);
    } catch (error) {
      if (written > 0) {
        writeSync(file, Buffer.of(NEWLINE));
      }
      throw error;
    }
  }
}

function stampOf(epochMs: number): string {
  return formatTimeMs(epochMs).replaceAll(':', '-');
}

function formatTimeMs(epochMs: number): string {
  return formatMicroTime(epochMs).slice(0, '2026-01-02T03:04:05.678'.length);
}
