import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Mounts of file systems in memory. */
export interface HostMounts {
  /** Mounts an empty one; does nothing where one is mounted. */
  mountMemory(path: string, sizeBytes: number | undefined): Promise<void>;
  /** Unmounts everything at or below the path. */
  unmountBelow(path: string): Promise<void>;
}

/** Uses the machine's `mount` and `umount`. */
export class SystemMounts implements HostMounts {
  async mountMemory(path: string, sizeBytes: number | undefined): Promise<void> {
    if ((await mountPoints()).includes(path)) {
      return;
    }
    const size = sizeBytes === undefined ? [] : ['-o', `size=${sizeBytes}`];
    await run('mount', ['-t', 'tmpfs', ...size, 'tmpfs', path]);
  }

  async unmountBelow(path: string): Promise<void> {
    const inside = (await mountPoints()).filter((point) => point === path || point.startsWith(`${path}/`));
    // Deepest first, and the one mounted last on a point first.
    for (const point of inside.toSorted((left, right) => right.length - left.length)) {
      await run('umount', [point]);
    }
  }
}

/** For nodes without the right to mount: such volumes are ordinary directories. */
export const NO_MOUNTS: HostMounts = {
  mountMemory: () => Promise.resolve(),
  unmountBelow: () => Promise.resolve(),
};

async function mountPoints(): Promise<readonly string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => unescapeOctal(line.split(' ')[4] ?? ''));
}

/** Spaces and the like are written as `\040`. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
