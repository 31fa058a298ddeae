import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import type { TokenRequest } from '#api/types/authentication.v1.ts';
import type { ServiceAccount } from '#api/types/core.v1.ts';
import { NODE, POD, SECRET, SERVICE_ACCOUNT } from '#api/types/resources.ts';
import { badRequest, conflict, invalid, notFound, type FieldError } from '#api/status-error.ts';
import type { ObjectReader } from '../object-reader.ts';
import { signToken, type SigningKey } from './json-web-token.ts';
import {
  LEGACY_ISSUER,
  type LegacyServiceAccountClaims,
  type ObjectClaim,
  type ServiceAccountClaims,
} from './service-account-claims.ts';
import { serviceAccountUserName } from './service-account-identity.ts';

export interface TokenIssuerOptions {
  readonly key: SigningKey;
  readonly issuer: string;
  /** What a token is good for when its request names no audience. */
  readonly audiences: readonly string[];
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly random: Random;
}

const EXPIRATION_SECONDS_DEFAULT = 3600;
const EXPIRATION_SECONDS_MIN = 600;
const EXPIRATION_SECONDS_MAX = 2 ** 32;

/**
 * The lifetime that the ServiceAccount plugin asks for in the volumes it injects. Such tokens live for a year in
 * truth, for the sake of old clients that never read the file again, and note when they should have.
 */
export const INJECTED_EXPIRATION_SECONDS = 3607;
const EXTENDED_EXPIRATION_SECONDS = 365 * 24 * 3600;

/** A TokenRequest as it arrives: its metadata may be left out. */
export type NewTokenRequest = Omit<TokenRequest, 'metadata' | 'status'> & {
  readonly metadata?: Partial<TokenRequest['metadata']> | undefined;
};

/** Makes tokens for service accounts: the `token` subresource, and tokens kept in Secrets. */
export class TokenIssuer {
  readonly #options: TokenIssuerOptions;

  constructor(options: TokenIssuerOptions) {
    this.#options = options;
  }

  /**
   * Answers a TokenRequest for the service account with that name.
   *
   * @throws {StatusError} when the request is invalid, or what it wants to be bound to is not there
   */
  createToken(namespace: string, name: string, request: NewTokenRequest): TokenRequest {
    const { reader, clock } = this.#options;
    const account = reader.get(SERVICE_ACCOUNT, namespace, name);
    if (account === undefined) {
      throw notFound(SERVICE_ACCOUNT, name);
    }
    const spec = {
      ...request.spec,
      audiences:
        (request.spec.audiences ?? []).length === 0
          ? this.#options.audiences
          : (request.spec.audiences ?? []),
      expirationSeconds: request.spec.expirationSeconds ?? EXPIRATION_SECONDS_DEFAULT,
    };
    checkRequest(request, account, spec.expirationSeconds);
    const nowMs = clock.nowMs();
    const token = signToken(this.#options.key, this.#claims(account, spec, Math.floor(nowMs / 1000)));
    const expiresMs = nowMs + spec.expirationSeconds * 1000;
    return {
      ...request,
      metadata: {
        uid: '',
        resourceVersion: '',
        ...request.metadata,
        name,
        namespace,
        creationTimestamp: timestamp(nowMs),
      },
      spec,
      status: { token, expirationTimestamp: timestamp(expiresMs) },
    };
  }

  /** A token without an end, for a Secret of type `kubernetes.io/service-account-token`. */
  createLegacyToken(account: ServiceAccount, secretName: string): string {
    const { namespace, name, uid } = account.metadata;
    const claims: LegacyServiceAccountClaims = {
      iss: LEGACY_ISSUER,
      'kubernetes.io/serviceaccount/namespace': namespace,
      'kubernetes.io/serviceaccount/secret.name': secretName,
      'kubernetes.io/serviceaccount/service-account.name': name,
      'kubernetes.io/serviceaccount/service-account.uid': uid,
      sub: serviceAccountUserName(namespace, name),
    };
    return signToken(this.#options.key, claims);
  }

  #claims(
    account: ServiceAccount,
    spec: TokenRequest['spec'] & {
      readonly audiences: readonly string[];
      readonly expirationSeconds: number;
    },
    nowSeconds: number,
  ): ServiceAccountClaims {
    const { namespace, name, uid } = account.metadata;
    const bound = this.#bindings(account, spec.boundObjectRef);
    const isInjected =
      bound.pod !== undefined &&
      spec.expirationSeconds === INJECTED_EXPIRATION_SECONDS &&
      spec.audiences.every((audience) => this.#options.audiences.includes(audience));
    return {
      aud: spec.audiences,
      exp: nowSeconds + (isInjected ? EXTENDED_EXPIRATION_SECONDS : spec.expirationSeconds),
      iat: nowSeconds,
      iss: this.#options.issuer,
      jti: this.#options.random.uuid(),
      'kubernetes.io': {
        namespace,
        serviceaccount: { name, uid },
        ...bound,
        ...(isInjected ? { warnafter: nowSeconds + spec.expirationSeconds } : {}),
      },
      nbf: nowSeconds,
      sub: serviceAccountUserName(namespace, name),
    };
  }

  #bindings(
    account: ServiceAccount,
    reference: TokenRequest['spec']['boundObjectRef'],
  ): { readonly pod?: ObjectClaim; readonly secret?: ObjectClaim; readonly node?: ObjectClaim } {
    if (reference === undefined) {
      return {};
    }
    const { apiVersion = '', kind = '', name = '', uid: wantedUid = '' } = reference;
    const { reader } = this.#options;
    const { namespace } = account.metadata;
    switch (`${apiVersion} ${kind}`) {
      case 'v1 Pod': {
        const pod = existing(POD, name, reader.get(POD, namespace, name), wantedUid);
        if (pod.spec.serviceAccountName !== account.metadata.name) {
          throw badRequest(
            `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)} to pod running with different serviceaccount name.`,
          );
        }
        const claim = { name, uid: pod.metadata.uid };
        const nodeName = pod.spec.nodeName ?? '';
        const nodeUid = nodeName === '' ? '' : (reader.get(NODE, '', nodeName)?.metadata.uid ?? '');
        return { pod: claim, ...(nodeName === '' ? {} : { node: { name: nodeName, uid: nodeUid } }) };
      }
      case 'v1 Secret': {
        const secret = existing(SECRET, name, reader.get(SECRET, namespace, name), wantedUid);
        return { secret: { name, uid: secret.metadata.uid } };
      }
      case 'v1 Node': {
        const node = existing(NODE, name, reader.get(NODE, '', name), wantedUid);
        return { node: { name, uid: node.metadata.uid } };
      }
      default:
        throw badRequest(`cannot bind token to object of type ${goKind(apiVersion, kind)}`);
    }
  }
}

function existing<T extends { readonly metadata: { readonly uid: string } }>(
  resource: { readonly group: string; readonly resource: string; readonly kind: string },
  name: string,
  object: T | undefined,
  wantedUid: string,
): T {
  if (object === undefined) {
    throw notFound(resource, name);
  }
  if (wantedUid !== '' && wantedUid !== object.metadata.uid) {
    throw conflict(
      { group: resource.group, resource: resource.kind },
      name,
      `the UID in the bound object reference (${wantedUid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  return object;
}

function checkRequest(request: NewTokenRequest, account: ServiceAccount, expirationSeconds: number): void {
  const { name = '', namespace = '' } = request.metadata ?? {};
  if (name !== '' && name !== account.metadata.name) {
    throw badRequest(`must not specify a different name (${name}) than the service account's`);
  }
  if (namespace !== '' && namespace !== account.metadata.namespace) {
    throw badRequest(`must not specify a different namespace (${namespace}) than the service account's`);
  }
  const errors: FieldError[] = [];
  const path = 'spec.expirationSeconds';
  const reason = 'FieldValueInvalid';
  if (expirationSeconds < EXPIRATION_SECONDS_MIN) {
    const detail = 'may not specify a duration less than 10 minutes';
    errors.push({ path, reason, badValue: expirationSeconds, detail });
  }
  if (expirationSeconds > EXPIRATION_SECONDS_MAX) {
    const detail = 'may not specify a duration larger than 2^32 seconds';
    errors.push({ path, reason, badValue: expirationSeconds, detail });
  }
  if (errors.length > 0) {
    throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, name, errors);
  }
}

/** A kind in the form error messages have it: `apps/v1, Kind=Deployment`. */
function goKind(apiVersion: string, kind: string): string {
  return `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
}

/** RFC 3339 in whole seconds. */
function timestamp(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}
