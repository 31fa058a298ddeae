import type { Clock } from '#base/clock.ts';
import { parseTime } from '#api/time.ts';
import type { TokenRequest } from '#api/types/authentication.v1.ts';
import type { Pod, ServiceAccountTokenProjection } from '#api/types/core.v1.ts';
import { SERVICE_ACCOUNT } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';

const LIFETIME_SECONDS_DEFAULT = 3600;
/** A token is renewed when this part of its life is over, and at the latest after a day. */
const RENEWAL_SHARE = 0.8;
const AGE_MS_MAX = 24 * 3600 * 1000;

interface CachedToken {
  readonly token: string;
  readonly renewAtMs: number;
}

/** Tokens bound to pods, renewed before they end. */
export class ServiceAccountTokens {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, CachedToken>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async token(pod: Pod, projection: ServiceAccountTokenProjection, signal: AbortSignal): Promise<string> {
    const { audience = '', expirationSeconds = LIFETIME_SECONDS_DEFAULT } = projection;
    const { name, namespace, uid } = pod.metadata;
    const account = pod.spec.serviceAccountName ?? 'default';
    const key = JSON.stringify([uid, account, audience, expirationSeconds]);
    const nowMs = this.#clock.nowMs();
    const cached = this.#tokens.get(key);
    if (cached !== undefined && nowMs < cached.renewAtMs) {
      return cached.token;
    }
    const { status } = await this.#client.of(SERVICE_ACCOUNT).subresource<TokenRequest>(
      'create',
      { namespace, name: account, subresource: 'token' },
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: { name: account, namespace },
        spec: {
          audiences: audience === '' ? [] : [audience],
          expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
      signal,
    );
    const lifetimeMs = (parseTime(status.expirationTimestamp) ?? nowMs) - nowMs;
    const renewAtMs = nowMs + Math.min(lifetimeMs * RENEWAL_SHARE, AGE_MS_MAX);
    this.#tokens.set(key, { token: status.token, renewAtMs });
    return status.token;
  }

  forget(uid: string): void {
    for (const key of this.#tokens.keys()) {
      if (key.startsWith(`["${uid}"`)) {
        this.#tokens.delete(key);
      }
    }
  }
}
