import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_MAP, NAMESPACE, SERVICE_ACCOUNT } from '#api/types/resources.ts';
import { RootCaPublisher } from '../root-ca/root-ca-publisher.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { ServiceAccountController } from './service-account-controller.ts';

test('service account and root certificates: every active namespace has them, and gets them back', async () => {
  await using harness = await controllerHarness((deps) => [
    new ServiceAccountController(deps),
    new RootCaPublisher(deps, 'PEM'),
  ]);
  const { transport, clock } = harness;
  transport.put(NAMESPACE, { metadata: { name: 'a' }, status: { phase: 'Active' } });
  transport.put(NAMESPACE, { metadata: { name: 'b' }, status: { phase: 'Terminating' } });
  await clock.advance(100);
  assert.deepEqual(harness.writes(), [
    'create serviceaccounts default',
    'create configmaps kube-root-ca.crt',
  ]);
  assert.deepEqual(transport.peek(CONFIG_MAP, 'a/kube-root-ca.crt')?.data, { 'ca.crt': 'PEM' });
  transport.drop(SERVICE_ACCOUNT, 'a/default');
  const metadata = { namespace: 'a', name: 'kube-root-ca.crt' };
  transport.put(CONFIG_MAP, { metadata, data: { 'ca.crt': 'tampered' } });
  await clock.advance(100);
  assert.deepEqual(harness.writes(), [
    'create serviceaccounts default',
    'update configmaps kube-root-ca.crt',
  ]);
  assert.deepEqual(transport.peek(CONFIG_MAP, 'a/kube-root-ca.crt')?.data, { 'ca.crt': 'PEM' });
});
