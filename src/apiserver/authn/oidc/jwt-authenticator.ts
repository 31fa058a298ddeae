import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/log.ts';
import { TokenError, type TokenAuthenticator } from '../bearer-token.ts';
import type { AuthnResult, UserInfo } from '../user.ts';
import { ExpressionError, userValue } from './claim-expressions.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { readCompactToken, type CompactToken } from './json-web-key-set.ts';
import type { JwtConfiguration, Mapping, ValidationRule } from './jwt-configuration.ts';

/** Clocks of issuers may be ahead by this much. */
const NOT_BEFORE_SLACK_MS = 60_000;
const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id';
/** Two names of one issuer, from before it followed the standard. */
const GOOGLE = { name: 'accounts.google.com', url: 'https://accounts.google.com' };

type Claims = Readonly<Record<string, unknown>>;

export interface JwtAuthenticatorDeps {
  readonly keys: Pick<IssuerKeys, 'hasSigned' | 'isReady'>;
  readonly clock: Clock;
  /** What this API server answers to; the tokens of others say nothing about it. */
  readonly apiAudiences: readonly string[];
}

/** Identities from the tokens of an OpenID issuer. */
export class JwtAuthenticator implements TokenAuthenticator {
  readonly #deps: JwtAuthenticatorDeps;
  readonly #configuration: JwtConfiguration;

  constructor(deps: JwtAuthenticatorDeps, configuration: JwtConfiguration) {
    this.#deps = deps;
    this.#configuration = configuration;
  }

  authenticateToken(
    token: string,
    audiences: readonly string[],
  ): Promise<AuthnResult | undefined> | undefined {
    const parts = readCompactToken(token);
    if (parts === undefined || issuerOf(parts.claims) !== this.#configuration.issuer) {
      return undefined;
    }
    const wanted = this.#deps.apiAudiences.filter((audience) => audiences.includes(audience));
    return wanted.length === 0 ? undefined : this.#authenticate(parts, wanted);
  }

  async #authenticate(token: CompactToken, audiences: readonly string[]): Promise<AuthnResult> {
    if (!this.#deps.keys.isReady) {
      throw new TokenError('oidc: authenticator not initialized');
    }
    await this.#verify(token);
    try {
      return { user: this.#userOf(token.claims), audiences };
    } catch (error) {
      throw error instanceof ExpressionError
        ? new TokenError(`oidc: ${error.message}`, { cause: error })
        : error;
    }
  }

  async #verify(token: CompactToken): Promise<void> {
    const problem = this.#problemOf(token) ?? (await this.#signatureProblem(token));
    if (problem !== undefined) {
      throw new TokenError(`oidc: verify token: ${problem}`);
    }
  }

  #problemOf({ claims, algorithm }: CompactToken): string | undefined {
    const { audiences, algorithms } = this.#configuration;
    const meant = [claims['aud']].flat().filter((each) => typeof each === 'string');
    if (!meant.some((audience) => audiences.includes(audience))) {
      const [only = ''] = audiences;
      const expected =
        audiences.length === 1
          ? `expected audience ${JSON.stringify(only)}`
          : `expected audience in ${listText(audiences)}`;
      return `oidc: ${expected} got ${listText(meant)}`;
    }
    const nowMs = this.#deps.clock.nowMs();
    const expiryMs = numberIn(claims['exp']) * 1000;
    if (expiryMs < nowMs) {
      return `oidc: token is expired (Token Expiry: ${timeText(expiryMs)})`;
    }
    const notBeforeMs = numberIn(claims['nbf']) * 1000;
    if (claims['nbf'] !== undefined && nowMs + NOT_BEFORE_SLACK_MS < notBeforeMs) {
      return `oidc: current time ${timeText(nowMs)} before the nbf (not before) time: ${timeText(notBeforeMs)}`;
    }
    return algorithms.some((each) => each === algorithm)
      ? undefined
      : `oidc: id token signed with unsupported algorithm, expected ${listText(algorithms)} got ${JSON.stringify(algorithm)}`;
  }

  async #signatureProblem(token: CompactToken): Promise<string | undefined> {
    try {
      return (await this.#deps.keys.hasSigned(token))
        ? undefined
        : 'failed to verify signature: failed to verify id token signature';
    } catch (error) {
      return `failed to verify signature: ${describeError(error)}`;
    }
  }

  /** @throws {TokenError | ExpressionError} */
  #userOf(claims: Claims): UserInfo {
    const { username, groups, uid, claimRules, userRules } = this.#configuration;
    const user = {
      name: usernameOf(claims, username),
      ...(uid === undefined ? {} : { uid: uidOf(claims, uid) }),
      groups: groups === undefined ? [] : groupsOf(claims, groups),
      extra: this.#extraOf(claims),
    };
    this.#checkRequired(claims);
    check(claimRules, claims, 'claim validation expression');
    check(userRules, userValue(user), 'user info validation rule');
    return user;
  }

  #extraOf(claims: Claims): Record<string, readonly string[]> {
    const { jti } = claims;
    const own: [string, readonly string[]][] =
      typeof jti === 'string' && jti !== '' ? [[CREDENTIAL_ID, [`JTI=${jti}`]]] : [];
    const mapped = this.#configuration.extra.map(({ key, expression }): [string, readonly string[]] => [
      key,
      textsOf(expression.evaluate(claims), `error evaluating extra claim expression: ${expression.source}`),
    ]);
    return Object.fromEntries([...own, ...mapped].filter(([, values]) => values.length > 0));
  }

  #checkRequired(claims: Claims): void {
    for (const [claim, wanted] of this.#configuration.requiredClaims) {
      const found = claims[claim];
      if (found === undefined) {
        throw new TokenError(`oidc: required claim ${claim} not present in ID token`);
      }
      if (typeof found !== 'string') {
        throw new TokenError(`oidc: parse claim ${claim}: a text is required`);
      }
      if (found !== wanted) {
        throw new TokenError(
          `oidc: required claim ${claim} value does not match. Got = ${found}, want = ${wanted}`,
        );
      }
    }
  }
}

function issuerOf({ iss }: Claims): unknown {
  return iss === GOOGLE.name ? GOOGLE.url : iss;
}

function usernameOf(claims: Claims, mapping: Mapping): string {
  if (mapping.kind === 'expression') {
    const name = mapping.expression.evaluate(claims);
    if (typeof name !== 'string') {
      throw new TokenError(
        'oidc: error evaluating username claim expression: username claim expression must return a string',
      );
    }
    if (name === '') {
      throw new TokenError('oidc: empty username via CEL expression is not allowed');
    }
    return name;
  }
  const name = claims[mapping.claim];
  if (typeof name !== 'string') {
    const why = name === undefined ? 'claim not present' : 'a text is required';
    throw new TokenError(`oidc: parse username claims ${JSON.stringify(mapping.claim)}: ${why}`);
  }
  if (
    mapping.claim === 'email' &&
    claims['email_verified'] !== undefined &&
    claims['email_verified'] !== true
  ) {
    throw new TokenError(
      claims['email_verified'] === false
        ? 'oidc: email not verified'
        : "oidc: parse 'email_verified' claim: true or false is required",
    );
  }
  return `${mapping.prefix}${name}`;
}

function uidOf(claims: Claims, mapping: Mapping): string {
  const uid = mapping.kind === 'claim' ? claims[mapping.claim] : mapping.expression.evaluate(claims);
  if (typeof uid !== 'string') {
    throw new TokenError(
      mapping.kind === 'claim'
        ? `oidc: parse uid claim ${JSON.stringify(mapping.claim)}: ${uid === undefined ? 'claim not present' : 'a text is required'}`
        : 'oidc: error evaluating uid claim expression: uid claim expression must return a string',
    );
  }
  return uid;
}

function groupsOf(claims: Claims, mapping: Mapping): readonly string[] {
  if (mapping.kind === 'expression') {
    return textsOf(mapping.expression.evaluate(claims), 'error evaluating group claim expression');
  }
  const found = claims[mapping.claim];
  return found === undefined
    ? []
    : textsOf(found, `parse groups claim ${JSON.stringify(mapping.claim)}`).map(
        (group) => `${mapping.prefix}${group}`,
      );
}

/** One text counts as a list of it, and nothing, or an empty text, as none. */
function textsOf(value: unknown, what: string): readonly string[] {
  if (value === null || value === '') {
    return [];
  }
  const list = [value].flat();
  if (!list.every((each) => typeof each === 'string')) {
    throw new TokenError(`oidc: ${what}: expected a text or a list of texts`);
  }
  return list.filter((text) => text !== '');
}

function check(rules: readonly ValidationRule[], value: object, what: string): void {
  for (const { expression, message } of rules) {
    if (expression.evaluate(value) !== true) {
      const failed = `validation expression '${expression.source}' failed`;
      throw new TokenError(
        `oidc: error evaluating ${what}: ${failed}${message === '' ? '' : `: ${message}`}`,
      );
    }
  }
}

function numberIn(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function listText(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;
}
