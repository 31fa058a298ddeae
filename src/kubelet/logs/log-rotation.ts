import { createReadStream, createWriteStream } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '#base/clock.ts';
import { SYSTEM_DISK, type Disk } from '#base/disk.ts';
import type { Logger } from '#base/log.ts';
import type { RuntimeService } from '#runtime/cri.ts';

export interface LogRotationOptions {
  readonly maxBytes: number;
  /** The one being written counts too. */
  readonly maxFiles: number;
}

const DEFAULTS: LogRotationOptions = { maxBytes: 10 * 2 ** 20, maxFiles: 5 };
const PERIOD_MS = 10_000;

export interface LogRotationDeps {
  readonly runtime: RuntimeService;
  readonly clock: Clock;
  readonly log: Logger;
  /** On which the logs lie; this machine's when left out. */
  readonly disk?: Disk;
}

/** Keeps the logs of running containers within bounds: full ones are renamed, old ones compressed, then deleted. */
export class LogRotation {
  readonly #deps: LogRotationDeps;
  readonly #options: LogRotationOptions;

  readonly #disk: Disk;

  constructor(deps: LogRotationDeps, options: LogRotationOptions = DEFAULTS) {
    this.#deps = deps;
    this.#disk = deps.disk ?? SYSTEM_DISK;
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#deps.clock.sleep(PERIOD_MS, signal);
      try {
        await this.rotate();
      } catch (error) {
        this.#deps.log.warn('logs not rotated', { error });
      }
    }
  }

  async rotate(): Promise<void> {
    const { runtime } = this.#deps;
    for (const { id } of await runtime.listContainers({ state: 'running' })) {
      const { logPath } = await runtime.containerStatus(id);
      const size =
        logPath === ''
          ? 0
          : await this.#disk.stat(logPath).then(
              (found) => found.size,
              () => 0,
            );
      if (size > this.#options.maxBytes) {
        await this.#rotateOne(id, logPath);
      }
    }
  }

  async #rotateOne(containerId: string, path: string): Promise<void> {
    const { runtime, clock } = this.#deps;
    const rotated = `${path}.${stamp(clock.nowMs())}`;
    await this.#disk.rename(path, rotated);
    try {
      await runtime.reopenContainerLog(containerId);
    } catch (error) {
      // The container goes on writing to the renamed file: give it its name back.
      await this.#disk.rename(rotated, path);
      throw error;
    }
    await this.#compressAndDelete(path, rotated);
  }

  /** The newest rotated file stays as it is, for readers that still have it open. */
  async #compressAndDelete(path: string, newest: string): Promise<void> {
    const directory = dirname(path);
    const rotated = (await this.#disk.readdir(directory))
      .filter((name) => name.startsWith(`${basename(path)}.`))
      .map((name) => join(directory, name))
      .toSorted();
    const surplus = rotated.slice(0, Math.max(rotated.length - (this.#options.maxFiles - 1), 0));
    for (const file of rotated) {
      if (surplus.includes(file)) {
        await this.#disk.rm(file, { force: true });
      } else if (file !== newest && !file.endsWith('.gz')) {
        await pipeline(createReadStream(file), createGzip(), createWriteStream(`${file}.gz`));
        await this.#disk.rm(file, { force: true });
      }
    }
  }
}

/** `20260101-000000` */
function stamp(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
}
