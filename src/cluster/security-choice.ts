import { readFileSync } from 'node:fs';
import type { EncryptionAtRest } from '#apiserver/encryption/encryption-at-rest.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';

/** Files that say how the API server is secured beyond its defaults. */
export interface SecurityChoice {
  /** An EncryptionConfiguration. */
  readonly encryptionConfig?: string | undefined;
}

/** A file about security is not what it should be. */
export class SecurityFileError extends Error {
  override readonly name = 'SecurityFileError';
  readonly code = 'cluster/security-file';
}

/**
 * Reads which resources are stored encrypted; undefined without a file. Nothing of encryption is loaded then.
 *
 * @throws {SecurityFileError} the file is not there or not good
 */
export async function openEncryption(
  path: string | undefined,
  deps: { readonly clock: Clock; readonly random: Random; readonly log: Logger },
): Promise<EncryptionAtRest | undefined> {
  if (path === undefined) {
    return undefined;
  }
  const { EncryptionConfigurationError, parseEncryptionConfiguration } =
    await import('#apiserver/encryption/encryption-configuration.ts');
  const { EncryptionAtRest: Encryption } = await import('#apiserver/encryption/encryption-at-rest.ts');
  const text = readSecurityFile('encryption provider configuration', path);
  try {
    return await Encryption.start(parseEncryptionConfiguration(text), {
      ...deps,
      async openPlugin(endpoint, timeoutMs) {
        // gRPC is loaded only where a plugin is spoken to.
        const { GrpcKmsPlugin } = await import('#apiserver/encryption/kms/kms-plugin.ts');
        return new GrpcKmsPlugin(endpoint, timeoutMs, deps.clock);
      },
    });
  } catch (error) {
    throw error instanceof EncryptionConfigurationError
      ? new SecurityFileError(`error while parsing file ${path}: ${error.message}`, { cause: error })
      : error;
  }
}

/** @throws {SecurityFileError} */
export function readSecurityFile(what: string, path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (text === '') {
      throw new SecurityFileError(`${what} file ${JSON.stringify(path)} is empty`);
    }
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined && !(error instanceof SecurityFileError)) {
      const why = (error as Error).message;
      throw new SecurityFileError(`error reading ${what} file ${JSON.stringify(path)}: ${why}`, {
        cause: error,
      });
    }
    throw error;
  }
}
