import { resolve } from 'node:path';
import type { SecurityChoice } from '../security-choice.ts';

/** The options of `coracle up` about who may do what and how secrets are kept, named as the API server's. */
export const SECURITY_OPTIONS = {
  'encryption-provider-config': { type: 'string' },
} as const;

export const SECURITY_HELP = `  --encryption-provider-config FILE
                           an EncryptionConfiguration: which resources are stored encrypted, and how
`;

type SecurityOptions = { readonly [K in keyof typeof SECURITY_OPTIONS]?: string | undefined };

export function chooseSecurity(options: SecurityOptions): SecurityChoice {
  const encryption = options['encryption-provider-config'];
  return encryption === undefined ? {} : { encryptionConfig: resolve(encryption) };
}
