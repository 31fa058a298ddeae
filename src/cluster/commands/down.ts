import { SystemClock } from '#base/clock.ts';
import { isRunning } from '../data-directory.ts';
import { DIRECTORY_OPTION, directoryOf, parseOptions } from './command-line.ts';

const STOP_TIMEOUT_MS = 60_000;
const POLL_MS = 20;

/** `coracle down`: asks the running program to stop, and waits until it has. */
export async function down(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, DIRECTORY_OPTION);
  const directory = directoryOf(options['data-dir']);
  const state = directory.readRun();
  if (!isRunning(state)) {
    process.stdout.write(`No cluster runs in ${directory.path}.\n`);
    return 0;
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
