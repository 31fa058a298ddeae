import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#base/virtual-clock.ts';
import { formatTime } from '#api/time.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { Client } from '#client/client.ts';
import type { ApiRequest, Transport } from '#client/transport.ts';
import { aPod } from '../pod/pod.fixture.ts';
import { ServiceAccountTokens } from './service-account-tokens.ts';

test('service account tokens: one is bound to its pod, kept, and renewed when most of its life is over', async () => {
  const clock = new VirtualClock();
  const requests: ApiRequest[] = [];
  const transport: Transport = {
    request: async (request) => {
      requests.push(request);
      const expirationTimestamp = formatTime(clock.nowMs() + 3600_000);
      return { status: { token: `token-${requests.length}`, expirationTimestamp } };
    },
    watch: () => {
      throw new Error('nothing to watch');
    },
  };
  const tokens = new ServiceAccountTokens(new Client(transport), clock);
  const pod = aPod({ serviceAccountName: 'robot' }) as unknown as Pod;
  const token = (audience: string): Promise<string> =>
    tokens.token(pod, { path: 'token', audience, expirationSeconds: 3600 }, new AbortController().signal);
  assert.equal(await token(''), 'token-1');
  assert.equal(await token('vault'), 'token-2');
  await clock.advance(2879_000);
  assert.equal(await token(''), 'token-1');
  await clock.advance(2_000);
  assert.equal(await token(''), 'token-3');
  const [first] = requests;
  assert.equal(
    `${first?.verb} ${first?.namespace}/${first?.name}/${first?.subresource}`,
    'create default/robot/token',
  );
  assert.deepEqual(
    requests.slice(0, 2).map(({ body }) => (body as { readonly spec: unknown }).spec),
    [[], ['vault']].map((audiences) => ({
      audiences,
      expirationSeconds: 3600,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'uid-web' },
    })),
  );
});
