import { closeSync, fstatSync, openSync, readSync, statSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isMissing } from './system-code.ts';

const READ_BYTES = 64 * 1024;

export interface LogPiece {
  readonly stream: 'stdout' | 'stderr';
  /** The very bytes that the container wrote, its line end included if it wrote one. */
  readonly bytes: Buffer;
}

/** Where a followed log goes. Who has no room now calls `read` when there is some again. */
export interface LogSink {
  hasRoom(): boolean;
  take(piece: LogPiece): void;
}

/**
 * Follows a log in CRI format from its end, over rotations, and gives back what the container wrote. Lines
 * are `<time> <stream> <F|P> <content>`; a `P` line has no line end of its own.
 */
export class LogFollower implements Disposable {
  readonly #path: string;
  readonly #sink: LogSink;
  readonly #watcher: FSWatcher;
  #fd: number;
  #position: number;
  #partial: Buffer = Buffer.alloc(0);
  #isClosed = false;

  constructor(path: string, sink: LogSink) {
    this.#path = path;
    this.#sink = sink;
    this.#fd = openSync(path, 'r');
    this.#position = fstatSync(this.#fd).size;
    const name = basename(path);
    this.#watcher = watch(dirname(path), (_, changed) => {
      if (changed === name) {
        this.read();
      }
    });
  }

  /**
   * Reads what is there now, as far as the sink has room.
   *
   * @returns false when something was left to read
   */
  read(): boolean {
    const buffer = Buffer.alloc(READ_BYTES);
    while (!this.#isClosed) {
      if (!this.#sink.hasRoom()) {
        return false;
      }
      const length = readSync(this.#fd, buffer, 0, buffer.length, this.#position);
      if (length > 0) {
        this.#position += length;
        this.#take(buffer.subarray(0, length));
      } else if (!this.#moveToNewFile()) {
        return true;
      }
    }
    return true;
  }

  [Symbol.dispose](): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#watcher.close();
      closeSync(this.#fd);
    }
  }

  #moveToNewFile(): boolean {
    try {
      if (statSync(this.#path).ino === fstatSync(this.#fd).ino) {
        return false;
      }
      const fd = openSync(this.#path, 'r');
      closeSync(this.#fd);
      this.#fd = fd;
      this.#position = 0;
      return true;
    } catch (error) {
      if (isMissing(error)) {
        return false; // Renamed away, and not opened anew yet.
      }
      throw error;
    }
  }

  #take(bytes: Buffer): void {
    let rest = Buffer.concat([this.#partial, bytes]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      const piece = parseLogPiece(rest.subarray(0, end));
      if (piece !== undefined) {
        this.#sink.take(piece);
      }
      rest = rest.subarray(end + 1);
    }
    this.#partial = Buffer.from(rest);
  }
}

/** Undefined for a line that is no CRI log line. */
export function parseLogPiece(line: Buffer): LogPiece | undefined {
  const afterTime = line.indexOf(0x20);
  const afterStream = line.indexOf(0x20, afterTime + 1);
  const stream = line.toString('latin1', afterTime + 1, afterStream);
  const tag = line.toString('latin1', afterStream + 1, afterStream + 3);
  if ((stream !== 'stdout' && stream !== 'stderr') || (tag !== 'F ' && tag !== 'P ')) {
    return undefined;
  }
  const content = line.subarray(afterStream + 3);
  return { stream, bytes: tag === 'F ' ? Buffer.concat([content, Buffer.of(0x0a)]) : Buffer.from(content) };
}
