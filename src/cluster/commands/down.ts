import { SystemClock } from '#base/clock.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { SystemRandom } from '#base/random.ts';
import { isRunning, type DataDirectory, type RunState } from '../data-directory.ts';
import { DIRECTORY_OPTION, directoryOf, parseOptions } from './command-line.ts';

const STOP_TIMEOUT_MS = 60_000;
const POLL_MS = 20;

/** `coracle down`: asks the running program to stop, and waits until it has; or clears away what a killed one left. */
export async function down(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, DIRECTORY_OPTION);
  const directory = directoryOf(options['data-dir']);
  const state = directory.readRun();
  if (!isRunning(state)) {
    return clearAfterCrash(directory, state);
  }
  process.kill(state.pid, 'SIGTERM');
  const clock = new SystemClock();
  const deadline = clock.monotonicMs() + STOP_TIMEOUT_MS;
  while (isRunning(state)) {
    if (clock.monotonicMs() > deadline) {
      throw new Error(
        `process ${state.pid} has not ended after ${STOP_TIMEOUT_MS / 1000} s; "coracle logs" says what it waits for`,
      );
    }
    await clock.sleep(POLL_MS);
  }
  process.stdout.write('Stopped.\n');
  return 0;
}

async function clearAfterCrash(directory: DataDirectory, state: RunState | undefined): Promise<number> {
  const settings = state === undefined ? undefined : directory.readSettings();
  if (settings === undefined) {
    process.stdout.write(`No cluster runs in ${directory.path}.\n`);
    return 0;
  }
  const { clearHost } = await import('../clear-host.ts');
  await clearHost(directory, settings, {
    clock: new SystemClock(),
    random: new SystemRandom(),
    log: SILENT_LOGGER,
  });
  directory.clearRun();
  process.stdout.write('The cluster was not stopped but killed; what it left on this host is removed.\n');
  return 0;
}
