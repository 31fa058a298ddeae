import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { SystemRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { createCertificateRequest } from '#base/x509/certificate-request.ts';
import { pemEncode } from '#base/x509/pem.ts';
import { ensurePki, PkiError, type PkiOptions } from './cluster-pki.ts';
import { ensureKubeconfig } from './kubeconfig-file.ts';
import { signRequest } from './request-signer.ts';

const DAY_MS = 24 * 3600 * 1000;

function optionsIn(t: TestContext, clock = new VirtualClock()): PkiOptions {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-pki-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return {
    directory,
    clock,
    random: new SystemRandom(),
    serverNames: {
      dnsNames: ['localhost', 'kubernetes.default.svc.cluster.local'],
      ipAddresses: ['127.0.0.1'],
    },
  };
}

test('cluster pki: the first start makes what kubeadm makes, with keys for the owner only', (t) => {
  const options = optionsIn(t);
  const pki = ensurePki(options);
  const folder = join(options.directory, 'pki');
  assert.deepEqual(
    readdirSync(folder).map((name) => `${name} ${(statSync(join(folder, name)).mode & 0o777).toString(8)}`),
    [
      'apiserver-kubelet-client.crt 644',
      'apiserver-kubelet-client.key 600',
      'apiserver.crt 644',
      'apiserver.key 600',
      'ca.crt 644',
      'ca.key 600',
      'front-proxy-ca.crt 644',
      'front-proxy-ca.key 600',
      'front-proxy-client.crt 644',
      'front-proxy-client.key 600',
      'sa.key 600',
      'sa.pub 600',
    ],
  );
  const server = new X509Certificate(pki.apiserver.certificatePem);
  assert.equal(server.verify(pki.authority.certificate.publicKey), true);
  assert.equal(server.checkHost('localhost'), 'localhost');
});

test('cluster pki: a later start finds everything as it was', (t) => {
  const options = optionsIn(t);
  const first = ensurePki(options);
  const second = ensurePki(options);
  assert.deepEqual(
    [second.apiserver, second.apiserverKubeletClient, second.frontProxyClient, second.serviceAccountKeys],
    [first.apiserver, first.apiserverKubeletClient, first.frontProxyClient, first.serviceAccountKeys],
  );
  assert.equal(second.authority.keyPem, first.authority.keyPem);
});

test('cluster pki: a new server name and a near end each bring a new certificate under the same authority', async (t) => {
  const clock = new VirtualClock();
  const options = optionsIn(t, clock);
  const first = ensurePki(options);
  const renamed = ensurePki({
    ...options,
    serverNames: { dnsNames: ['localhost'], ipAddresses: ['10.1.2.3'] },
  });
  assert.notEqual(renamed.apiserver.certificatePem, first.apiserver.certificatePem);
  assert.equal(renamed.frontProxyClient.certificatePem, first.frontProxyClient.certificatePem);
  await clock.advance(340 * DAY_MS);
  const renewed = ensurePki(options);
  assert.notEqual(renewed.frontProxyClient.certificatePem, first.frontProxyClient.certificatePem);
  assert.equal(renewed.authority.certificatePem, first.authority.certificatePem);
});

test('cluster pki: an authority without its key is an error, not a new authority', (t) => {
  const options = optionsIn(t);
  ensurePki(options);
  rmSync(join(options.directory, 'pki', 'ca.key'));
  assert.throws(() => ensurePki(options), PkiError);
});

test('kubeconfig: kept while it is good, made anew when the server moves', (t) => {
  const options = optionsIn(t);
  const { authority } = ensurePki(options);
  const path = join(options.directory, 'admin.conf');
  const wanted = {
    ...options,
    path,
    clusterName: 'coracle',
    server: 'https://127.0.0.1:6443',
    userName: 'kubernetes-admin',
    authority,
    subject: { commonName: 'kubernetes-admin', organizations: ['system:masters'] },
  };
  const first = ensureKubeconfig(wanted);
  const text = readFileSync(path, 'utf8');
  assert.match(text, /current-context: kubernetes-admin@coracle/);
  assert.deepEqual(ensureKubeconfig(wanted), first);
  assert.equal(readFileSync(path, 'utf8'), text);
  assert.notDeepEqual(ensureKubeconfig({ ...wanted, server: 'https://127.0.0.1:7443' }), first);
  assert.match(readFileSync(path, 'utf8'), /7443/);
});

test('request signer: subject, names and usages go into the certificate, for no longer than asked', (t) => {
  const clock = new VirtualClock();
  const { authority } = ensurePki(optionsIn(t, clock));
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = createCertificateRequest(
    { commonName: 'system:node:n1', organizations: ['system:nodes'] },
    keys,
    {
      dnsNames: ['n1'],
      ipAddresses: [],
    },
  );
  const request = pemEncode('CERTIFICATE REQUEST', der);
  const usages = ['digital signature', 'server auth'];
  const signed = new X509Certificate(signRequest(authority, { request, usages, expirationSeconds: 3600 }));
  assert.deepEqual(
    {
      subject: signed.subject,
      names: signed.subjectAltName,
      usages: signed.keyUsage,
      leftMs: signed.validToDate.getTime() - clock.nowMs(),
      isOurs: signed.verify(authority.certificate.publicKey),
    },
    {
      subject: 'O=system:nodes\nCN=system:node:n1',
      names: 'DNS:n1',
      usages: ['1.3.6.1.5.5.7.3.1'],
      leftMs: 3_600_000,
      isOurs: true,
    },
  );
});
