import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { CONFIG_MAP, SECRET } from '#api/types/resources.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { BootstrapSigner } from './bootstrap-signer.ts';
import { signatureOf } from './sign-cluster-info.ts';

const encoded = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );

const token = (id: string, more: Readonly<Record<string, string>> = {}) => ({
  metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
  type: 'bootstrap.kubernetes.io/token',
  data: encoded({ 'token-id': id, 'token-secret': 'secret', 'usage-bootstrap-signing': 'true', ...more }),
});

test('cluster-info: a signature is a detached JWS that the token verifies', () => {
  const [header = '', payload, signature] = signatureOf('config', { id: 'abcdef', secret: 's' }).split('.');
  assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url').toString()), { alg: 'HS256', kid: 'abcdef' });
  assert.equal(payload, '');
  const content = `${header}.${Buffer.from('config').toString('base64url')}`;
  assert.equal(signature, createHmac('sha256', 's').update(content).digest('base64url'));
});

test('bootstrap signer: tokens that may sign do, until their time is over', async () => {
  await using harness = await controllerHarness((deps) => [new BootstrapSigner(deps)]);
  const { transport, clock } = harness;
  const signers = (): readonly string[] =>
    Object.keys(transport.peek(CONFIG_MAP, 'kube-public/cluster-info')?.data ?? {}).toSorted();
  const endsAt = new Date(clock.nowMs() + 60_000).toISOString();
  transport.put(SECRET, token('aaaaaa', { expiration: endsAt }));
  transport.put(SECRET, token('bbbbbb'));
  transport.put(SECRET, token('cccccc', { 'usage-bootstrap-signing': 'false' }));
  transport.put(CONFIG_MAP, {
    metadata: { namespace: 'kube-public', name: 'cluster-info' },
    data: { kubeconfig: 'config', 'jws-kubeconfig-gone': 'old' },
  });
  await clock.advance(1_000);
  assert.deepEqual(signers(), ['jws-kubeconfig-aaaaaa', 'jws-kubeconfig-bbbbbb', 'kubeconfig']);
  await clock.advance(60_000);
  assert.deepEqual(signers(), ['jws-kubeconfig-bbbbbb', 'kubeconfig']);
});
