import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { createCertificateRequest, parseCertificateRequest } from './certificate-request.ts';
import { createCertificate, subjectOf, type Issuer } from './certificate.ts';
import { decode, decodeOid, DerError, oid } from './der.ts';
import { encodeName } from './distinguished-name.ts';
import { pemDecode, pemEncode } from './pem.ts';

const START_MS = Date.UTC(2026, 0, 1);
const YEAR_MS = 365 * 24 * 3600 * 1000;

function spki(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'spki' });
}

function aRoot(kind: 'ec' | 'rsa' | 'ed25519'): { der: Uint8Array; issuer: Issuer } {
  const keys =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : kind === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ed25519');
  const subject = { commonName: 'root', organizations: [] };
  const issuer: Issuer = {
    name: encodeName(subject),
    publicKey: spki(keys.publicKey),
    privateKey: keys.privateKey,
  };
  const der = createCertificate(
    {
      subject,
      serialNumber: Uint8Array.of(0x80, 1),
      notBeforeMs: START_MS,
      notAfterMs: START_MS + 30 * YEAR_MS,
      isCa: true,
      keyUsages: ['digitalSignature', 'keyEncipherment', 'keyCertSign'],
      publicKey: issuer.publicKey,
    },
    issuer,
  );
  return { der, issuer };
}

for (const kind of ['ec', 'rsa', 'ed25519'] as const) {
  test(`certificate: a ${kind} root signs a leaf that another implementation reads and verifies`, () => {
    const { der, issuer } = aRoot(kind);
    const root = new X509Certificate(der);
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const leaf = new X509Certificate(
      createCertificate(
        {
          subject: { commonName: 'zoë', organizations: ['system:masters', 'b'] },
          serialNumber: Uint8Array.of(7),
          notBeforeMs: START_MS,
          notAfterMs: START_MS + YEAR_MS,
          keyUsages: ['digitalSignature', 'keyEncipherment'],
          extendedKeyUsages: ['serverAuth', 'clientAuth'],
          altNames: {
            dnsNames: ['localhost', 'kubernetes.default.svc'],
            ipAddresses: ['127.0.0.1', 'fd00::1'],
          },
          publicKey: spki(keys.publicKey),
        },
        { ...issuer, name: subjectOf(der) },
      ),
    );
    assert.equal(leaf.checkIssued(root) && leaf.verify(root.publicKey) && root.verify(root.publicKey), true);
    assert.deepEqual(
      {
        isCa: [root.ca, leaf.ca],
        subject: { ...leaf.toLegacyObject().subject },
        names: leaf.subjectAltName,
        until: leaf.validToDate.toISOString(),
        rootUntil: root.validToDate.toISOString(),
        serials: [root.serialNumber, leaf.serialNumber],
        usages: leaf.keyUsage,
      },
      {
        isCa: [true, false],
        subject: { O: ['b', 'system:masters'], CN: 'zoë' },
        names:
          'DNS:localhost, DNS:kubernetes.default.svc, IP Address:127.0.0.1, IP Address:FD00:0:0:0:0:0:0:1',
        until: '2027-01-01T00:00:00.000Z',
        rootUntil: '2055-12-25T00:00:00.000Z',
        serials: ['8001', '07'],
        usages: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
      },
    );
  });
}

test('certificate request: what was asked for is read back', () => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = { commonName: 'system:node:n1', organizations: ['system:nodes'] };
  const der = createCertificateRequest(subject, keys, { dnsNames: ['n1'], ipAddresses: ['10.0.0.1', '::1'] });
  const { publicKey, ...rest } = parseCertificateRequest(pemEncode('CERTIFICATE REQUEST', der));
  assert.deepEqual(rest, {
    subject,
    altNames: { dnsNames: ['n1'], ipAddresses: ['10.0.0.1', '::1'], emailAddresses: [], uris: [] },
  });
  assert.deepEqual(Buffer.from(publicKey), spki(keys.publicKey));
});

test('certificate request: a changed or foreign one is refused', () => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = createCertificateRequest({ commonName: 'mallory', organizations: [] }, keys);
  const at = Buffer.from(der).indexOf('mallory');
  der.set([0x41], at);
  assert.throws(() => parseCertificateRequest(pemEncode('CERTIFICATE REQUEST', der)), DerError);
  assert.throws(() => parseCertificateRequest(pemEncode('CERTIFICATE', der)), /PEM block type/);
  assert.throws(() => parseCertificateRequest('nonsense'), DerError);
  assert.throws(
    () => parseCertificateRequest(pemEncode('CERTIFICATE REQUEST', der.subarray(0, 40))),
    DerError,
  );
});

test('der: object identifiers survive a round trip', () => {
  for (const dotted of ['2.5.4.3', '1.2.840.113549.1.9.14', '2.999.1', '0.39']) {
    assert.equal(decodeOid(decode(oid(dotted))), dotted);
  }
});

test('pem: blocks are found between other text', () => {
  const text = `junk\n${pemEncode('A', Uint8Array.of(1, 2))}middle\n${pemEncode('B KEY', new Uint8Array(100))}`;
  assert.deepEqual(
    pemDecode(text).map(({ label, der }) => [label, der.length]),
    [
      ['A', 2],
      ['B KEY', 100],
    ],
  );
  assert.throws(() => createPrivateKey(text));
});
