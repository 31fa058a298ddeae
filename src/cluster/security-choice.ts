import { readFileSync } from 'node:fs';
import type { EncryptionAtRest } from '#apiserver/encryption/encryption-at-rest.ts';
import { ConfigFileError } from '#apiserver/config-file.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { ExternalIdentity, IdentityChoice } from './external-identity.ts';
import type { FollowedFile } from './follow-file.ts';
import { SERVICE_ACCOUNT_ISSUER, type SecurityOptions } from './security.ts';

/** Files that say how the API server is secured beyond its defaults. */
export interface SecurityChoice {
  /** An EncryptionConfiguration. */
  readonly encryptionConfig?: string | undefined;
  /** Read that file again when it changes. */
  readonly reloadsEncryption?: boolean | undefined;
  /** Who else is known and decides; nobody when left out. */
  readonly identity?: IdentityChoice | undefined;
}

/** A file about security is not what it should be. */
export class SecurityFileError extends Error {
  override readonly name = 'SecurityFileError';
  readonly code = 'cluster/security-file';
}

interface SecurityDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Issuers of service account tokens; the usual one when left out. */
  readonly issuers?: readonly string[] | undefined;
  /** What the API server answers to; the issuers when left out. */
  readonly audiences?: readonly string[] | undefined;
}

/** What the files say, in use. Closed after the API server. */
export interface OpenSecurity extends AsyncDisposable {
  readonly encryption: EncryptionAtRest | undefined;
  readonly options: Pick<
    SecurityOptions,
    'tokenKinds' | 'authorization' | 'onAuthorizationChange' | 'allowsAnonymous' | 'anonymousPaths'
  >;
}

const ENCRYPTION_FILE = 'encryption provider configuration';
export const AUTHENTICATION_FILE = 'authentication configuration';
export const AUTHORIZATION_FILE = 'authorization configuration';

/**
 * Reads the files. Nothing of what they are about is loaded when there are none.
 *
 * @throws {SecurityFileError} a file is not there or not good
 */
export async function openSecurity(
  { encryptionConfig, reloadsEncryption, identity }: SecurityChoice = {},
  deps: SecurityDeps,
): Promise<OpenSecurity> {
  await using opening = new AsyncDisposableStack();
  const encryption = opening.use(await openEncryption(encryptionConfig, deps));
  const known = opening.use(await openIdentity(identity, deps));
  if (encryption !== undefined && encryptionConfig !== undefined && reloadsEncryption === true) {
    const [{ followFile }, { parseEncryptionConfiguration }] = await Promise.all([
      import('./follow-file.ts'),
      import('#apiserver/encryption/encryption-configuration.ts'),
    ]);
    const text = readSecurityFile(ENCRYPTION_FILE, encryptionConfig);
    const apply = (found: string): Promise<string | undefined> =>
      encryption.replace(parseEncryptionConfiguration(found));
    opening.use(followFile({ path: encryptionConfig, what: ENCRYPTION_FILE, text, apply }, deps));
  }
  if (identity !== undefined && known !== undefined) {
    opening.use(await followIdentity(identity, known, deps));
  }
  const owned = opening.move();
  return {
    encryption,
    options: known === undefined ? {} : optionsOf(known),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Keeps to the files about identity as they change. */
async function followIdentity(
  { authentication, authenticationFile, authorization }: IdentityChoice,
  known: ExternalIdentity,
  deps: SecurityDeps,
): Promise<AsyncDisposable> {
  const { followFile } = await import('./follow-file.ts');
  await using following = new AsyncDisposableStack();
  if (typeof authentication === 'string' && authenticationFile !== undefined) {
    const apply: FollowedFile['apply'] = (found, signal) => known.replaceIssuers(found, signal);
    const file = { path: authenticationFile, what: AUTHENTICATION_FILE, text: authentication, apply };
    following.use(followFile(file, deps));
  }
  if (authorization?.kind === 'file' && authorization.path !== undefined) {
    const { path, text } = authorization;
    const apply: FollowedFile['apply'] = async (found) => known.replaceAuthorizers(found);
    following.use(followFile({ path, what: AUTHORIZATION_FILE, text, apply }, deps));
  }
  return following.move();
}

function optionsOf(known: ExternalIdentity): OpenSecurity['options'] {
  const { tokenKinds, authorization, anonymous } = known;
  return {
    tokenKinds,
    ...(authorization === undefined ? {} : { authorization }),
    onAuthorizationChange: (replace) => known.onAuthorizationChange(replace),
    ...(anonymous === undefined ? {} : { allowsAnonymous: anonymous.isEnabled }),
    ...(anonymous?.paths === undefined ? {} : { anonymousPaths: anonymous.paths }),
  };
}

async function openEncryption(
  path: string | undefined,
  deps: SecurityDeps,
): Promise<EncryptionAtRest | undefined> {
  if (path === undefined) {
    return undefined;
  }
  const { parseEncryptionConfiguration } = await import('#apiserver/encryption/encryption-configuration.ts');
  const { EncryptionAtRest: Encryption } = await import('#apiserver/encryption/encryption-at-rest.ts');
  const text = readSecurityFile(ENCRYPTION_FILE, path);
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
    throw error instanceof ConfigFileError
      ? new SecurityFileError(`error while parsing file ${path}: ${error.message}`, { cause: error })
      : error;
  }
}

async function openIdentity(
  choice: IdentityChoice | undefined,
  deps: SecurityDeps,
): Promise<ExternalIdentity | undefined> {
  if (choice === undefined) {
    return undefined;
  }
  const { ExternalIdentity: Identity } = await import('./external-identity.ts');
  try {
    const { issuers = [SERVICE_ACCOUNT_ISSUER], audiences = issuers } = deps;
    return new Identity(choice, { ...deps, audiences, issuers });
  } catch (error) {
    throw error instanceof ConfigFileError ? new SecurityFileError(error.message, { cause: error }) : error;
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
