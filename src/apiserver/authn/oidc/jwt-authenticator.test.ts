import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { SILENT_LOGGER } from '#base/log.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { TokenError } from '../bearer-token.ts';
import { configurationOfFlags, parseAuthenticationConfiguration } from './authentication-configuration.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { JwtAuthenticator } from './jwt-authenticator.ts';
import type { JwtConfiguration } from './jwt-configuration.ts';

const ISSUER = 'https://issuer.example.com';
const API = ['https://kubernetes.default.svc'];

interface Signer {
  readonly id: string;
  readonly algorithm: 'RS256' | 'ES256' | 'PS256';
  readonly privateKey: KeyObject;
  readonly jwk: object;
}

function signer(id: string, algorithm: Signer['algorithm']): Signer {
  const { privateKey, publicKey } =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: id, use: 'sig' };
  return { id, algorithm, privateKey, jwk };
}

const first = signer('first', 'RS256');
const second = signer('second', 'ES256');
const third = signer('third', 'PS256');

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenOf(by: Signer, claims: object): string {
  const signed = `${part({ alg: by.algorithm, kid: by.id })}.${part(claims)}`;
  const options = {
    key: by.privateKey,
    dsaEncoding: 'ieee-p1363' as const,
    ...(by.algorithm === 'PS256' ? { padding: 6, saltLength: 32 } : {}),
  };
  return `${signed}.${sign('sha256', Buffer.from(signed), options).toString('base64url')}`;
}

/** An issuer whose keys can be changed. */
class FakeIssuer {
  keys: readonly Signer[] = [first];
  isDown = false;
  readonly asked: string[] = [];

  readonly get = (url: string): Promise<string> => {
    this.asked.push(url);
    if (this.isDown) {
      return Promise.reject(new Error('connect refused'));
    }
    return Promise.resolve(
      url.endsWith('/keys')
        ? JSON.stringify({ keys: this.keys.map(({ jwk }) => jwk) })
        : JSON.stringify({ issuer: ISSUER, jwks_uri: `${ISSUER}/keys` }),
    );
  };
}

const FLAGS = configurationOfFlags({ issuerUrl: ISSUER, clientId: 'me', groupsClaim: 'groups' });

function structured(mappings: string, rules = ''): JwtConfiguration {
  const text = `apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: {url: ${ISSUER}, audiences: [me, you], audienceMatchPolicy: MatchAny}
  claimMappings: ${mappings}
${rules}`;
  const [jwt] = parseAuthenticationConfiguration(text, []).jwt;
  assert.ok(jwt !== undefined);
  return jwt;
}

async function start(configuration = FLAGS, issuer = new FakeIssuer()) {
  const clock = new VirtualClock();
  const keys = new IssuerKeys({ get: issuer.get, clock, log: SILENT_LOGGER }, ISSUER);
  const stop = new AbortController();
  if (!issuer.isDown) {
    await keys.run(stop.signal);
  }
  const tokens = new JwtAuthenticator({ keys, clock, apiAudiences: API }, configuration);
  return { clock, issuer, tokens, keys, stop };
}

const soon = Date.UTC(2026, 0, 1) / 1000 + 60;
const CLAIMS = { iss: ISSUER, aud: 'me', sub: 'ada', exp: soon, groups: ['a', 'b'] };

async function outcome(tokens: JwtAuthenticator, token: string): Promise<unknown> {
  try {
    return (await tokens.authenticateToken(token, API))?.user ?? 'not mine';
  } catch (error) {
    assert.ok(error instanceof TokenError, String(error));
    return error.message;
  }
}

const VERIFY = 'oidc: verify token: ';

const byFlags: readonly { name: string; claims?: object; by?: Signer; expected: unknown }[] = [
  {
    name: 'names are prefixed with the issuer',
    expected: { name: `${ISSUER}#ada`, groups: ['a', 'b'], extra: {} },
  },
  {
    name: 'one group may be a text, and the token has an id',
    claims: { groups: 'ops', jti: '7' },
    expected: {
      name: `${ISSUER}#ada`,
      groups: ['ops'],
      extra: { 'authentication.kubernetes.io/credential-id': ['JTI=7'] },
    },
  },
  { name: 'another issuer', claims: { iss: 'https://other' }, expected: 'not mine' },
  {
    name: 'another audience',
    claims: { aud: ['x', 'y'] },
    expected: `${VERIFY}oidc: expected audience "me" got ["x" "y"]`,
  },
  {
    name: 'expired',
    claims: { exp: soon - 120 },
    expected: `${VERIFY}oidc: token is expired (Token Expiry: 2025-12-31 23:59:00 +0000 UTC)`,
  },
  {
    name: 'not yet good',
    claims: { nbf: soon + 60, exp: soon + 120 },
    expected: `${VERIFY}oidc: current time 2026-01-01 00:00:00 +0000 UTC before the nbf (not before) time: 2026-01-01 00:02:00 +0000 UTC`,
  },
  {
    name: 'an algorithm that is not asked for',
    by: second,
    expected: `${VERIFY}oidc: id token signed with unsupported algorithm, expected ["RS256"] got "ES256"`,
  },
  {
    name: 'a key of somebody else',
    by: { ...signer('first', 'RS256') },
    expected: `${VERIFY}failed to verify signature: failed to verify id token signature`,
  },
  {
    name: 'no name',
    claims: { sub: undefined },
    expected: 'oidc: parse username claims "sub": claim not present',
  },
];

for (const { name, claims, by = first, expected } of byFlags) {
  test(`tokens of an issuer: ${name}`, async () => {
    const { tokens } = await start();
    assert.deepEqual(await outcome(tokens, tokenOf(by, { ...CLAIMS, ...claims })), expected);
  });
}

test('tokens of an issuer: for another audience than this API server they say nothing', async () => {
  const { tokens } = await start();
  assert.equal(tokens.authenticateToken(tokenOf(first, CLAIMS), ['vault']), undefined);
});

test('tokens of an issuer: a new key is found when its first token comes', async () => {
  const { tokens, issuer, clock } = await start(structured('{username: {claim: sub, prefix: ""}}'));
  const ada = { name: 'ada', groups: [], extra: {} };
  assert.deepEqual(await outcome(tokens, tokenOf(first, CLAIMS)), ada);
  issuer.keys = [second, third];
  await clock.advance(1000);
  assert.deepEqual(await outcome(tokens, tokenOf(second, CLAIMS)), ada);
  assert.deepEqual(await outcome(tokens, tokenOf(third, CLAIMS)), ada);
  const asked = issuer.asked.length;
  assert.match(String(await outcome(tokens, tokenOf(first, CLAIMS))), /failed to verify id token signature$/);
  assert.equal(issuer.asked.length, asked, 'unknown keys do not make the issuer be asked again at once');
});

test('tokens of an issuer: until its configuration was read, they are refused', async () => {
  const issuer = new FakeIssuer();
  issuer.isDown = true;
  const { tokens, keys, clock, stop } = await start(FLAGS, issuer);
  const running = keys.run(stop.signal);
  assert.equal(await outcome(tokens, tokenOf(first, CLAIMS)), 'oidc: authenticator not initialized');
  issuer.isDown = false;
  await clock.advance(10_000);
  await running;
  assert.deepEqual(await outcome(tokens, tokenOf(first, CLAIMS)), {
    name: `${ISSUER}#ada`,
    groups: ['a', 'b'],
    extra: {},
  });
});

const byConfiguration: readonly {
  name: string;
  mappings: string;
  rules?: string;
  claims?: object;
  expected: unknown;
}[] = [
  {
    name: 'expressions make all parts',
    mappings: `{username: {expression: "'oidc:' + claims.sub"}, groups: {expression: "claims.roles.split(',')"}, uid: {expression: claims.id}, extra: [{key: example.com/tenant, valueExpression: claims.tenant}]}`,
    claims: { roles: 'ops,dev', id: 'u1', tenant: 'blue' },
    expected: {
      name: 'oidc:ada',
      groups: ['ops', 'dev'],
      uid: 'u1',
      extra: { 'example.com/tenant': ['blue'] },
    },
  },
  {
    name: 'an empty name',
    mappings: '{username: {expression: "\'\'"}}',
    expected: 'oidc: empty username via CEL expression is not allowed',
  },
  {
    name: 'a required claim with another value',
    mappings: '{username: {claim: sub, prefix: ""}}',
    rules: '  claimValidationRules: [{claim: hd, requiredValue: example.com}]',
    claims: { hd: 'example.org' },
    expected: 'oidc: required claim hd value does not match. Got = example.org, want = example.com',
  },
  {
    name: 'a rule about claims',
    mappings: '{username: {claim: sub, prefix: ""}}',
    rules: '  claimValidationRules: [{expression: "claims.level > 2", message: too low}]',
    claims: { level: 1 },
    expected:
      "oidc: error evaluating claim validation expression: validation expression 'claims.level > 2' failed: too low",
  },
  {
    name: 'a rule about the user',
    mappings: '{username: {claim: sub, prefix: "system:"}}',
    rules: `  userValidationRules: [{expression: "!user.username.startsWith('system:')", message: reserved}]`,
    expected:
      "oidc: error evaluating user info validation rule: validation expression '!user.username.startsWith('system:')' failed: reserved",
  },
  {
    name: 'an address that is not verified',
    mappings: '{username: {claim: email, prefix: ""}}',
    claims: { email: 'ada@example.com', email_verified: false },
    expected: 'oidc: email not verified',
  },
  {
    name: 'one of several audiences',
    mappings: '{username: {claim: sub, prefix: ""}}',
    claims: { aud: ['you', 'x'] },
    expected: { name: 'ada', groups: [], extra: {} },
  },
];

for (const { name, mappings, rules, claims, expected } of byConfiguration) {
  test(`authentication configuration: ${name}`, async () => {
    const { tokens } = await start(structured(mappings, rules));
    assert.deepEqual(await outcome(tokens, tokenOf(first, { ...CLAIMS, ...claims })), expected);
  });
}

test('authentication configuration: everything that is wrong is named', () => {
  const text = `apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
anonymous: {enabled: false, conditions: [{path: /livez}]}
jwt:
- issuer: {url: "http://issuer?x", audiences: [a, a]}
  claimValidationRules: [{claim: a, expression: b}, {expression: "1 + 1"}]
  claimMappings:
    username: {expression: claims.email}
    groups: {claim: groups}
    extra: [{key: foo, valueExpression: "claims.x"}, {key: kubernetes.io/x, valueExpression: ""}]
  userValidationRules: [{expression: user.nobody}]
- issuer: {url: https://own, audiences: [a]}
  claimMappings: {}
`;
  assert.throws(
    () => parseAuthenticationConfiguration(text, ['https://own']),
    ({ message }: Error) => {
      for (const problem of [
        'jwt[0].issuer.url: Invalid value: "http://issuer?x": URL scheme must be https',
        'jwt[0].issuer.audiences[1]: Duplicate value: "a"',
        'jwt[0].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences',
        `jwt[0].claimValidationRules[0]: Invalid value: "a": claim and expression can't both be set`,
        'jwt[0].claimValidationRules[1].expression: Invalid value: "1 + 1": must evaluate to bool',
        'jwt[0].claimMappings.groups.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing',
        'jwt[0].claimMappings.extra[0].key: Invalid value: "foo": must be a domain-prefixed path (such as "acme.io/foo")',
        'jwt[0].claimMappings.extra[1].key: Invalid value: "kubernetes.io/x": k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use',
        'jwt[0].claimMappings.extra[1].valueExpression: Required value',
        'jwt[0].userValidationRules[0].expression: Invalid value: "user.nobody": compilation failed',
        'jwt[0].claimMappings.username.expression: Invalid value: "claims.email": claims.email_verified must be used',
        'jwt[1].issuer.url: Invalid value: "https://own": URL must not overlap with disallowed issuers: [https://own]',
        'jwt[1].claimMappings.username: Required value: claim or expression is required',
        'anonymous.conditions: Invalid value: [{"path":"/livez"}]: enabled should be set to true when conditions are defined',
      ]) {
        assert.ok(message.includes(problem), `${problem}\nin ${message}`);
      }
      return true;
    },
  );
});
