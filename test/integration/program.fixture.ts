import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { SystemClock } from '#base/clock.ts';
import { Client } from '#client/client.ts';
import { HttpsTransport } from '#client/https-transport.ts';
import { loadKubeconfig } from '#client/kubeconfig.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'bin', 'coracle.mjs');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `coracle` with these words to its end. */
export async function coracle(...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (child.exitCode === null) {
    await once(child, 'exit');
  }
  return { code: child.exitCode, stdout, stderr };
}

/** Directories of clusters that are stopped, and of whatever else, all gone at the end. */
export class Workplace implements AsyncDisposable {
  readonly #root = mkdtempSync(join(tmpdir(), 'coracle-program-'));
  readonly #started = new Set<string>();

  path(name: string): string {
    return join(this.#root, name);
  }

  /** Starts the cluster in the directory and leaves it running. @throws {Error} with what the program said */
  async up(name: string, ...args: readonly string[]): Promise<RunningProgram> {
    const directory = this.path(name);
    this.#started.add(name);
    const { code, stderr } = await coracle('up', '--data-dir', directory, '--detach', ...args);
    if (code !== 0) {
      throw new Error(stderr);
    }
    const state = readFileSync(join(directory, 'run.json'), 'utf8');
    return { directory, ...(JSON.parse(state) as { readonly server: string; readonly control?: string }) };
  }

  down(name: string): Promise<Ended> {
    this.#started.delete(name);
    return coracle('down', '--data-dir', this.path(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#started) {
      await this.down(name);
    }
    rmSync(this.#root, { recursive: true, force: true });
  }
}

export interface RunningProgram {
  readonly directory: string;
  readonly server: string;
  readonly control?: string;
}

/** A client over HTTPS, as the kubeconfig of the cluster's data directory says. */
export function clientOf({ directory }: RunningProgram): Client & AsyncDisposable {
  const target = loadKubeconfig(join(directory, 'admin.conf'));
  const transport = new HttpsTransport({ ...target, clock: new SystemClock() });
  return Object.assign(new Client(transport), { [Symbol.asyncDispose]: () => transport.close() });
}
