import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { KeyUsage } from '#api/types/certificates.v1.ts';
import { CERTIFICATE_SIGNING_REQUEST } from '#api/types/resources.ts';
import { SystemClock } from '#base/clock.ts';
import { SystemRandom } from '#base/random.ts';
import { createCertificateRequest } from '#base/x509/certificate-request.ts';
import { pemEncode } from '#base/x509/pem.ts';
import { CertificateAuthority } from '#base/x509/certificate-authority.ts';
import { signRequest } from '#cluster/pki/request-signer.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { RequestCleaningController, RequestSigningController } from './certificate-controllers.ts';

const approved = {
  conditions: [{ type: 'Approved', status: 'True', lastUpdateTime: '2026-01-01T00:00:00Z' }],
};
const pending = { metadata: { name: 'pending' }, spec: { request: '', signerName: 'example.dev/other' } };

test('certificate requests: answered ones go after an hour, others after a day', async () => {
  await using harness = await controllerHarness(
    (deps) => [
      new RequestCleaningController(deps),
      new RequestSigningController(deps, () => assert.fail('not ours')),
    ],
    (transport) => {
      transport.put(CERTIFICATE_SIGNING_REQUEST, pending);
      transport.put(CERTIFICATE_SIGNING_REQUEST, {
        ...pending,
        metadata: { name: 'answered' },
        status: approved,
      });
    },
  );
  const names = () =>
    harness.transport
      .all(CERTIFICATE_SIGNING_REQUEST)
      .map(({ metadata }) => metadata.name)
      .join(' ');
  await harness.clock.advance(3_599_000);
  assert.equal(names(), 'pending answered');
  await harness.clock.advance(2_000);
  assert.equal(names(), 'pending');
  await harness.clock.advance(86_400_000);
  assert.equal(names(), '');
});

const authority = CertificateAuthority.create('ca', { clock: new SystemClock(), random: new SystemRandom() });

/** What a kubelet asks for; `organization` and `usages` as given. */
function kubeletRequest(organization: string, usages: readonly KeyUsage[]) {
  const subject = { commonName: 'system:node:n1', organizations: [organization] };
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = pemEncode('CERTIFICATE REQUEST', createCertificateRequest(subject, keys));
  return {
    metadata: { name: 'csr' },
    spec: {
      request: Buffer.from(pem).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usages,
    },
    status: approved,
  };
}

for (const [organization, usages, outcome] of [
  ['system:nodes', ['digital signature', 'client auth'], 'signed'],
  ['system:masters', ['digital signature', 'client auth'], 'SignerValidationFailure'],
  ['system:nodes', ['server auth'], 'SignerValidationFailure'],
] as const) {
  test(`certificate requests: a kubelet of ${organization} that asks for ${usages.join()} is ${outcome}`, async () => {
    await using harness = await controllerHarness(
      (deps) => [new RequestSigningController(deps, (wanted) => signRequest(authority, wanted))],
      (transport) => transport.put(CERTIFICATE_SIGNING_REQUEST, kubeletRequest(organization, usages)),
    );
    await harness.clock.advance(100);
    const { certificate, conditions } =
      harness.transport.peek(CERTIFICATE_SIGNING_REQUEST, 'csr')?.status ?? {};
    const failure = conditions?.find(({ type }) => type === 'Failed')?.reason;
    assert.equal(failure ?? (certificate === undefined ? 'waiting' : 'signed'), outcome);
    if (certificate !== undefined) {
      assert.match(new X509Certificate(Buffer.from(certificate, 'base64')).subject, /CN=system:node:n1/);
    }
  });
}
