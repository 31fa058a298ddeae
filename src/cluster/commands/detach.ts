import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SystemClock } from '#base/clock.ts';
import { assertStopped, type DataDirectory } from '../data-directory.ts';
import { packageRoot } from '../package-root.ts';
import { DIRECTORY_OPTION, directoryOf } from './command-line.ts';
import { readyText } from './ready-text.ts';

/** How long a start in the background may take before it is given up. */
const TIMEOUT_MS = 60_000;
const POLL_MS = 10;

/**
 * `coracle up --detach`: starts the same command without it in the background, and returns when the cluster is ready.
 * Reads no other option than the data directory and loads nothing of the server: the cluster itself does both.
 */
export async function detach(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: DIRECTORY_OPTION, strict: false });
  const given = values['data-dir'];
  const directory = directoryOf(typeof given === 'string' ? given : undefined);
  assertStopped(directory);
  mkdirSync(directory.path, { recursive: true, mode: 0o700 });
  const log = openSync(directory.log, 'a', 0o600);
  const logStart = statSync(directory.log).size;
  const rest = args.filter((arg) => arg !== '--detach');
  const child = spawn(process.execPath, [join(packageRoot(), 'bin/coracle.mjs'), 'up', ...rest], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  let exitCode: number | null | undefined;
  child.once('exit', (code) => {
    exitCode = code;
  });
  child.unref();
  const clock = new SystemClock();
  const deadline = clock.monotonicMs() + TIMEOUT_MS;
  while (clock.monotonicMs() < deadline) {
    const state = directory.readRun();
    if (state?.isReady === true && state.pid === child.pid) {
      process.stdout.write(readyText(state));
      return 0;
    }
    if (exitCode !== undefined) {
      process.stderr.write(saidSince(directory, logStart));
      return exitCode ?? 1;
    }
    await clock.sleep(POLL_MS);
  }
  throw new Error(
    `the cluster is not ready after ${TIMEOUT_MS / 1000} s; ${directory.log} says how far it came`,
  );
}

/** What the cluster wrote before it ended: its own words for what is wrong. */
function saidSince(directory: DataDirectory, start: number): string {
  const said = readFileSync(directory.log).subarray(start).toString();
  return said === '' ? `the cluster did not start, and did not say why in ${directory.log}\n` : said;
}
