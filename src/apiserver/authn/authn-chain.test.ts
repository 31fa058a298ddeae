import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { StatusError } from '#api/status-error.ts';
import { SystemRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { CertificateAuthority, type IssueOptions } from '#base/x509/certificate-authority.ts';
import { AuthnChain } from './authn-chain.ts';
import { BearerTokenAuthenticator } from './bearer-token.ts';
import { CertificateVerifier, ClientCertificateAuthenticator } from './client-certificate.ts';
import { RequestHeaderAuthenticator } from './request-header.ts';
import { parseTokenFile, StaticTokens } from './static-tokens.ts';
import type { AuthnRequest } from './user.ts';

const DAY_MS = 24 * 3600 * 1000;
const clock = new VirtualClock();
const deps = { clock, random: new SystemRandom() };
const AUTHORITY = CertificateAuthority.create('kubernetes', deps);
const PROXY_AUTHORITY = CertificateAuthority.create('front-proxy-ca', deps);
const STRANGER = CertificateAuthority.create('kubernetes', deps);

function certificate(authority: CertificateAuthority, options: Partial<IssueOptions>): X509Certificate {
  const subject = { commonName: 'alice', organizations: ['devs', 'system:masters'] };
  return new X509Certificate(
    authority.issue({ subject, extendedKeyUsages: ['clientAuth'], ...options }).certificatePem,
  );
}

const CHAIN = new AuthnChain({
  authenticators: [
    new RequestHeaderAuthenticator({
      verifier: new CertificateVerifier(PROXY_AUTHORITY.certificatePem, clock),
      allowedNames: ['front-proxy-client'],
    }),
    new ClientCertificateAuthenticator(new CertificateVerifier(AUTHORITY.certificatePem, clock)),
    new BearerTokenAuthenticator(
      new StaticTokens(parseTokenFile('# users\nsecret,bob,7,"a, b"\nplain,carol,8\n')),
      ['api'],
    ),
  ],
  allowsAnonymous: true,
});

const PROXY = certificate(PROXY_AUTHORITY, {
  subject: { commonName: 'front-proxy-client', organizations: [] },
});
const ALICE = certificate(AUTHORITY, {});
const REMOTE = {
  'x-remote-user': 'dora',
  'x-remote-group': ['x', 'y'],
  'x-remote-extra-acme.com%2fproject': 'p1',
};

const cases: readonly { name: string; request: AuthnRequest; who: string }[] = [
  { name: 'nothing shown', request: { headers: {} }, who: 'system:anonymous [system:unauthenticated]' },
  {
    name: 'a good certificate',
    request: { headers: {}, peerCertificate: ALICE },
    who: 'alice [devs,system:masters,system:authenticated]',
  },
  {
    name: 'a certificate of another authority of the same name',
    request: { headers: {}, peerCertificate: certificate(STRANGER, {}) },
    who: '401',
  },
  {
    name: 'a certificate for servers',
    request: { headers: {}, peerCertificate: certificate(AUTHORITY, { extendedKeyUsages: ['serverAuth'] }) },
    who: '401',
  },
  {
    name: 'a known token',
    request: { headers: { authorization: 'Bearer secret' } },
    who: 'bob [a,b,system:authenticated]',
  },
  {
    name: 'a token without groups',
    request: { headers: { authorization: 'bearer plain' } },
    who: 'carol [system:authenticated]',
  },
  { name: 'an unknown token', request: { headers: { authorization: 'Bearer other' } }, who: '401' },
  {
    name: 'a bad certificate beside a good token',
    request: { headers: { authorization: 'Bearer secret' }, peerCertificate: certificate(STRANGER, {}) },
    who: 'bob [a,b,system:authenticated]',
  },
  {
    name: 'a token as a WebSocket protocol',
    request: {
      headers: {
        upgrade: 'websocket',
        'sec-websocket-protocol': `v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.${Buffer.from('secret').toString('base64url')}`,
      },
    },
    who: 'bob [a,b,system:authenticated]',
  },
  {
    name: 'a front proxy, the groups joined as Node joins them',
    request: {
      headers: { 'x-remote-user': 'dora', 'x-remote-group': 'x, y, with comma' },
      rawHeaders: ['X-Remote-User', 'dora', 'X-Remote-Group', 'x', 'x-remote-group', 'y, with comma'],
      peerCertificate: PROXY,
    },
    who: 'dora [x,y, with comma,system:authenticated]',
  },
  {
    name: 'a front proxy speaking for somebody',
    request: { headers: REMOTE, peerCertificate: PROXY },
    who: 'dora [x,y,system:authenticated] acme.com/project=p1',
  },
  {
    name: 'remote headers from somebody else',
    request: { headers: REMOTE, peerCertificate: ALICE },
    who: 'alice [devs,system:masters,system:authenticated]',
  },
  {
    name: 'remote headers from nobody',
    request: { headers: REMOTE },
    who: 'system:anonymous [system:unauthenticated]',
  },
];

for (const { name, request, who } of cases) {
  test(`authentication: ${name}`, async () => {
    assert.equal(await identify(request), who);
  });
}

async function identify(request: AuthnRequest): Promise<string> {
  try {
    const { name, groups, extra } = await CHAIN.authenticate(request);
    const fields = Object.entries(extra).filter(([key]) => !key.includes('credential-id'));
    return [
      `${name} [${groups.join(',')}]`,
      ...fields.map(([key, values]) => `${key}=${values.join(',')}`),
    ].join(' ');
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return String(error.code);
  }
}

test('authentication: a certificate is good from its start to its end, and one identity serves all its requests', async () => {
  const later = new VirtualClock(clock.nowMs());
  const authenticator = new ClientCertificateAuthenticator(
    new CertificateVerifier(AUTHORITY.certificatePem, later),
  );
  const request = { headers: {}, peerCertificate: ALICE };
  const first = await authenticator.authenticate(request);
  assert.equal(
    await authenticator.authenticate({ headers: {}, peerCertificate: new X509Certificate(ALICE.raw) }),
    first,
  );
  assert.match(
    first?.extra['authentication.kubernetes.io/credential-id']?.[0] ?? '',
    /^X509SHA256=[0-9a-f]{64}$/,
  );
  await later.advance(366 * DAY_MS);
  await assert.rejects(authenticator.authenticate(request), { code: 401 });
});

test('authentication: without anonymous access somebody must show who they are', async () => {
  const strict = new AuthnChain({ authenticators: [], allowsAnonymous: false });
  await assert.rejects(strict.authenticate({ headers: {} }), { code: 401, reason: 'Unauthorized' });
});
