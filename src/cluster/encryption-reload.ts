import { ConfigFileError } from '#apiserver/config-file.ts';
import type { EncryptionAtRest } from '#apiserver/encryption/encryption-at-rest.ts';
import { parseEncryptionConfiguration } from '#apiserver/encryption/encryption-configuration.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { TaskGroup } from '#base/task-group.ts';
import { readSecurityFile, SecurityFileError } from './security-choice.ts';

/** As often as upstream looks when nobody tells it that a file changed. */
const LOOK_MS = 60_000;

/** Reads the configuration of encryption again whenever its file has changed. A file that is no good changes nothing. */
export function followEncryption(
  encryption: Pick<EncryptionAtRest, 'replace'>,
  path: string,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): AsyncDisposable {
  const tasks = TaskGroup.logging(log);
  let used = readSecurityFile('encryption provider configuration', path);
  tasks.spawn('encryption provider configuration', async (signal) => {
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal);
      try {
        const text = readSecurityFile('encryption provider configuration', path);
        if (text === used) {
          continue;
        }
        const problem = await encryption.replace(parseEncryptionConfiguration(text));
        if (problem === undefined) {
          used = text;
          log.info('encryption provider configuration reloaded', { path });
        } else {
          log.error('encryption provider configuration not reloaded', { path, problem });
        }
      } catch (error) {
        if (!(error instanceof ConfigFileError || error instanceof SecurityFileError)) {
          throw error;
        }
        log.error('encryption provider configuration not reloaded', { path, error });
      }
    }
  });
  return tasks;
}
