import { createPrivateKey, X509Certificate } from 'node:crypto';
import { utf8Decode, utf8Encode } from '#base/bytes.ts';
import type { DistinguishedName } from '#base/x509/distinguished-name.ts';
import {
  isStillGood,
  type CertificateAuthority,
  type CertifiedKey,
  type SigningDeps,
} from '#base/x509/certificate-authority.ts';
import { RENEWAL_MARGIN_MS } from './cluster-pki.ts';
import { readIfPresent, writeSecretFile } from './secret-file.ts';

export interface KubeconfigContent {
  readonly clusterName: string;
  /** `https://host:port` */
  readonly server: string;
  readonly authorityPem: string;
  readonly userName: string;
  readonly credential: CertifiedKey | { readonly token: string };
}

/** A kubeconfig with one cluster, one user and one context, in the form kubeadm writes. */
export function kubeconfigYaml(content: KubeconfigContent): string {
  const { clusterName, server, authorityPem, userName, credential } = content;
  const context = `${userName}@${clusterName}`;
  const user =
    'token' in credential
      ? `    token: ${credential.token}`
      : `    client-certificate-data: ${base64(credential.certificatePem)}
    client-key-data: ${base64(credential.keyPem)}`;
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${base64(authorityPem)}
    server: ${server}
  name: ${clusterName}
contexts:
- context:
    cluster: ${clusterName}
    user: ${userName}
  name: ${context}
current-context: ${context}
kind: Config
preferences: {}
users:
- name: ${userName}
  user:
${user}
`;
}

function base64(text: string): string {
  return utf8Encode(text).toBase64();
}

export interface KubeconfigFileOptions extends SigningDeps {
  readonly path: string;
  readonly clusterName: string;
  readonly server: string;
  readonly userName: string;
  readonly authority: CertificateAuthority;
  readonly subject: DistinguishedName;
}

/**
 * Writes a kubeconfig with a client certificate for `subject`, unless the one that is there leads to the same
 * server and its certificate is good for a while: people copy these files, so they change only when they must.
 *
 * @returns what the file holds now
 */
export function ensureKubeconfig(options: KubeconfigFileOptions): CertifiedKey {
  const { path, authority, subject } = options;
  const present = readCredential(readIfPresent(path) ?? '', options);
  if (present !== undefined) {
    return present;
  }
  const credential = authority.issue({ subject, extendedKeyUsages: ['clientAuth'] });
  writeSecretFile(path, kubeconfigYaml({ ...options, authorityPem: authority.certificatePem, credential }));
  return credential;
}

function readCredential(yaml: string, options: KubeconfigFileOptions): CertifiedKey | undefined {
  const certificatePem = dataOf(yaml, 'client-certificate-data');
  const keyPem = dataOf(yaml, 'client-key-data');
  if (
    certificatePem === undefined ||
    keyPem === undefined ||
    valueOf(yaml, 'server') !== options.server ||
    dataOf(yaml, 'certificate-authority-data') !== options.authority.certificatePem ||
    !isStillGood(options.authority, certificatePem, { ...options, marginMs: RENEWAL_MARGIN_MS }) ||
    !new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem))
  ) {
    return undefined;
  }
  return { certificatePem, keyPem };
}

function valueOf(yaml: string, key: string): string | undefined {
  return new RegExp(`^\\s*(?:- )?${key}: (\\S+)$`, 'm').exec(yaml)?.[1];
}

function dataOf(yaml: string, key: string): string | undefined {
  const value = valueOf(yaml, key);
  return value === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(value)
    ? undefined
    : utf8Decode(Uint8Array.fromBase64(value));
}
