import { SystemClock } from '#base/clock.ts';
import { kubectl } from '#cli/kubectl.ts';

/** `coracle kubectl …`: on this process's own terminal. The first interrupt ends what runs, the second the program. */
export async function runKubectl(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  try {
    return await kubectl(args, {
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      env: process.env,
      clock: new SystemClock(),
      signal: interrupt.signal,
    });
  } finally {
    process.off('SIGINT', onInterrupt);
    // A terminal that was read from would keep the program alive.
    process.stdin.unref?.();
  }
}
