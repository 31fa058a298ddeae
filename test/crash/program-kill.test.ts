import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SystemClock } from '#base/clock.ts';
import { SeededRandom, SystemRandom } from '#base/random.ts';
import { ApiClient } from '../containers/api-client.fixture.ts';
import { buildProgram } from './built-program.ts';
import { MapWriters } from './map-writers.ts';

const ROUNDS = Number(process.env['CORACLE_CRASH_ROUNDS'] ?? 200);
const SEED = Number(process.env['CORACLE_SEED'] ?? new SystemRandom().int(2 ** 31));

/** Time under load before the kill: hundreds of writes, hundreds of rounds. */
const LOAD_MS_MAX = 120;
/** One round in ten is killed while it starts. */
const EARLY_ROUNDS = 10;
const EARLY_MS_MAX = 400;
const READY_MS_MAX = 30_000;

/** First starts that are killed; the last moments are those of a cluster that is ready. */
const FIRST_STARTS = 10;
const FIRST_MS_MAX = 600;

const clock = new SystemClock();
const directory = mkdtempSync(join(tmpdir(), 'coracle-program-kill-'));
let program: string;

before(async () => {
  program = await buildProgram(join(directory, 'package'));
  // A program that ends by itself leaves its code cache, so that the killed ones start fast.
  await using first = await start('warm');
  await first.end('SIGTERM');
});

after(() => rmSync(directory, { recursive: true, force: true }));

test(`program: a first start that is killed is taken up by the next (CORACLE_SEED=${SEED})`, async () => {
  const random = new SeededRandom(SEED);
  for (let round = 0; round < FIRST_STARTS; round++) {
    const name = `first-${round}`;
    await using killed = run(name);
    await clock.sleep(random.int(FIRST_MS_MAX));
    await killed.end('SIGKILL');
    await using next = await start(name);
    using client = new ApiClient(join(directory, name, 'admin.conf'));
    assert.equal((await client.send({ path: '/readyz' })).body, 'ok');
    await next.end('SIGKILL');
  }
});

test(`program: ${ROUNDS} kills under load lose nothing that was answered (CORACLE_SEED=${SEED})`, async (t) => {
  const random = new SeededRandom(SEED);
  const writers = new MapWriters(random);
  for (let round = 0; round < ROUNDS; round++) {
    if (random.int(EARLY_ROUNDS) === 0) {
      await using early = run('data');
      await clock.sleep(random.int(EARLY_MS_MAX));
      await early.end('SIGKILL');
    }
    await using running = await start('data');
    using client = new ApiClient(join(directory, 'data', 'admin.conf'));
    await writers.check(client);
    const writing = writers.write(client);
    await clock.sleep(random.int(LOAD_MS_MAX));
    await running.end('SIGKILL');
    await writing;
  }
  await using last = await start('data');
  using client = new ApiClient(join(directory, 'data', 'admin.conf'));
  await writers.check(client);
  assert.ok(writers.count > ROUNDS * 5, `only ${writers.count} writes were answered`);
  t.diagnostic(`${writers.count} answered writes checked`);
  await last.end('SIGTERM');
});

/** The program as it runs; killed when it is let go of. */
class Running implements AsyncDisposable {
  readonly #child: ChildProcess;
  #output = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    }
  }

  async untilReady(): Promise<void> {
    const endMs = clock.monotonicMs() + READY_MS_MAX;
    while (!this.#output.includes('Cluster ready')) {
      assert.equal(
        this.#child.exitCode ?? this.#child.signalCode,
        null,
        `the program ended:\n${this.#output}`,
      );
      assert.ok(clock.monotonicMs() < endMs, `the program is not ready:\n${this.#output}`);
      await clock.sleep(2);
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'close');
      this.#child.kill(signal);
      await ended;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }
}

/** Starts the program on a data directory. */
function run(name: string): Running {
  const words = [program, 'up', '--nodes', 'sim:0', '--port', '0', '--data-dir', join(directory, name)];
  return new Running(spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] }));
}

async function start(name: string): Promise<Running> {
  const running = run(name);
  await running.untilReady();
  return running;
}
