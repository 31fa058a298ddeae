import assert from 'node:assert/strict';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { startCluster } from './testing.ts';

test('test cluster: its kubeconfig leads to the same objects over TLS', async () => {
  await using cluster = await startCluster();
  const kubeconfig = await cluster.kubeconfig();
  const field = (name: string): string => new RegExp(`${name}: (\\S+)`).exec(kubeconfig)?.[1] ?? '';
  const pem = (name: string): string => Buffer.from(field(`${name}-data`), 'base64').toString();
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  request(
    `${field('server')}/api/v1/nodes`,
    {
      ca: pem('certificate-authority'),
      cert: pem('client-certificate'),
      key: pem('client-key'),
      agent: false,
    },
    (response) => void json(response).then(resolve, reject),
  )
    .on('error', reject)
    .end();
  const { items } = (await promise) as { readonly items: readonly { metadata: { name: string } }[] };
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ['sim-0'],
  );
});
