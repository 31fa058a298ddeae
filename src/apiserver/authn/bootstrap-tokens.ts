import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { utf8Encode } from '#base/bytes.ts';
import type { Secret } from '#api/types/core.v1.ts';
import { SECRET } from '#api/types/resources.ts';
import type { ObjectReader } from '../object-reader.ts';
import { TokenError, type TokenAuthenticator } from './bearer-token.ts';
import type { AuthnResult } from './user.ts';

const BOOTSTRAP_GROUP = 'system:bootstrappers';
const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/** Tokens by which a new node first speaks to the cluster; each is a Secret in `kube-system`. */
export class BootstrapTokens implements TokenAuthenticator {
  readonly #reader: ObjectReader;
  readonly #clock: Clock;

  constructor(reader: ObjectReader, clock: Clock) {
    this.#reader = reader;
    this.#clock = clock;
  }

  authenticateToken(token: string): AuthnResult | undefined {
    const [, id, secretText] = TOKEN.exec(token) ?? [];
    if (id === undefined || secretText === undefined) {
      return undefined;
    }
    const secret = this.#reader.get(SECRET, 'kube-system', `bootstrap-token-${id}`);
    if (secret === undefined || secret.metadata.deletionTimestamp !== undefined) {
      return undefined;
    }
    const value = (key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
    const isGood =
      secret.type === 'bootstrap.kubernetes.io/token' &&
      value('token-id') === id &&
      isSame(value('token-secret'), secretText) &&
      value('usage-bootstrap-authentication') === 'true' &&
      !this.#isExpired(value('expiration'));
    if (!isGood) {
      throw new TokenError('invalid bearer token');
    }
    const groups = [BOOTSTRAP_GROUP, ...extraGroups(value('auth-extra-groups'))];
    return { user: { name: `system:bootstrap:${id}`, groups, extra: {} } };
  }

  #isExpired(expiration: string): boolean {
    if (expiration === '') {
      return false;
    }
    const untilMs = Date.parse(expiration);
    // An unreadable end is taken for one that has passed.
    return Number.isNaN(untilMs) || untilMs <= this.#clock.nowMs();
  }
}

function isSame(stored: Secret['metadata']['name'], shown: string): boolean {
  const left = utf8Encode(stored);
  const right = utf8Encode(shown);
  return left.length === right.length && timingSafeEqual(left, right);
}

function extraGroups(list: string): readonly string[] {
  const groups = list === '' ? [] : list.split(',').map((group) => group.trim());
  if (!groups.every((group) => EXTRA_GROUP.test(group))) {
    throw new TokenError('invalid bearer token');
  }
  return [...new Set(groups)].toSorted();
}
