/** An object a token is bound to. */
export interface ObjectClaim {
  readonly name: string;
  readonly uid: string;
}

/** What a token for a service account says. Times are seconds since the epoch. */
export interface ServiceAccountClaims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly nbf: number;
  readonly iss: string;
  readonly jti: string;
  readonly sub: string;
  readonly 'kubernetes.io': {
    readonly namespace: string;
    readonly serviceaccount: ObjectClaim;
    readonly pod?: ObjectClaim;
    readonly secret?: ObjectClaim;
    readonly node?: ObjectClaim;
    /** When a client that never reads its file again should be noticed. */
    readonly warnafter?: number;
  };
}

/** What a token kept in a Secret says; it has no end. */
export interface LegacyServiceAccountClaims {
  readonly iss: typeof LEGACY_ISSUER;
  readonly sub: string;
  readonly 'kubernetes.io/serviceaccount/namespace': string;
  readonly 'kubernetes.io/serviceaccount/secret.name': string;
  readonly 'kubernetes.io/serviceaccount/service-account.name': string;
  readonly 'kubernetes.io/serviceaccount/service-account.uid': string;
}

export const LEGACY_ISSUER = 'kubernetes/serviceaccount';

type Claims = Readonly<Record<string, unknown>>;

/** Reads claims that a key of ours signed; undefined when they are not of this kind after all. */
export function readClaims(claims: Claims): ServiceAccountClaims | undefined {
  const scope = asRecord(claims['kubernetes.io']);
  const serviceaccount = asObjectClaim(scope?.['serviceaccount']);
  const namespace = scope?.['namespace'];
  const { aud, exp, iat, nbf, iss, jti, sub } = claims;
  if (
    serviceaccount === undefined ||
    typeof namespace !== 'string' ||
    typeof exp !== 'number' ||
    typeof iss !== 'string' ||
    typeof sub !== 'string'
  ) {
    return undefined;
  }
  const pod = asObjectClaim(scope?.['pod']);
  const secret = asObjectClaim(scope?.['secret']);
  const node = asObjectClaim(scope?.['node']);
  const warnafter = scope?.['warnafter'];
  return {
    aud: typeof aud === 'string' ? [aud] : Array.isArray(aud) ? aud.filter(isString) : [],
    exp,
    iat: typeof iat === 'number' ? iat : 0,
    nbf: typeof nbf === 'number' ? nbf : 0,
    iss,
    jti: typeof jti === 'string' ? jti : '',
    sub,
    'kubernetes.io': {
      namespace,
      serviceaccount,
      ...(pod === undefined ? {} : { pod }),
      ...(secret === undefined ? {} : { secret }),
      ...(node === undefined ? {} : { node }),
      ...(typeof warnafter === 'number' ? { warnafter } : {}),
    },
  };
}

export function readLegacyClaims(claims: Claims): LegacyServiceAccountClaims | undefined {
  const names = ['namespace', 'secret.name', 'service-account.name', 'service-account.uid'];
  const isComplete = names.every((name) => isString(claims[`kubernetes.io/serviceaccount/${name}`]));
  return isComplete && claims['iss'] === LEGACY_ISSUER && isString(claims['sub'])
    ? (claims as unknown as LegacyServiceAccountClaims)
    : undefined;
}

function asObjectClaim(value: unknown): ObjectClaim | undefined {
  const record = asRecord(value);
  const name = record?.['name'];
  const uid = record?.['uid'];
  return isString(name) ? { name, uid: isString(uid) ? uid : '' } : undefined;
}

function asRecord(value: unknown): Claims | undefined {
  return typeof value === 'object' && value !== null ? (value as Claims) : undefined;
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}
