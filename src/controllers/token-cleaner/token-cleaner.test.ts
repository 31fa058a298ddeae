import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SECRET } from '#api/types/resources.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { TokenCleaner } from './token-cleaner.ts';

test('token cleaner: a token goes when its time is over; others and other secrets stay', async () => {
  await using harness = await controllerHarness(
    (deps) => [new TokenCleaner(deps)],
    (transport) => {
      const put = (name: string, type: string, expiration: string | undefined): void => {
        const data =
          expiration === undefined ? {} : { expiration: Buffer.from(expiration).toString('base64') };
        transport.put(SECRET, { metadata: { namespace: 'kube-system', name }, type, data });
      };
      put('ends', 'bootstrap.kubernetes.io/token', '2000-01-01T00:00:00Z');
      put('stays', 'bootstrap.kubernetes.io/token', '2999-01-01T00:00:00Z');
      put('endless', 'bootstrap.kubernetes.io/token', undefined);
      put('other', 'Opaque', '2000-01-01T00:00:00Z');
    },
  );
  const names = harness.transport.all(SECRET).map(({ metadata }) => metadata.name);
  assert.deepEqual(names.toSorted(), ['endless', 'other', 'stays']);
});
