import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { SubjectAccessReview } from '#api/types/authorization.v1.ts';
import type { TokenReview } from '#api/types/authentication.v1.ts';
import { SystemClock } from '#base/clock.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { createServingPair } from '#base/x509/serving-pair.fixture.ts';
import { ExternalIdentity, type IdentityChoice } from './external-identity.ts';
import { startInProcessCluster } from './in-process-cluster.ts';
import { SERVICE_ACCOUNT_ISSUER } from './security.ts';

const { authority, tls: serving, caBundle } = createServingPair();

/** An issuer of tokens, and a judge of tokens and requests, in one. */
interface Outside extends AsyncDisposable {
  readonly url: string;
  readonly kubeconfig: string;
  readonly asked: object[];
  readonly token: (claims: object) => string;
  isBroken: boolean;
}

type Review = Partial<TokenReview> & Partial<SubjectAccessReview>;

function judge(path: string, review: Review): object {
  if (path === '/tokens') {
    const isGood = review.spec?.token === 'good';
    return isGood
      ? { authenticated: true, user: { username: 'ada', groups: ['ops'] } }
      : { error: 'unheard of' };
  }
  const { user, resourceAttributes: { verb } = {} } = review.spec ?? {};
  return verb === 'delete'
    ? { allowed: false, denied: true, reason: 'nobody deletes' }
    : { allowed: user === 'ada', reason: `${user} asked` };
}

async function startOutside(): Promise<Outside> {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = createServer(serving, (request, response) => {
    void (async () => {
      const path = request.url ?? '';
      if (outside.isBroken) {
        response.writeHead(400).end('broken');
      } else if (path === '/.well-known/openid-configuration') {
        response.end(JSON.stringify({ issuer: outside.url, jwks_uri: `${outside.url}/keys` }));
      } else if (path === '/keys') {
        response.end(JSON.stringify({ keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: 'k' }] }));
      } else {
        const review = (await json(request)) as Review;
        outside.asked.push(review);
        response.end(JSON.stringify({ ...review, status: judge(path, review) }));
      }
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const directory = mkdtempSync(join(tmpdir(), 'identity-'));
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const outside: Outside = {
    url,
    kubeconfig: join(directory, 'judge.yaml'),
    asked: [],
    isBroken: false,
    token(claims) {
      const exp = Date.UTC(2026, 0, 1) / 1000 + 3600;
      const signed = `${part({ alg: 'ES256', kid: 'k' })}.${part({ iss: url, aud: 'me', exp, ...claims })}`;
      const key = { key: keys.privateKey, dsaEncoding: 'ieee-p1363' as const };
      return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
    },
    async [Symbol.asyncDispose]() {
      rmSync(directory, { recursive: true });
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return outside;
}

function judgeAt({ kubeconfig, url }: Outside, path: string): string {
  writeFileSync(
    kubeconfig,
    `clusters: [{name: c, cluster: {server: "${url}${path}", certificate-authority-data: ${caBundle}}}]
users: [{name: u, user: {token: secret}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`,
  );
  return kubeconfig;
}

interface Started extends AsyncDisposable {
  readonly identity: ExternalIdentity;
  readonly show: (path: string) => Promise<{ contentType: string; cacheControl: string; body: string }>;
  readonly ask: (path: string, token?: string, method?: string, body?: object) => Promise<string>;
}

async function start(choice: IdentityChoice): Promise<Started> {
  await using stack = new AsyncDisposableStack();
  const clock = new SystemClock();
  const audiences = [SERVICE_ACCOUNT_ISSUER];
  const identity = stack.use(
    new ExternalIdentity(choice, { clock, log: SILENT_LOGGER, audiences, issuers: audiences }),
  );
  const { tokenKinds, authorization, anonymous } = identity;
  const cluster = stack.use(
    await startInProcessCluster({
      identity: {
        tokenKinds,
        ...(authorization === undefined ? {} : { authorization }),
        onAuthorizationChange: (replace) => identity.onAuthorizationChange(replace),
        ...(anonymous?.paths === undefined ? {} : { anonymousPaths: anonymous.paths }),
      },
    }),
  );
  const host = '127.0.0.1';
  const clientCa = authority.certificatePem;
  const port = await cluster.plane.server.listen({ ...serving, clientCa, host, port: 0, advertise: host });
  const owned = stack.move();
  return {
    identity,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
    async show(path) {
      const request = httpsRequest({ host, port, path, rejectUnauthorized: false });
      request.end();
      const [response] = await once(request, 'response');
      const { 'content-type': contentType = '', 'cache-control': cacheControl = '' } = response.headers;
      return { contentType, cacheControl, body: await text(response) };
    },
    async ask(path, token, method = 'GET', body) {
      const headers = {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      };
      const request = httpsRequest({ host, port, path, method, headers, rejectUnauthorized: false });
      request.end(body === undefined ? undefined : JSON.stringify(body));
      const [response] = await once(request, 'response');
      const answer = await text(response);
      return `${response.statusCode} ${answer.startsWith('{') ? (JSON.parse(answer).message ?? 'object') : answer}`;
    },
  };
}

const MAPS = '/api/v1/namespaces/default/configmaps';
const mayNot = (user: string, verb = 'list'): string =>
  `403 configmaps is forbidden: User "${user}" cannot ${verb} resource "configmaps" in API group "" in the namespace "default"`;

function configurationOf({ url }: Outside, more = ''): string {
  const pem = authority.certificatePem.replaceAll('\n', '\n        ');
  return `apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
${more}
jwt:
- issuer:
    url: ${url}
    audiences: [me]
    certificateAuthority: |
        ${pem}
  claimMappings:
    username: {expression: "claims.sub"}
    groups: {claim: groups, prefix: ""}
`;
}

test('external identity: an issuer of the configuration file vouches for its tokens', async () => {
  await using outside = await startOutside();
  // The tokens of this test are for the virtual clock's day, so they are made for the real one here.
  const exp = Math.floor(new SystemClock().nowMs() / 1000) + 3600;
  await using started = await start({ authentication: configurationOf(outside) });
  let answer = '';
  for (let tries = 0; tries < 200 && !answer.startsWith('403'); tries++) {
    answer = await started.ask(MAPS, outside.token({ sub: 'ada', exp }));
  }
  assert.equal(answer, mayNot('ada'));
  assert.equal(
    await started.ask(MAPS, outside.token({ sub: 'root', groups: 'system:masters', exp })),
    '200 object',
  );
  assert.equal(await started.ask(MAPS, outside.token({ sub: 'ada', aud: 'you', exp })), '401 Unauthorized');
});

test('external identity: the anonymous may be let in to single paths only', async () => {
  await using outside = await startOutside();
  const more = 'anonymous: {enabled: true, conditions: [{path: /livez}]}';
  await using started = await start({ authentication: configurationOf(outside, more) });
  assert.equal(await started.ask('/livez?exclude=log'), '200 ok');
  assert.equal(await started.ask('/readyz'), '401 Unauthorized');
});

test('external identity: a webhook is asked whose a token is, once while it remembers', async () => {
  await using outside = await startOutside();
  const tokenWebhook = { kubeconfig: judgeAt(outside, '/tokens'), version: 'v1', cacheMs: 60_000 } as const;
  await using started = await start({ tokenWebhook });
  assert.equal(await started.ask(MAPS, 'good'), mayNot('ada'));
  assert.equal(await started.ask(MAPS, 'good'), mayNot('ada'));
  assert.equal(await started.ask(MAPS, 'bad'), '401 Unauthorized');
  assert.deepEqual(outside.asked, [
    {
      kind: 'TokenReview',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { creationTimestamp: null },
      spec: { token: 'good', audiences: [SERVICE_ACCOUNT_ISSUER] },
      status: { user: {} },
    },
    {
      kind: 'TokenReview',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { creationTimestamp: null },
      spec: { token: 'bad', audiences: [SERVICE_ACCOUNT_ISSUER] },
      status: { user: {} },
    },
  ]);
});

const AUTHORIZATION = (kubeconfig: string, more = ''): string => `apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers:
- type: Webhook
  name: judge
  webhook:
    timeout: 3s
    authorizedTTL: 5m
    unauthorizedTTL: 30s
    subjectAccessReviewVersion: v1
    matchConditionSubjectAccessReviewVersion: v1
    failurePolicy: NoOpinion
    connectionInfo: {type: KubeConfigFile, kubeConfigFile: ${kubeconfig}}
    matchConditions: [{expression: "request.user != 'eve'"}]
${more}`;

test('external identity: a webhook decides before the roles do, and only about whom it is asked', async () => {
  await using outside = await startOutside();
  const exp = Math.floor(new SystemClock().nowMs() / 1000) + 3600;
  const authorization = {
    kind: 'file',
    text: AUTHORIZATION(judgeAt(outside, '/access'), '- {type: RBAC, name: rbac}\n'),
  } as const;
  await using started = await start({ authentication: configurationOf(outside), authorization });
  const ada = outside.token({ sub: 'ada', exp });
  let answer = '';
  for (let tries = 0; tries < 200 && !answer.startsWith('200'); tries++) {
    answer = await started.ask(MAPS, ada);
  }
  assert.equal(answer, '200 object');
  assert.equal(await started.ask(MAPS, ada), '200 object');
  assert.deepEqual(
    (outside.asked as Review[]).map(({ spec }) => spec),
    [
      {
        resourceAttributes: { namespace: 'default', verb: 'list', version: 'v1', resource: 'configmaps' },
        user: 'ada',
        groups: ['system:authenticated'],
      },
    ],
  );
  assert.equal(await started.ask(MAPS, outside.token({ sub: 'bob', exp })), `${mayNot('bob')}: bob asked`);
  assert.equal(await started.ask(MAPS, outside.token({ sub: 'eve', exp })), mayNot('eve'));
  assert.equal(
    await started.ask(`${MAPS}/a`, ada, 'DELETE'),
    '403 configmaps "a" is forbidden: User "ada" cannot delete resource "configmaps" in API group "" in the namespace "default": nobody deletes',
  );
  const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const spec = { resourceAttributes: { verb: 'get', resource: 'pods' } };
  assert.equal(
    await started.ask(reviews, ada, 'POST', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec,
    }),
    '201 object',
  );
  outside.isBroken = true;
  assert.equal(
    await started.ask(`${MAPS}/b`, ada),
    '500 Internal error occurred: the server rejected our request for an unknown reason (status 400)',
  );
});

test('tokens of service accounts: others find out how to verify them, and may remember it', async () => {
  await using started = await start({ authorization: { kind: 'modes', modes: ['AlwaysAllow'] } });
  const configuration = await started.show('/.well-known/openid-configuration');
  assert.deepEqual(
    [configuration.contentType, configuration.cacheControl],
    ['application/json', 'public, max-age=3600'],
  );
  const { issuer, jwks_uri: keysUri } = JSON.parse(configuration.body);
  assert.equal(issuer, SERVICE_ACCOUNT_ISSUER);
  assert.match(keysUri, /^https:\/\/127\.0\.0\.1:\d+\/openid\/v1\/jwks$/);
  const keys = await started.show(new URL(keysUri).pathname);
  assert.equal(keys.contentType, 'application/jwk-set+json');
  assert.deepEqual(Object.keys(JSON.parse(keys.body).keys[0]), ['use', 'kty', 'kid', 'crv', 'alg', 'x', 'y']);
});

test('external identity: other issuers are used once they can be reached', async () => {
  await using first = await startOutside();
  await using second = await startOutside();
  const clock = new VirtualClock();
  const audiences = [SERVICE_ACCOUNT_ISSUER];
  await using identity = new ExternalIdentity(
    { authentication: configurationOf(first) },
    { clock, log: SILENT_LOGGER, audiences, issuers: audiences },
  );
  const [tokens] = identity.tokenKinds;
  const { signal } = new AbortController();
  const nameOf = async (token: string): Promise<string | undefined> =>
    (await tokens?.authenticateToken(token, audiences))?.user.name;
  assert.equal(await identity.replaceIssuers(configurationOf(second), signal), undefined);
  assert.equal(await nameOf(second.token({ sub: 'ada' })), 'ada');
  assert.equal(await nameOf(first.token({ sub: 'ada' })), undefined);
  first.isBroken = true;
  const replacing = identity.replaceIssuers(configurationOf(first), signal);
  await clock.advance(60_000);
  assert.equal(await replacing, '400 Bad Request: broken');
  assert.equal(await nameOf(second.token({ sub: 'ada' })), 'ada');
});

test('external identity: another configuration of who decides is used at once, if the own ones stay', async () => {
  await using outside = await startOutside();
  const tokenWebhook = { kubeconfig: judgeAt(outside, '/tokens'), version: 'v1', cacheMs: 60_000 } as const;
  const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n';
  const rbac = '- {type: RBAC, name: rbac}\n';
  const authorization = { kind: 'file', text: head + rbac } as const;
  await using started = await start({ tokenWebhook, authorization });
  assert.equal(await started.ask(MAPS, 'good'), mayNot('ada'));
  const { identity } = started;
  assert.equal(
    identity.replaceAuthorizers(`${head}- {type: AlwaysAllow, name: alwaysallow}\n`),
    'missing required types: [RBAC]',
  );
  assert.equal(
    identity.replaceAuthorizers(`${head}${rbac}- {type: Node, name: node}\n`),
    'nil nodeAuthorizer',
  );
  assert.equal(await started.ask(MAPS, 'good'), mayNot('ada'));
  const access = judgeAt({ ...outside, kubeconfig: `${outside.kubeconfig}.access` }, '/access');
  assert.equal(identity.replaceAuthorizers(AUTHORIZATION(access, rbac)), undefined);
  assert.equal(await started.ask(MAPS, 'good'), '200 object');
  assert.equal(identity.replaceAuthorizers(head + rbac), undefined);
  assert.equal(await started.ask(MAPS, 'good'), mayNot('ada'));
});
