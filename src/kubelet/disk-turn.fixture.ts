import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { VirtualClock } from '#base/virtual-clock.ts';

/** Turns that are quick; what is not done by then waits for a slow disk. */
const QUICK_TURNS = 100;
/** Turns after which a test gives up. */
const TURNS_MAX = 600;

/** Lets promises run, and then the file operations asked for so far: a look at a directory queues behind them. */
export async function diskTurn(clock: VirtualClock, directory: string): Promise<void> {
  await clock.settle();
  await stat(directory);
}

/** Takes turns, without moving the clock, until `condition` holds; false when it never does. */
export async function turnsUntil(
  clock: VirtualClock,
  directory: string,
  condition: () => boolean | Promise<boolean>,
): Promise<boolean> {
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    if (await condition()) {
      return true;
    }
    await diskTurn(clock, directory);
    if (turn > QUICK_TURNS) {
      await syncDisk(directory);
    }
  }
  return false;
}

/** As slow as the disk is just now. */
async function syncDisk(directory: string): Promise<void> {
  const file = await open(join(directory, 'sync'), 'w');
  try {
    await file.write('x');
    await file.sync();
  } finally {
    await file.close();
  }
}
