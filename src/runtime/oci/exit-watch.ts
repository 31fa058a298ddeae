import { readdirSync, readFileSync, rmSync, statSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { isMissing } from './system-code.ts';

export interface ContainerExit {
  readonly containerId: string;
  readonly exitCode: number;
  readonly atMs: number;
}

/** Learns of ended containers from the files that their monitors write, named by container id. */
export class ExitWatch implements Disposable {
  readonly #directory: string;
  readonly #watcher: FSWatcher;

  /** @param onExit called as soon as a file appears; may be called twice for one */
  constructor(directory: string, onExit: (exit: ContainerExit) => void) {
    this.#directory = directory;
    this.#watcher = watch(directory, (_, name) => {
      const exit = typeof name === 'string' ? this.read(name) : undefined;
      if (exit !== undefined) {
        onExit(exit);
      }
    });
  }

  /** Undefined while the container has not ended, or is none. */
  read(containerId: string): ContainerExit | undefined {
    const path = join(this.#directory, containerId);
    try {
      const exitCode = Number(readFileSync(path, 'utf8'));
      return /^[0-9a-f]{64}$/.test(containerId) && Number.isInteger(exitCode)
        ? { containerId, exitCode, atMs: statSync(path).mtimeMs }
        : undefined;
    } catch (error) {
      if (isMissing(error)) {
        return undefined;
      }
      throw error;
    }
  }

  /** Every exit that is noted now. */
  all(): ContainerExit[] {
    return readdirSync(this.#directory).flatMap((name) => this.read(name) ?? []);
  }

  forget(containerId: string): void {
    rmSync(join(this.#directory, containerId), { force: true });
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
  }
}
