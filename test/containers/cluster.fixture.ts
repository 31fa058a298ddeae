import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '#base/clock.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { SystemRandom } from '#base/random.ts';
import { DataDirectory, isRunning, type RunState } from '#cluster/data-directory.ts';
import { checkHost } from '#runtime/oci/check-host.ts';
import { OciRuntime } from '#runtime/oci/oci-runtime.ts';
import { run, type Outcome } from './shell.fixture.ts';

export const CORACLE = join(import.meta.dirname, '../../bin/coracle.mjs');
const READY_MS = 60_000;

/** A cluster that a test starts as its own program, in a directory of its own. */
export class TestCluster implements AsyncDisposable {
  readonly directory: DataDirectory;
  readonly clock = new SystemClock();
  #child: ChildProcess | undefined;
  #output = '';

  /** @param name always the same for one test: the next run must find what a killed one left */
  constructor(name: string) {
    this.directory = new DataDirectory(join(tmpdir(), `coracle-test-${name}`));
  }

  get instance(): string {
    return this.directory.readSettings()?.instanceId ?? '';
  }

  /** Everything that the program wrote since it was last started. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get kubeconfig(): string {
    return this.directory.kubeconfig;
  }

  /** Clears away what an earlier run left, whatever became of it. */
  async clear(): Promise<void> {
    await this.#endProgram();
    await this.#destroyRuntime();
    rmSync(this.directory.path, { recursive: true, force: true });
    mkdirSync(this.directory.path, { mode: 0o700 });
  }

  /** Runs a verb of `coracle` on this cluster's directory, to its end. */
  async coracle(verb: string, ...args: string[]): Promise<Outcome> {
    return await run([process.execPath, CORACLE, verb, '--data-dir', this.directory.path, ...args]);
  }

  /** Starts the program in the foreground, and waits until it says `ready`. */
  async start(verb: 'up' | 'start', args: readonly string[], ready: RegExp): Promise<RunState> {
    this.#output = '';
    const words = [CORACLE, verb, '--data-dir', this.directory.path, ...args];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString('utf8');
      });
    }
    await this.until(() => {
      assert.equal(child.exitCode ?? child.signalCode, null, `the cluster ended:\n${this.#output}`);
      return ready.test(this.#output);
    }, READY_MS);
    const state = this.directory.readRun();
    assert.ok(isRunning(state), 'a running cluster has a run state');
    return state;
  }

  /** Sends a signal to the program and waits for its end. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
      return child?.exitCode ?? null;
    }
    const ended = once(child, 'close');
    child.kill(signal);
    const [code] = (await ended) as [number | null];
    return code;
  }

  /** Ends the program and leaves nothing on the host. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.clear();
    rmSync(this.directory.path, { recursive: true, force: true });
  }

  /** Waits until a condition holds. */
  async until(condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
    const endMs = this.clock.monotonicMs() + timeoutMs;
    while (!(await condition())) {
      assert.ok(
        this.clock.monotonicMs() < endMs,
        `the condition never held; the cluster wrote:\n${this.#output}`,
      );
      await this.clock.sleep(20);
    }
  }

  async #endProgram(): Promise<void> {
    await this.end('SIGTERM');
    if (existsSync(this.directory.path)) {
      await this.coracle('down');
    }
  }

  async #destroyRuntime(): Promise<void> {
    const check = checkHost();
    if (check.kind === 'lacking' || this.instance === '') {
      return;
    }
    await OciRuntime.destroy({
      instance: this.instance,
      dataDir: join(this.directory.node, 'runtime'),
      programs: check.programs,
      podCidr: '10.255.255.0/24',
      clock: this.clock,
      random: new SystemRandom(),
      log: SILENT_LOGGER,
    });
  }
}
