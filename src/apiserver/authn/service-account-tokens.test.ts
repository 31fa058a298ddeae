import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { StatusError } from '#api/status-error.ts';
import type { ServiceAccount } from '#api/types/core.v1.ts';
import { NODE, POD, SECRET, SERVICE_ACCOUNT } from '#api/types/resources.ts';
import { defined } from '#base/assert.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { ObjectsInMemory } from '../object-reader.fixture.ts';
import { TokenError } from './bearer-token.ts';
import { BootstrapTokens } from './bootstrap-tokens.ts';
import { signingKey, signToken, unverifiedClaims, verificationKey } from './json-web-token.ts';
import { jsonWebKeySet, openIdConfiguration } from './oidc-discovery.ts';
import { ServiceAccountTokens } from './service-account-tokens.ts';
import { TokenIssuer } from './token-issuer.ts';
import { reviewToken } from './token-review.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const HOUR_MS = 3600 * 1000;

function privateKeyPem(kind: 'ec' | 'rsa'): string {
  const { privateKey } =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ format: 'pem', type: 'pkcs8' });
}

const EC_PEM = privateKeyPem('ec');

function setUp(pem = EC_PEM) {
  const clock = new VirtualClock();
  const objects = new ObjectsInMemory();
  objects.put(
    { kind: 'ServiceAccount', metadata: { name: 'default' } },
    { kind: 'Node', metadata: { name: 'n1' } },
    {
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { serviceAccountName: 'default', nodeName: 'n1' },
    } as object,
    { kind: 'Pod', metadata: { name: 'other' }, spec: { serviceAccountName: 'builder' } } as object,
    { kind: 'Secret', metadata: { name: 's' } },
  );
  const key = signingKey(pem);
  const issuer = new TokenIssuer({
    key,
    issuer: ISSUER,
    audiences: [ISSUER],
    reader: objects,
    clock,
    random: new SeededRandom(1),
  });
  const tokens = new ServiceAccountTokens({
    keys: [verificationKey(pem)],
    issuers: [ISSUER],
    reader: objects,
    clock,
  });
  const request = (spec: object) =>
    issuer.createToken('default', 'default', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec,
    });
  const verdict = (token: string, audiences: readonly string[] = [ISSUER]): string => {
    try {
      return tokens.authenticateToken(token, audiences)?.user.name ?? 'not mine';
    } catch (error) {
      assert.ok(error instanceof TokenError, String(error));
      return error.message;
    }
  };
  return { clock, objects, key, issuer, tokens, request, verdict };
}

for (const kind of ['ec', 'rsa'] as const) {
  test(`service account tokens: one signed with an ${kind} key names its account, pod and node`, () => {
    const { request, tokens } = setUp(privateKeyPem(kind));
    const { status, spec } = request({
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-p' },
    });
    assert.deepEqual(tokens.authenticateToken(status.token, [ISSUER, 'x']), {
      audiences: [ISSUER],
      user: {
        name: 'system:serviceaccount:default:default',
        uid: 'uid-default',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default'],
        extra: {
          'authentication.kubernetes.io/credential-id': [
            `JTI=${String(unverifiedClaims(status.token)?.['jti'])}`,
          ],
          'authentication.kubernetes.io/pod-name': ['p'],
          'authentication.kubernetes.io/pod-uid': ['uid-p'],
          'authentication.kubernetes.io/node-name': ['n1'],
          'authentication.kubernetes.io/node-uid': ['uid-n1'],
        },
      },
    });
    assert.deepEqual([spec.expirationSeconds, status.expirationTimestamp], [3600, '2026-01-01T01:00:00Z']);
  });
}

test('service account tokens: the end holds, give or take a minute', async () => {
  const { request, verdict, clock } = setUp();
  const { token } = request({ expirationSeconds: 600 }).status;
  await clock.advance(640_000);
  assert.equal(verdict(token), 'system:serviceaccount:default:default');
  await clock.advance(30_000);
  assert.equal(verdict(token), 'service account token has expired');
});

test('service account tokens: those injected into pods outlive the hour they ask for, and say so', async () => {
  const { request, verdict, clock } = setUp();
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'p' };
  const { status } = request({ expirationSeconds: 3607, boundObjectRef });
  assert.equal(status.expirationTimestamp, '2026-01-01T01:00:07Z');
  await clock.advance(48 * HOUR_MS);
  assert.equal(verdict(status.token), 'system:serviceaccount:default:default');
  const scope = unverifiedClaims(status.token)?.['kubernetes.io'] as { readonly warnafter: number };
  assert.equal(scope.warnafter, Date.UTC(2026, 0, 1, 1, 0, 7) / 1000);
});

type Setting = ReturnType<typeof setUp>;

const ends: readonly {
  name: string;
  kind: string;
  object: string;
  end: (setting: Setting) => void;
  verdict: string;
}[] = [
  {
    name: 'the pod is gone',
    kind: 'Pod',
    object: 'p',
    end: ({ objects }) => objects.remove(POD, 'default', 'p'),
    verdict: 'service account token has been invalidated',
  },
  {
    name: 'another pod has the name',
    kind: 'Pod',
    object: 'p',
    end: ({ objects }) => objects.put({ kind: 'Pod', metadata: { name: 'p', uid: 'new' } }),
    verdict: 'pod UID (new) does not match service account pod ref claim (uid-p)',
  },
  {
    name: 'the secret is gone',
    kind: 'Secret',
    object: 's',
    end: ({ objects }) => objects.remove(SECRET, 'default', 's'),
    verdict: 'service account token has been invalidated',
  },
  {
    name: 'the node is gone',
    kind: 'Node',
    object: 'n1',
    end: ({ objects }) => objects.remove(NODE, '', 'n1'),
    verdict: 'service account token has been invalidated',
  },
  {
    name: 'the node of its pod is gone',
    kind: 'Pod',
    object: 'p',
    end: ({ objects }) => objects.remove(NODE, '', 'n1'),
    verdict: 'system:serviceaccount:default:default',
  },
  {
    name: 'the account is gone',
    kind: 'Secret',
    object: 's',
    end: ({ objects }) => objects.remove(SERVICE_ACCOUNT, 'default', 'default'),
    verdict: 'service account token has been invalidated',
  },
  {
    name: 'another account has the name',
    kind: 'Secret',
    object: 's',
    end: ({ objects }) => objects.put({ kind: 'ServiceAccount', metadata: { name: 'default', uid: 'new' } }),
    verdict: 'service account UID (new) does not match claim (uid-default)',
  },
  {
    name: 'the pod has been going for two minutes',
    kind: 'Pod',
    object: 'p',
    end: ({ objects }) =>
      objects.put({ kind: 'Pod', metadata: { name: 'p', deletionTimestamp: '2025-12-31T23:58:00Z' } }),
    verdict: 'service account token has been invalidated',
  },
  {
    name: 'the pod is just going',
    kind: 'Pod',
    object: 'p',
    end: ({ objects }) =>
      objects.put({ kind: 'Pod', metadata: { name: 'p', deletionTimestamp: '2025-12-31T23:59:30Z' } }),
    verdict: 'system:serviceaccount:default:default',
  },
];

for (const { name, kind, object, end, verdict } of ends) {
  test(`service account tokens: ${name}`, () => {
    const setting = setUp();
    const { token } = setting.request({ boundObjectRef: { apiVersion: 'v1', kind, name: object } }).status;
    assert.equal(setting.verdict(token), 'system:serviceaccount:default:default');
    end(setting);
    assert.equal(setting.verdict(token), verdict);
  });
}

test('service account tokens: foreign, forged and misdirected ones', () => {
  const { request, verdict, key } = setUp();
  const { token } = request({ audiences: ['vault'] }).status;
  const claims = unverifiedClaims(token) ?? {};
  const forged = signToken(signingKey(privateKeyPem('ec')), claims);
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1] ?? ''}.`;
  assert.deepEqual(
    [
      verdict(token, ['vault']),
      verdict(token),
      verdict(forged, ['vault']),
      verdict(unsigned, ['vault']),
      verdict(signToken(key, { ...claims, iss: 'https://elsewhere' })),
      verdict(signToken(key, { ...claims, sub: 'system:admin' }), ['vault']),
      verdict('not.a.token'),
      verdict('abcdef'),
    ],
    [
      'system:serviceaccount:default:default',
      `token audiences ["vault"] is invalid for the target audiences ["${ISSUER}"]`,
      'invalid bearer token',
      'invalid bearer token',
      'not mine',
      'invalid bearer token',
      'not mine',
      'not mine',
    ],
  );
});

test('service account tokens: one kept in a Secret is good as long as the Secret holds it', () => {
  const { issuer, objects, verdict } = setUp();
  const account = defined(
    objects.get(SERVICE_ACCOUNT, 'default', 'default'),
    'account',
  ) satisfies ServiceAccount;
  const token = issuer.createLegacyToken(account, 'legacy');
  assert.equal(verdict(token), 'service account token has been invalidated');
  const data = { token: Buffer.from(token).toString('base64') };
  objects.put({ kind: 'Secret', metadata: { name: 'legacy' }, data } as object);
  assert.equal(verdict(token), 'system:serviceaccount:default:default');
  objects.put({ kind: 'Secret', metadata: { name: 'legacy' }, data: { token: 'eA==' } } as object);
  assert.equal(verdict(token), "token does not match server's copy");
});

const refusals: readonly { name: string; spec: object; error: string }[] = [
  {
    name: 'too short a life',
    spec: { expirationSeconds: 10 },
    error:
      '422 TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes',
  },
  {
    name: 'a pod of another account',
    spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'other' } },
    error:
      '400 cannot bind token for serviceaccount "default" to pod running with different serviceaccount name.',
  },
  {
    name: 'a missing pod',
    spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'none' } },
    error: '404 pods "none" not found',
  },
  {
    name: 'another kind',
    spec: { boundObjectRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } },
    error: '400 cannot bind token to object of type apps/v1, Kind=Deployment',
  },
  {
    name: 'another UID',
    spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'x' } },
    error:
      '409 Operation cannot be fulfilled on Pod "p": the UID in the bound object reference (x) does not match the UID in record. The object might have been deleted and then recreated',
  },
];

for (const { name, spec, error } of refusals) {
  test(`token request: refused for ${name}`, () => {
    const { request } = setUp();
    assert.throws(
      () => request(spec),
      (thrown) => {
        assert.ok(thrown instanceof StatusError);
        assert.equal(`${thrown.code} ${thrown.message}`, error);
        return true;
      },
    );
  });
}

test('token review: says whose a token is, or why it is no good', async () => {
  const { request, tokens } = setUp();
  const { token } = request({}).status;
  const review = async (text: string, audiences?: readonly string[]) => {
    const { status } = await reviewToken(
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        metadata: { name: '', uid: '', resourceVersion: '', creationTimestamp: '' },
        spec: { token: text, ...(audiences && { audiences }) },
        status: { user: {} },
      },
      tokens,
      [ISSUER],
    );
    return status;
  };
  const good = await review(token);
  assert.deepEqual(
    [good.authenticated, good.user.username, good.user.groups?.at(-1), good.audiences],
    [true, 'system:serviceaccount:default:default', 'system:authenticated', [ISSUER]],
  );
  assert.deepEqual(await review('nonsense'), { user: {}, error: 'invalid bearer token' });
  assert.match((await review(token, ['vault'])).error ?? '', /^\[invalid bearer token, token audiences/);
  await assert.rejects(review(''), { code: 400 });
});

test('bootstrap tokens: good ones name the bootstrapper, others are refused', () => {
  const { objects, clock } = setUp();
  const tokens = new BootstrapTokens(objects, clock);
  const put = (changes: Readonly<Record<string, string>>): void => {
    const values = {
      'token-id': 'abcdef',
      'token-secret': '0123456789abcdef',
      'usage-bootstrap-authentication': 'true',
      'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
      ...changes,
    };
    const data = Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    );
    const metadata = { name: 'bootstrap-token-abcdef', namespace: 'kube-system' };
    objects.put({ kind: 'Secret', metadata, type: 'bootstrap.kubernetes.io/token', data } as object);
  };
  const token = 'abcdef.0123456789abcdef';
  assert.equal(tokens.authenticateToken(token), undefined);
  put({});
  assert.deepEqual(tokens.authenticateToken(token)?.user, {
    name: 'system:bootstrap:abcdef',
    groups: ['system:bootstrappers', 'system:bootstrappers:kubeadm:default-node-token'],
    extra: {},
  });
  assert.throws(() => tokens.authenticateToken('abcdef.fedcba9876543210'), TokenError);
  for (const changes of [
    { expiration: '2025-12-31T23:00:00Z' },
    { expiration: 'soon' },
    { 'usage-bootstrap-authentication': 'false' },
    { 'auth-extra-groups': 'system:masters' },
  ]) {
    put(changes);
    assert.throws(() => tokens.authenticateToken(token), TokenError);
  }
});

test('oidc discovery: the documents hold what a verifier needs and nothing private', () => {
  const { key } = setUp();
  assert.deepEqual(openIdConfiguration(ISSUER, `${ISSUER}/openid/v1/jwks`, [key]), {
    issuer: ISSUER,
    jwks_uri: `${ISSUER}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  });
  const { keys } = jsonWebKeySet([key]) as { readonly keys: readonly object[] };
  assert.deepEqual(Object.keys(keys[0] ?? {}).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
});
