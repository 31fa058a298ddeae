import { open, readFile } from 'node:fs/promises';
import { describeError } from '#base/log.ts';
import { parseCriLine } from '../logs/cri-line.ts';
import type { ContainerInstance } from './runtime-pod.ts';

const MESSAGE_BYTES_MAX = 4096;
const LOG_TAIL_BYTES = 2048;
const LOG_TAIL_LINES = 80;

/** What ended containers left for people, read once for each. */
export class EndMessages {
  #messages = new Map<string, string>();

  /** Reads the messages of those that have ended since the last call, and forgets those not given. */
  async load(instances: readonly ContainerInstance[]): Promise<void> {
    const messages = new Map<string, string>();
    for (const instance of instances) {
      if (instance.state === 'exited') {
        messages.set(instance.id, this.#messages.get(instance.id) ?? (await endMessage(instance)));
      }
    }
    this.#messages = messages;
  }

  get(instance: ContainerInstance): string {
    return this.#messages.get(instance.id) ?? instance.message;
  }
}

async function endMessage(instance: ContainerInstance): Promise<string> {
  const { notes, mounts, exitCode, logPath, message } = instance;
  const file = mounts.find(({ containerPath }) => containerPath === notes.messagePath)?.hostPath;
  const own = file === undefined ? '' : await readMessage(file);
  if (own !== '') {
    return own;
  }
  const isFallback = notes.messagePolicy === 'FallbackToLogsOnError' && exitCode !== 0 && logPath !== '';
  return isFallback ? await logTail(logPath) : message;
}

async function readMessage(path: string): Promise<string> {
  try {
    return (await readFile(path)).subarray(0, MESSAGE_BYTES_MAX).toString('utf8');
  } catch (error) {
    return `Error on reading termination log ${path}: ${describeError(error)}`;
  }
}

async function logTail(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      // Each line carries about 50 bytes of time and stream besides its text.
      const length = Math.min(size, LOG_TAIL_BYTES + LOG_TAIL_LINES * 50);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
      const lines = buffer
        .subarray(0, bytesRead)
        .toString('utf8')
        .split('\n')
        .slice(-LOG_TAIL_LINES - 1);
      const text = lines.map((line) => {
        const parsed = parseCriLine(Buffer.from(`${line}\n`));
        return parsed === undefined ? '' : `${parsed.text.toString('utf8')}${parsed.isPartial ? '' : '\n'}`;
      });
      return Buffer.from(text.join('')).subarray(-LOG_TAIL_BYTES).toString('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    return `Error on reading termination message from logs: ${describeError(error)}`;
  }
}
