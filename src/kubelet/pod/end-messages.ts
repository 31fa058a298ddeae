import type { Disk } from '#base/disk.ts';
import { describeError } from '#base/log.ts';
import { parseCriLine } from '../logs/cri-line.ts';
import type { ContainerInstance } from './runtime-pod.ts';

const MESSAGE_BYTES_MAX = 4096;
const LOG_TAIL_BYTES = 2048;
const LOG_TAIL_LINES = 80;

/** What ended containers left for people, read once for each. */
export class EndMessages {
  readonly #disk: Disk;
  #messages = new Map<string, string>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Reads the messages of those that have ended since the last call, and forgets those not given. */
  async load(instances: readonly ContainerInstance[]): Promise<void> {
    const messages = new Map<string, string>();
    for (const instance of instances) {
      if (instance.state === 'exited') {
        messages.set(
          instance.id,
          this.#messages.get(instance.id) ?? (await endMessage(this.#disk, instance)),
        );
      }
    }
    this.#messages = messages;
  }

  get(instance: ContainerInstance): string {
    return this.#messages.get(instance.id) ?? instance.message;
  }
}

async function endMessage(disk: Disk, instance: ContainerInstance): Promise<string> {
  const { notes, mounts, exitCode, logPath, message } = instance;
  const file = mounts.find(({ containerPath }) => containerPath === notes.messagePath)?.hostPath;
  const own = file === undefined ? '' : await readMessage(disk, file);
  if (own !== '') {
    return own;
  }
  const isFallback = notes.messagePolicy === 'FallbackToLogsOnError' && exitCode !== 0 && logPath !== '';
  return isFallback ? await logTail(disk, logPath) : message;
}

async function readMessage(disk: Disk, path: string): Promise<string> {
  try {
    return (await disk.readFile(path)).subarray(0, MESSAGE_BYTES_MAX).toString('utf8');
  } catch (error) {
    return `Error on reading termination log ${path}: ${describeError(error)}`;
  }
}

async function logTail(disk: Disk, path: string): Promise<string> {
  try {
    // Each line carries about 50 bytes of time and stream besides its text.
    const end = await disk.readEnd(path, LOG_TAIL_BYTES + LOG_TAIL_LINES * 50);
    const lines = end
      .toString('utf8')
      .split('\n')
      .slice(-LOG_TAIL_LINES - 1);
    const text = lines.map((line) => {
      const parsed = parseCriLine(Buffer.from(`${line}\n`));
      return parsed === undefined ? '' : `${parsed.text.toString('utf8')}${parsed.isPartial ? '' : '\n'}`;
    });
    return Buffer.from(text.join('')).subarray(-LOG_TAIL_BYTES).toString('utf8');
  } catch (error) {
    return `Error on reading termination message from logs: ${describeError(error)}`;
  }
}
