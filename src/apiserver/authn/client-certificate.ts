import { X509Certificate } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { pemDecode } from '#base/x509/pem.ts';
import { unauthorized } from '#api/status-error.ts';
import { RecentMap } from '#base/recent-map.ts';
import type { Authenticator, AuthnRequest, UserInfo } from './user.ts';

/** Certificates whose verification is remembered: more than a large cluster has clients. */
const CACHE_MAX = 10_000;

const CLIENT_AUTH_OID = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE_OID = '2.5.29.37.0';
const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id';

/** What does not change about a certificate; whether it is valid now is asked each time. */
interface Verdict {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly isSigned: boolean;
}

/** Checks client certificates against trusted authorities; what was verified once is looked up by object. */
export class CertificateVerifier {
  readonly #authorities: readonly X509Certificate[];
  readonly #clock: Clock;
  readonly #trusted = new RecentMap<string, boolean>(CACHE_MAX);
  /** A connection shows one certificate object for each of its requests, and reading one is slow. */
  readonly #verdicts = new WeakMap<X509Certificate, Verdict>();

  /** @param authoritiesPem one or more certificates */
  constructor(authoritiesPem: string, clock: Clock) {
    this.#authorities = pemDecode(authoritiesPem).map(({ der }) => new X509Certificate(der));
    this.#clock = clock;
  }

  /** True for a certificate that one of the authorities signed for clients and that is valid now. */
  isTrusted(certificate: X509Certificate): boolean {
    const nowMs = this.#clock.nowMs();
    let verdict = this.#verdicts.get(certificate);
    if (verdict === undefined) {
      verdict = {
        notBeforeMs: certificate.validFromDate.getTime(),
        notAfterMs: certificate.validToDate.getTime(),
        isSigned: this.#isSigned(certificate),
      };
      this.#verdicts.set(certificate, verdict);
    }
    return verdict.isSigned && verdict.notBeforeMs <= nowMs && nowMs <= verdict.notAfterMs;
  }

  #isSigned(certificate: X509Certificate): boolean {
    const fingerprint = certificate.fingerprint256;
    let isSigned = this.#trusted.get(fingerprint);
    if (isSigned === undefined) {
      isSigned = this.#isSignedForClients(certificate);
      this.#trusted.set(fingerprint, isSigned);
    }
    return isSigned;
  }

  #isSignedForClients(certificate: X509Certificate): boolean {
    // Node's types leave out that a certificate without the extension has no list.
    const usages: readonly string[] | undefined = certificate.keyUsage;
    if (usages !== undefined && !usages.includes(CLIENT_AUTH_OID) && !usages.includes(ANY_USAGE_OID)) {
      return false;
    }
    return this.#authorities.some(
      (authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
    );
  }
}

/** Identity from a client certificate: the common name is the user, the organizations are the groups. */
export class ClientCertificateAuthenticator implements Authenticator {
  readonly #verifier: CertificateVerifier;
  /** A connection shows the same certificate object for each of its requests; reading one is slow. */
  readonly #users = new WeakMap<X509Certificate, UserInfo>();
  readonly #usersByFingerprint = new RecentMap<string, UserInfo>(CACHE_MAX);

  constructor(verifier: CertificateVerifier) {
    this.#verifier = verifier;
  }

  authenticate({ peerCertificate }: AuthnRequest): Promise<UserInfo | undefined> {
    if (peerCertificate === undefined) {
      return Promise.resolve(undefined);
    }
    if (!this.#verifier.isTrusted(peerCertificate)) {
      return Promise.reject(unauthorized());
    }
    const user = this.#users.get(peerCertificate) ?? this.#read(peerCertificate);
    // A certificate without a common name names nobody.
    return user.name === '' ? Promise.resolve(undefined) : Promise.resolve(user);
  }

  #read(certificate: X509Certificate): UserInfo {
    const fingerprint = certificate.fingerprint256;
    let user = this.#usersByFingerprint.get(fingerprint);
    if (user === undefined) {
      const { CN = '', O = [] } = certificate.toLegacyObject().subject as {
        readonly CN?: string | readonly string[];
        readonly O?: string | readonly string[];
      };
      user = {
        name: typeof CN === 'string' ? CN : (CN.at(-1) ?? ''),
        groups: typeof O === 'string' ? [O] : O,
        extra: { [CREDENTIAL_ID]: [`X509SHA256=${fingerprint.replaceAll(':', '').toLowerCase()}`] },
      };
      this.#usersByFingerprint.set(fingerprint, user);
    }
    this.#users.set(certificate, user);
    return user;
  }
}
