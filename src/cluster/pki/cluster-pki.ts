import { createPrivateKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { SubjectAltNames } from '#base/x509/subject-alt-names.ts';
import {
  CertificateAuthority,
  createSigningKey,
  isStillGood,
  publicKeyPemOf,
  type CertifiedKey,
  type IssueOptions,
  type SigningDeps,
} from '#base/x509/certificate-authority.ts';
import { readIfPresent, writeSecretFile } from './secret-file.ts';

/** Every key and certificate of a control plane. The files lie below `pki/` where kubeadm puts them. */
export interface ClusterPki {
  /** Signs serving and client certificates; also those asked for through the API. */
  readonly authority: CertificateAuthority;
  /** Signs the certificate by which the API server shows itself to aggregated API servers. */
  readonly frontProxyAuthority: CertificateAuthority;
  readonly apiserver: CertifiedKey;
  readonly apiserverKubeletClient: CertifiedKey;
  readonly frontProxyClient: CertifiedKey;
  /** Signs service account tokens. */
  readonly serviceAccountKeys: { readonly privateKeyPem: string; readonly publicKeyPem: string };
}

export interface PkiOptions extends SigningDeps {
  /** The data directory; `pki/` is made in it. */
  readonly directory: string;
  /** Every name and address that clients reach the API server by. */
  readonly serverNames: SubjectAltNames;
}

/** A file that is needed to sign anew, or a half of a pair, is not there. */
export class PkiError extends Error {
  override readonly name = 'PkiError';
  readonly code = 'ERR_PKI';
}

/** Certificates with less than this left are made anew at the start. */
export const RENEWAL_MARGIN_MS = 30 * 24 * 3600 * 1000;

/**
 * Loads the cluster's keys and certificates, and makes those that are missing, near their end, or not made
 * for all the names wanted now. Authorities are never replaced.
 *
 * @throws {PkiError} when an authority's certificate is there without its key, or the other way round
 */
export function ensurePki(options: PkiOptions): ClusterPki {
  const authority = ensureAuthority(options, 'ca', 'kubernetes');
  const frontProxyAuthority = ensureAuthority(options, 'front-proxy-ca', 'front-proxy-ca');
  return {
    authority,
    frontProxyAuthority,
    apiserver: ensureLeaf(options, authority, 'apiserver', {
      subject: { commonName: 'kube-apiserver', organizations: [] },
      extendedKeyUsages: ['serverAuth'],
      altNames: options.serverNames,
    }),
    apiserverKubeletClient: ensureLeaf(options, authority, 'apiserver-kubelet-client', {
      subject: { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] },
      extendedKeyUsages: ['clientAuth'],
    }),
    frontProxyClient: ensureLeaf(options, frontProxyAuthority, 'front-proxy-client', {
      subject: { commonName: 'front-proxy-client', organizations: [] },
      extendedKeyUsages: ['clientAuth'],
    }),
    serviceAccountKeys: ensureServiceAccountKeys(options.directory),
  };
}

function pairOf(directory: string, name: string): { certificatePath: string; keyPath: string } {
  return {
    certificatePath: join(directory, 'pki', `${name}.crt`),
    keyPath: join(directory, 'pki', `${name}.key`),
  };
}

function ensureAuthority(options: PkiOptions, name: string, commonName: string): CertificateAuthority {
  const { certificatePath, keyPath } = pairOf(options.directory, name);
  const certificatePem = readIfPresent(certificatePath);
  const keyPem = readIfPresent(keyPath);
  if (certificatePem !== undefined && keyPem !== undefined) {
    return new CertificateAuthority({ certificatePem, keyPem }, options);
  }
  if (certificatePem !== undefined) {
    throw new PkiError(`${certificatePath} has no key beside it: ${keyPath} is missing`);
  }
  // A key alone is what an interrupted first start leaves, for the key is written first.
  const created = CertificateAuthority.create(commonName, options);
  writeSecretFile(keyPath, created.keyPem);
  writeSecretFile(certificatePath, created.certificatePem, 0o644);
  return created;
}

function ensureLeaf(
  options: PkiOptions,
  authority: CertificateAuthority,
  name: string,
  wanted: IssueOptions,
): CertifiedKey {
  const { certificatePath, keyPath } = pairOf(options.directory, name);
  const certificatePem = readIfPresent(certificatePath);
  const keyPem = readIfPresent(keyPath);
  if (certificatePem !== undefined && keyPem !== undefined) {
    const pair = { certificatePem, keyPem };
    if (isPair(pair) && isStillGood(authority, certificatePem, { ...options, marginMs: RENEWAL_MARGIN_MS })) {
      if (wanted.altNames === undefined || coversNames(certificatePem, wanted.altNames)) {
        return pair;
      }
    }
  }
  const issued = authority.issue(wanted);
  writeSecretFile(keyPath, issued.keyPem);
  writeSecretFile(certificatePath, issued.certificatePem, 0o644);
  return issued;
}

function isPair({ certificatePem, keyPem }: CertifiedKey): boolean {
  return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
}

function coversNames(certificatePem: string, names: SubjectAltNames): boolean {
  const certificate = new X509Certificate(certificatePem);
  return (
    names.dnsNames.every((name) => certificate.checkHost(name, { subject: 'never' }) !== undefined) &&
    names.ipAddresses.every((address) => certificate.checkIP(address) !== undefined)
  );
}

function ensureServiceAccountKeys(directory: string): ClusterPki['serviceAccountKeys'] {
  const keyPath = join(directory, 'pki', 'sa.key');
  const publicPath = join(directory, 'pki', 'sa.pub');
  const found = readIfPresent(keyPath);
  if (found === undefined) {
    const created = createSigningKey();
    writeSecretFile(keyPath, created.privateKeyPem);
    writeSecretFile(publicPath, created.publicKeyPem);
    return created;
  }
  const publicKeyPem = publicKeyPemOf(createPrivateKey(found));
  if (readIfPresent(publicPath) !== publicKeyPem) {
    writeSecretFile(publicPath, publicKeyPem);
  }
  return { privateKeyPem: found, publicKeyPem };
}
