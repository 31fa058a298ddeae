import { ConfigFileError } from '#apiserver/config-file.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { TaskGroup } from '#base/task-group.ts';
import { readSecurityFile, SecurityFileError } from './security-choice.ts';

/** As often as upstream looks when nobody tells it that a file changed. */
const LOOK_MS = 60_000;

export interface FollowedFile {
  readonly path: string;
  /** For the log: `encryption provider configuration`. */
  readonly what: string;
  /** What is used now. */
  readonly text: string;
  /** Uses another text. @returns why it cannot be used, or undefined */
  readonly apply: (text: string, signal: AbortSignal) => Promise<string | undefined>;
}

/** Reads a configuration file again whenever it has changed. A file that is no good changes nothing. */
export function followFile(
  { path, what, text, apply }: FollowedFile,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): AsyncDisposable {
  const tasks = TaskGroup.logging(log);
  let used = text;
  tasks.spawn(what, async (signal) => {
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal);
      try {
        const found = readSecurityFile(what, path);
        if (found === used) {
          continue;
        }
        const problem = await apply(found, signal);
        if (problem === undefined) {
          used = found;
          log.info(`${what} reloaded`, { path });
        } else {
          log.error(`${what} not reloaded`, { path, problem });
        }
      } catch (error) {
        if (!(error instanceof ConfigFileError || error instanceof SecurityFileError)) {
          throw error;
        }
        log.error(`${what} not reloaded`, { path, error });
      }
    }
  });
  return tasks;
}
