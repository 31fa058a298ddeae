import { resolve } from 'node:path';
import { parseDurationMs } from '#api/time.ts';
import type { OidcFlags } from '#apiserver/authn/oidc/authentication-configuration.ts';
import type { AuthorizationChoice, IdentityChoice, TokenWebhookChoice } from '../external-identity.ts';
import { AUTHORIZATION_MODES } from '../security.ts';
import {
  AUTHENTICATION_FILE,
  AUTHORIZATION_FILE,
  readSecurityFile,
  type SecurityChoice,
} from '../security-choice.ts';
import { UsageError } from './command-line.ts';

/** The options of `coracle up` about who may do what and how secrets are kept, named as the API server's. */
export const SECURITY_OPTIONS = {
  'encryption-provider-config': { type: 'string' },
  'encryption-provider-config-automatic-reload': { type: 'boolean' },
  'authentication-config': { type: 'string' },
  'oidc-issuer-url': { type: 'string' },
  'oidc-client-id': { type: 'string' },
  'oidc-ca-file': { type: 'string' },
  'oidc-username-claim': { type: 'string' },
  'oidc-username-prefix': { type: 'string' },
  'oidc-groups-claim': { type: 'string' },
  'oidc-groups-prefix': { type: 'string' },
  'oidc-signing-algs': { type: 'string' },
  'oidc-required-claim': { type: 'string', multiple: true },
  'authentication-token-webhook-config-file': { type: 'string' },
  'authentication-token-webhook-cache-ttl': { type: 'string' },
  'authentication-token-webhook-version': { type: 'string' },
  'authorization-config': { type: 'string' },
  'authorization-mode': { type: 'string' },
  'authorization-webhook-config-file': { type: 'string' },
  'authorization-webhook-cache-authorized-ttl': { type: 'string' },
  'authorization-webhook-cache-unauthorized-ttl': { type: 'string' },
  'authorization-webhook-version': { type: 'string' },
} as const;

export const SECURITY_HELP = `  --encryption-provider-config FILE
                           an EncryptionConfiguration: which resources are stored encrypted, and how; with
                           --encryption-provider-config-automatic-reload read again when it changes
  --authentication-config FILE
                           an AuthenticationConfiguration: issuers whose tokens are good; or --oidc-issuer-url,
                           --oidc-client-id and the other --oidc- flags of the API server
  --authentication-token-webhook-config-file FILE
                           who is asked about other tokens, as a kubeconfig; also -cache-ttl and -version
  --authorization-config FILE
                           an AuthorizationConfiguration: who decides; or --authorization-mode MODES (default
                           Node,RBAC) with --authorization-webhook-config-file
`;

const RELOAD = 'encryption-provider-config-automatic-reload';
const REQUIRED_CLAIM = 'oidc-required-claim';

type TextOption = Exclude<keyof typeof SECURITY_OPTIONS, typeof REQUIRED_CLAIM | typeof RELOAD>;

type SecurityOptions = { readonly [K in TextOption]?: string | undefined } & {
  readonly [REQUIRED_CLAIM]?: readonly string[] | undefined;
  readonly [RELOAD]?: boolean | undefined;
};

const VERSION_DEFAULT = 'v1beta1';

/** Flags of a program of upstream's, where these options are among them. */
interface FlagSource {
  readonly text: (name: string) => string | undefined;
  readonly list: (name: string) => readonly string[];
  readonly isOn: (name: string, byDefault: boolean) => boolean;
}

/** As {@link chooseSecurity}. @throws {UsageError} */
export function chooseSecurityByFlags(flags: FlagSource): SecurityChoice {
  const given = Object.keys(SECURITY_OPTIONS).flatMap((name) => {
    const value = name === REQUIRED_CLAIM ? flags.list(name) : flags.text(name);
    return value === undefined || value.length === 0 || name === RELOAD ? [] : [[name, value] as const];
  });
  return chooseSecurity({ ...Object.fromEntries(given), [RELOAD]: flags.isOn(RELOAD, false) });
}

/** @throws {UsageError} options that do not go together */
export function chooseSecurity(options: SecurityOptions): SecurityChoice {
  const encryption = options['encryption-provider-config'];
  const identity: IdentityChoice = {
    authentication: authenticationOf(options),
    authenticationFile: pathOf(options['authentication-config']),
    tokenWebhook: tokenWebhookOf(options),
    authorization: authorizationOf(options),
  };
  return {
    ...(encryption === undefined ? {} : { encryptionConfig: resolve(encryption) }),
    reloadsEncryption: options[RELOAD],
    ...(Object.values(identity).every((part) => part === undefined) ? {} : { identity }),
  };
}

function pathOf(file: string | undefined): string | undefined {
  return file === undefined ? undefined : resolve(file);
}

function authenticationOf(options: SecurityOptions): string | OidcFlags | undefined {
  const file = options['authentication-config'];
  const oidc = Object.keys(options).filter((name) => name.startsWith('oidc-'));
  if (file !== undefined && oidc.length > 0) {
    throw new UsageError('authentication-config file and oidc-* flags are mutually exclusive');
  }
  if (file !== undefined) {
    return readSecurityFile(AUTHENTICATION_FILE, resolve(file));
  }
  const authority = options['oidc-ca-file'];
  return oidc.length === 0
    ? undefined
    : {
        issuerUrl: options['oidc-issuer-url'] ?? '',
        clientId: options['oidc-client-id'] ?? '',
        authorityPem: authority === undefined ? undefined : readSecurityFile('OIDC CA', resolve(authority)),
        usernameClaim: options['oidc-username-claim'],
        usernamePrefix: options['oidc-username-prefix'],
        groupsClaim: options['oidc-groups-claim'],
        groupsPrefix: options['oidc-groups-prefix'],
        signingAlgorithms: options['oidc-signing-algs']?.split(','),
        requiredClaims: options['oidc-required-claim'],
      };
}

function tokenWebhookOf(options: SecurityOptions): TokenWebhookChoice | undefined {
  const file = options['authentication-token-webhook-config-file'];
  return file === undefined
    ? undefined
    : {
        kubeconfig: resolve(file),
        version: versionOf(options, 'authentication-token-webhook-version'),
        cacheMs: durationOf(options, 'authentication-token-webhook-cache-ttl', '2m0s'),
      };
}

function authorizationOf(options: SecurityOptions): AuthorizationChoice | undefined {
  const file = options['authorization-config'];
  const modes = options['authorization-mode'];
  const webhook = options['authorization-webhook-config-file'];
  if (file !== undefined) {
    if (modes !== undefined || webhook !== undefined) {
      throw new UsageError(
        '--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined',
      );
    }
    const path = resolve(file);
    return { kind: 'file', text: readSecurityFile(AUTHORIZATION_FILE, path), path };
  }
  if (modes === undefined) {
    return undefined;
  }
  const known = [...AUTHORIZATION_MODES, 'Webhook'] as const;
  const chosen = modes.split(',').map((text) => {
    const mode = known.find((each) => each === text);
    if (mode === undefined) {
      throw new UsageError(`authorization-mode ${JSON.stringify(text)} is not a valid mode`);
    }
    return mode;
  });
  if (chosen.includes('Webhook') && webhook === undefined) {
    throw new UsageError("authorization-mode Webhook's authorization config file not passed");
  }
  return {
    kind: 'modes',
    modes: chosen,
    ...(webhook === undefined
      ? {}
      : {
          webhook: {
            kubeconfig: resolve(webhook),
            version: versionOf(options, 'authorization-webhook-version'),
            authorizedMs: durationOf(options, 'authorization-webhook-cache-authorized-ttl', '5m0s'),
            unauthorizedMs: durationOf(options, 'authorization-webhook-cache-unauthorized-ttl', '30s'),
          },
        }),
  };
}

function versionOf(options: SecurityOptions, name: TextOption): 'v1' | 'v1beta1' {
  const version = options[name] ?? VERSION_DEFAULT;
  if (version !== 'v1' && version !== 'v1beta1') {
    throw new UsageError(`--${name} takes v1 or v1beta1, not ${JSON.stringify(version)}`);
  }
  return version;
}

function durationOf(options: SecurityOptions, name: TextOption, byDefault: string): number {
  const text = options[name] ?? byDefault;
  const ms = parseDurationMs(text);
  if (ms === undefined || ms < 0) {
    throw new UsageError(`--${name} takes a duration as 2m0s, not ${JSON.stringify(text)}`);
  }
  return ms;
}
