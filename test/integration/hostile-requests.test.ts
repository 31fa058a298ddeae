import assert from 'node:assert/strict';
import { connect } from 'node:tls';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { ConfigMap } from '#api/types/core.v1.ts';
import type { Status } from '#api/types/meta.v1.ts';
import { ApiClient, type SentRequest } from '../containers/api-client.fixture.ts';
import { TestCluster } from '../containers/cluster.fixture.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/default/pods';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const MEBIBYTE = 1024 * 1024;

const cluster = new TestCluster('hostile-requests');
let client: ApiClient;

before(async () => {
  await cluster.clear();
  await cluster.start('up', ['--nodes', 'sim:0', '--port', '0'], /Cluster ready/);
  client = new ApiClient(cluster.kubeconfig);
});

after(async () => {
  client[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
});

interface Case extends SentRequest {
  readonly name: string;
  readonly code: number;
  readonly reason: string;
  readonly message: RegExp;
}

function post(path: string, body: string | Uint8Array, contentType = 'application/json'): SentRequest {
  return { method: 'POST', path, body, contentType };
}

function configMap(metadata: object, more: object = {}): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, ...more });
}

const BAD_REQUEST = { code: 400, reason: 'BadRequest' };
const INVALID = { code: 422, reason: 'Invalid' };
const NOT_FOUND = { code: 404, reason: 'NotFound' };

const CASES: readonly Case[] = [
  {
    name: 'JSON that ends early',
    ...post(MAPS, '{"metadata":'),
    ...BAD_REQUEST,
    message: /unexpected|JSON/i,
  },
  { name: 'no body', ...post(MAPS, ''), ...BAD_REQUEST, message: /./ },
  { name: 'an array', ...post(MAPS, '[]'), ...BAD_REQUEST, message: /./ },
  { name: 'null', ...post(MAPS, 'null'), ...INVALID, message: /name or generateName is required/ },
  { name: 'a number', ...post(MAPS, '7'), ...BAD_REQUEST, message: /./ },
  {
    name: 'YAML that is none',
    ...post(MAPS, 'a: [1, {', 'application/yaml'),
    ...BAD_REQUEST,
    message: /./,
  },
  {
    name: 'YAML that multiplies itself',
    ...post(MAPS, yamlBomb(), 'application/yaml'),
    ...BAD_REQUEST,
    message: /./,
  },
  {
    name: 'a media type nobody speaks',
    ...post(MAPS, '<xml/>', 'text/xml'),
    code: 415,
    reason: 'UnsupportedMediaType',
    message: /media type/,
  },
  {
    name: 'invalid UTF-8',
    ...post(
      MAPS,
      Buffer.concat([Buffer.from('{"metadata":{"name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}')]),
    ),
    ...BAD_REQUEST,
    message: /./,
  },
  {
    name: 'nesting without end',
    ...post(MAPS, `{"metadata":{"name":"deep"},"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
    ...BAD_REQUEST,
    message: /./,
  },
  {
    name: 'another kind',
    ...post(MAPS, '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}'),
    ...BAD_REQUEST,
    message: /ConfigMap|does not match/,
  },
  {
    name: 'an unknown field, strictly',
    ...post(`${MAPS}?fieldValidation=Strict`, configMap({ name: 'a' }, { nonsense: 1 })),
    ...BAD_REQUEST,
    message: /strict decoding error: unknown field "nonsense"/,
  },
  {
    name: 'a field twice, strictly',
    ...post(`${MAPS}?fieldValidation=Strict`, '{"metadata":{"name":"a","name":"b"}}'),
    ...BAD_REQUEST,
    message: /strict decoding error: duplicate field "metadata.name"/,
  },
  {
    name: 'a text where an object belongs',
    ...post(PODS, '{"metadata":{"name":"a"},"spec":"none"}'),
    ...BAD_REQUEST,
    message: /cannot unmarshal|Pod/,
  },
  { name: 'no name', ...post(MAPS, configMap({})), ...INVALID, message: /name or generateName is required/ },
  {
    name: 'a name with a slash',
    ...post(MAPS, configMap({ name: 'a/b' })),
    ...INVALID,
    message: /metadata\.name: Invalid value: "a\/b"/,
  },
  {
    name: 'a name that is too long',
    ...post(MAPS, configMap({ name: 'a'.repeat(254) })),
    ...INVALID,
    message: /must be no more than 253/,
  },
  {
    name: 'another namespace than that of the path',
    ...post(MAPS, configMap({ name: 'a', namespace: 'kube-system' })),
    ...BAD_REQUEST,
    message: /namespace of the provided object does not match the namespace sent on the request/,
  },
  {
    name: 'a namespace that is not there',
    ...post(MAPS.replace('default', 'nowhere'), configMap({ name: 'a' })),
    ...NOT_FOUND,
    message: /namespaces "nowhere" not found/,
  },
  {
    name: 'a resource version at create',
    ...post(MAPS, configMap({ name: 'a', resourceVersion: '7' })),
    ...BAD_REQUEST,
    message: /resourceVersion should not be set on objects to be created/,
  },
  {
    name: 'an integer past 2^53',
    ...post(DEPLOYMENTS, '{"metadata":{"name":"a"},"spec":{"replicas":9007199254740993}}'),
    ...BAD_REQUEST,
    message: /9007199254740993|cannot unmarshal number/,
  },
  {
    name: 'a body past 3 MiB',
    ...post(MAPS, configMap({ name: 'a' }, { data: { a: 'x'.repeat(3 * MEBIBYTE) } })),
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: /limit is 3145728/,
  },
  {
    name: 'a resource nobody has',
    path: '/api/v1/nonsenses',
    ...NOT_FOUND,
    message: /could not find the requested resource/,
  },
  {
    name: 'a group nobody has',
    path: '/apis/non.sense/v1/things',
    ...NOT_FOUND,
    message: /could not find the requested resource/,
  },
  {
    name: 'a bad selector',
    path: `${MAPS}?labelSelector=a%20in%20(`,
    ...BAD_REQUEST,
    message: /unable to parse|found/,
  },
  {
    name: 'a bad field selector',
    path: `${MAPS}?fieldSelector=spec.none=1`,
    ...BAD_REQUEST,
    message: /field label not supported/,
  },
  { name: 'a bad limit', path: `${MAPS}?limit=many`, ...BAD_REQUEST, message: /./ },
  {
    name: 'a bad continue token',
    path: `${MAPS}?limit=1&continue=nonsense`,
    ...BAD_REQUEST,
    message: /continue/,
  },
  {
    name: 'a revision that is no number',
    path: `${MAPS}?watch=true&resourceVersion=word`,
    code: 400,
    reason: 'BadRequest',
    message: /./,
  },
  {
    name: 'a patch of no known kind',
    method: 'PATCH',
    path: `${MAPS}/kube-root-ca.crt`,
    body: '{}',
    contentType: 'application/json',
    code: 415,
    reason: 'UnsupportedMediaType',
    message: /./,
  },
  {
    name: 'a JSON patch that does not fit',
    method: 'PATCH',
    path: `${MAPS}/kube-root-ca.crt`,
    body: '[{"op":"remove","path":"/data/none/deep"}]',
    contentType: 'application/json-patch+json',
    ...INVALID,
    message: /./,
  },
  {
    name: 'a verb that is not served',
    method: 'PUT',
    path: MAPS,
    body: '{}',
    code: 405,
    reason: 'MethodNotAllowed',
    message: /does not allow this method/,
  },
];

for (const { name, code, reason, message, ...sent } of CASES) {
  test(`hostile: ${name} is answered with ${code} ${reason}`, async () => {
    const answer = await client.send(sent);
    assert.equal(answer.status, code, answer.body.slice(0, 500));
    const status = JSON.parse(answer.body) as Status;
    assert.deepEqual([status.kind, status.apiVersion, status.status], ['Status', 'v1', 'Failure']);
    assert.equal(status.code, code);
    assert.equal(status.reason ?? '', reason);
    assert.match(status.message ?? '', message);
    assert.equal((await client.send({ path: '/readyz' })).status, 200);
  });
}

test('hostile: a stale resource version is a conflict, and nothing is lost', async () => {
  const created = await client.send(post(MAPS, configMap({ name: 'stale' }, { data: { a: '1' } })));
  const old = JSON.parse(created.body) as ConfigMap;
  const put = (data: object): SentRequest => ({
    method: 'PUT',
    path: `${MAPS}/stale`,
    body: JSON.stringify({ ...old, data }),
  });
  assert.equal((await client.send(put({ a: '2' }))).status, 200);
  const { status, body } = await client.send(put({ a: '3' }));
  assert.equal(status, 409);
  assert.match(body, /the object has been modified; please apply your changes to the latest version/);
  assert.deepEqual((await client.json<ConfigMap>(`${MAPS}/stale`)).data, { a: '2' });
});

test('hostile: __proto__ and its like are keys as any other', async () => {
  const body =
    '{"metadata":{"name":"proto","annotations":{"__proto__":"x"}},"data":{"__proto__":"polluted","constructor":"c","toString":"t"}}';
  const { status, body: answer } = await client.send(post(MAPS, body));
  // "__proto__" is a valid key of data, and no valid name of an annotation's form is broken by it either.
  assert.ok(status === 201 || status === 422, answer);
  const plain = await client.send(
    post(MAPS, '{"metadata":{"name":"keys"},"data":{"__proto__":"kept","constructor":"c"}}'),
  );
  assert.equal(plain.status, 201, plain.body);
  const kept = await client.send({ path: `${MAPS}/keys` });
  assert.match(kept.body, /"__proto__":"kept"/);
  assert.match(kept.body, /"constructor":"c"/);
  const merge = await client.send({
    method: 'PATCH',
    path: `${MAPS}/keys`,
    body: '{"data":{"__proto__":"merged"}}',
    contentType: 'application/merge-patch+json',
  });
  assert.match(merge.body, /"__proto__":"merged"/);
  const other = await client.send(post(MAPS, configMap({ name: 'innocent' })));
  assert.doesNotMatch(other.body, /polluted|kept|merged/);
});

test('hostile: clients that vanish in a watch or in a body leave nothing behind', async () => {
  const files = (): number => readdirSync(`/proc/${cluster.pid}/fd`).length;
  await client.send({ path: '/readyz' });
  const before_ = files();
  for (let round = 0; round < 5; round++) {
    await Promise.all(
      Array.from({ length: 20 }, () =>
        client.vanish(
          `${MAPS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
        ),
      ),
    );
  }
  await vanishInBody();
  await cluster.until(() => files() <= before_ + 2);
  await cluster.until(async () => {
    const { body } = await client.send({ path: '/metrics' });
    const counts = [
      ...body.matchAll(/^apiserver_longrunning_requests\{[^}]*resource="configmaps"[^}]*\} (\d+)$/gm),
    ];
    // The controllers watch too, each once.
    return counts.reduce((sum, [, count]) => sum + Number(count), 0) < 20;
  });
});

/** Promises a large body, sends a little of it, and is gone. */
async function vanishInBody(): Promise<void> {
  const { server } = cluster.directory.readRun() ?? { server: '' };
  const socket = connect({
    port: Number(new URL(server).port),
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  await once(socket, 'secureConnect');
  socket.write(
    `POST ${MAPS} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\ncontent-type: application/json\r\n\r\n{"meta`,
  );
  await cluster.clock.sleep(50);
  socket.destroy();
}

test('hostile: after all that the program has written no error of its own', () => {
  assert.doesNotMatch(cluster.output, /ERROR|at .*\.ts:\d+|Unhandled/);
  assert.ok(readFileSync(`/proc/${cluster.pid}/stat`, 'utf8').length > 0);
});

/** Nine levels of nine references each: a few hundred bytes that would unfold to gigabytes. */
function yamlBomb(): string {
  const levels = Array.from({ length: 9 }, (_, level) => {
    const inner = level === 0 ? 'x' : `*a${level - 1}`;
    return `a${level}: &a${level} [${Array.from({ length: 9 }, () => inner).join(', ')}]`;
  });
  return `${levels.join('\n')}\n`;
}
