import { setImmediate as immediate } from 'node:timers/promises';

/** Lets everything else that is waiting to run go first. For long work that must not hold up the rest. */
export async function nextTurn(): Promise<void> {
  await immediate();
}

/** Calls back once after everything else that is waiting to run, what the network brought included, had its turn. */
export function onNextTurn(callback: () => void): void {
  setImmediate(callback);
}
