import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { NodeConnection } from '#apiserver/endpoints/node-directory.ts';
import {
  CLUSTER_ROLE_BINDING,
  ENDPOINTS,
  NODE,
  POD,
  SERVICE,
  SERVICE_ACCOUNT,
} from '#api/types/resources.ts';
import { CommandError, SystemCommands } from '#base/command.ts';
import { startHttpsCluster } from './https-cluster.fixture.ts';
import type { InProcessCluster } from './in-process-cluster.ts';

const POD_IP = '10.244.0.7';
const METADATA = { namespace: 'default', name: 'hello' };

/** What runs in the pod: says what it was asked, redirects, and speaks a protocol of its own after an upgrade. */
async function startApplication(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((request, response) => {
    void (async () => {
      if (request.url === '/moved') {
        response.writeHead(302, { location: '/elsewhere?x=1' }).end();
        return;
      }
      const { host, authorization = 'none', 'x-custom': custom = 'none' } = request.headers;
      const body = await text(request);
      const said = { method: request.method, url: request.url, host, authorization, custom, body };
      response.writeHead(418, { 'content-type': 'text/html', 'x-answer': 'yes' }).end(JSON.stringify(said));
    })();
  });
  server.on('upgrade', (request, socket) => {
    if (request.url === '/refused') {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno');
      return;
    }
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: shout\r\n\r\n');
    socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
    socket.on('end', () => socket.end());
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function createObjects({ client }: InProcessCluster, port: number): Promise<void> {
  await client.of(SERVICE_ACCOUNT).create({ metadata: { namespace: 'default', name: 'default' } });
  await client.of(CLUSTER_ROLE_BINDING).create({
    metadata: { name: 'everybody' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [
      { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:unauthenticated' },
      { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:serviceaccounts' },
    ],
  });
  await client.of(NODE).create({ metadata: { name: 'node-1' } });
  await client.of(POD).create({
    metadata: METADATA,
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'c', image: 'example/image', ports: [{ containerPort: port }] }],
    },
  });
  const pod = await client.of(POD).get('default', 'hello');
  const status = { ...pod.status, podIP: POD_IP, podIPs: [{ ip: POD_IP }] };
  await client.of(POD).updateStatus({ ...pod, status });
  await client.of(SERVICE).create({
    metadata: METADATA,
    spec: { ports: [{ name: 'http', port: 80, targetPort: port }] },
  });
  await client.of(SERVICE).create({
    metadata: { namespace: 'default', name: 'forged' },
    spec: { ports: [{ name: 'http', port: 80, targetPort: port }] },
  });
  const targetRef = { kind: 'Pod', namespace: 'default', name: 'hello' };
  const ports = [{ name: 'http', port }];
  await client.of(ENDPOINTS).create({
    metadata: METADATA,
    subsets: [{ addresses: [{ ip: POD_IP, targetRef }], ports }],
  });
  await client.of(ENDPOINTS).create({
    metadata: { namespace: 'default', name: 'forged' },
    subsets: [{ addresses: [{ ip: '10.244.0.8', targetRef }], ports }],
  });
}

const NODE_PATHS: Pick<NodeConnection, 'portForward' | 'get'> = {
  async portForward(_, port) {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    return socket;
  },
  get: (path, query) =>
    Promise.resolve({ status: 200, contentType: 'text/plain', body: `${path} ${query.toString()}` }),
};

async function startProxied(): Promise<AsyncDisposable & { readonly port: number }> {
  await using stack = new AsyncDisposableStack();
  const application = stack.use(await startApplication());
  const { cluster, port } = stack.use(await startHttpsCluster());
  cluster.plane.server.nodes.register('node-1', NODE_PATHS as NodeConnection);
  await createObjects(cluster, application.port);
  const owned = stack.move();
  return { port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

interface Answer {
  readonly code: number | undefined;
  readonly location: string | undefined;
  readonly body: string;
}

async function ask(port: number, path: string, method = 'GET', body = ''): Promise<Answer> {
  const headers = { accept: method === 'POST' ? 'application/json' : 'text/html', 'x-custom': 'kept' };
  const request = httpsRequest({ host: '127.0.0.1', port, path, method, headers, rejectUnauthorized: false });
  request.end(body);
  const [response] = await once(request, 'response');
  return { code: response.statusCode, location: response.headers.location, body: await text(response) };
}

const PODS = '/api/v1/namespaces/default/pods';
const SERVICES = '/api/v1/namespaces/default/services';

test('proxy: requests reach the pod with their method, headers and body, and the answer is its own', async () => {
  await using proxied = await startProxied();
  const answer = await ask(proxied.port, `${PODS}/hello/proxy/a/b%20c?q=1&q=2`, 'PUT', 'content');
  assert.equal(answer.code, 418);
  const { host, ...said } = JSON.parse(answer.body);
  assert.deepEqual(said, {
    method: 'PUT',
    url: '/a/b%20c?q=1&q=2',
    authorization: 'none',
    custom: 'kept',
    body: 'content',
  });
  assert.match(host, /^10\.244\.0\.7:\d+$/);
});

test('proxy: only what is read is sent on to the root with a slash', async () => {
  await using proxied = await startProxied();
  const answer = await ask(proxied.port, `${PODS}/hello/proxy?q=1`, 'PUT', 'content');
  assert.equal(answer.code, 418);
  assert.equal(JSON.parse(answer.body).url, '/?q=1');
});

test('proxy: names, ports and schemes, redirects, and what is refused', async () => {
  await using proxied = await startProxied();
  const seen: Record<string, string> = {};
  for (const path of [
    `${SERVICES}/hello:http/proxy/`,
    `${SERVICES}/hello:80/proxy/`,
    `${SERVICES}/http:hello:http/proxy/`,
    `${SERVICES}/hello:81/proxy/`,
    `${SERVICES}/hello:other/proxy/`,
    `${SERVICES}/ftp:hello:http/proxy/`,
    `${SERVICES}/forged:http/proxy/`,
    `${SERVICES}/missing/proxy/`,
    `${PODS}/hello/proxy`,
    `${PODS}/hello/proxy/moved`,
    `${PODS}/hello:1/proxy/`,
    '/api/v1/nodes/node-1/proxy/stats/summary?only=cpu',
    '/api/v1/nodes/node-1:22/proxy/',
  ]) {
    const { code, location, body } = await ask(proxied.port, path);
    const message = code === 418 ? '' : body.startsWith('{') ? JSON.parse(body).message : body;
    seen[path.replace(/^.*\/default\//, '')] = [code, location?.replace(/:\d+/, ''), message]
      .filter((part) => part !== undefined && part !== '')
      .join(' ');
  }
  assert.deepEqual(seen, {
    'services/hello:http/proxy/': '418',
    'services/hello:80/proxy/': '418',
    'services/http:hello:http/proxy/': '418',
    'services/hello:81/proxy/': '503 no service port 81 found for service "hello"',
    'services/hello:other/proxy/': '503 no endpoints available for service "hello:other"',
    'services/ftp:hello:http/proxy/': '400 invalid service request "ftp:hello:http"',
    'services/forged:http/proxy/': '503 no endpoints available for service "forged:http"',
    'services/missing/proxy/': '404 services "missing" not found',
    'pods/hello/proxy': `301 ${PODS}/hello/proxy/`,
    'pods/hello/proxy/moved': `302 ${PODS}/hello/proxy/elsewhere?x=1`,
    'pods/hello:1/proxy/': '503 error trying to reach service: connect ECONNREFUSED 127.0.0.1:1',
    '/api/v1/nodes/node-1/proxy/stats/summary?only=cpu': '200 /stats/summary only=cpu',
    '/api/v1/nodes/node-1:22/proxy/': '501 nodes/proxy to port 22 is not supported by Coracle yet',
  });
});

test('proxy: a connection is upgraded when the pod agrees; after a refusal it ends', async () => {
  await using proxied = await startProxied();
  const open = async (path: string, after: string): Promise<string> => {
    const socket = connectTls({ host: '127.0.0.1', port: proxied.port, rejectUnauthorized: false });
    socket.setEncoding('utf8');
    socket.write(
      `GET ${PODS}/hello/proxy${path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: shout\r\n\r\n`,
    );
    let heard = '';
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once('data', () => socket.write(after));
    socket.on('data', (chunk: string) => {
      heard += chunk;
      if (heard.includes(after.toUpperCase())) {
        socket.end();
      }
    });
    socket.on('close', () => resolve());
    await promise;
    return heard;
  };
  const agreed = await open('/shout', 'hello');
  assert.match(agreed, /^HTTP\/1\.1 101 Switching Protocols\r\n[^]*\r\n\r\nHELLO$/);
  assert.match(await open('/refused', 'GET /shout'), /^HTTP\/1\.1 403 Forbidden\r\n[^]*\r\n\r\nno$/);
});

const kubectl = await new SystemCommands().run(['kubectl', 'version', '--client']).then(
  () => false as const,
  (error: unknown) => {
    assert.ok(error instanceof CommandError);
    return 'kubectl is not on PATH';
  },
);

test('proxy: kubectl get --raw reads a node through it', { skip: kubectl }, async () => {
  await using proxied = await startProxied();
  const path = '/api/v1/namespaces/default/serviceaccounts/default/token';
  const issued = await ask(
    proxied.port,
    path,
    'POST',
    '{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1"}',
  );
  const answer = await new SystemCommands().run([
    'kubectl',
    '--kubeconfig=/dev/null',
    `--server=https://127.0.0.1:${proxied.port}`,
    '--insecure-skip-tls-verify',
    `--token=${JSON.parse(issued.body).status.token}`,
    'get',
    '--raw',
    '/api/v1/nodes/node-1/proxy/metrics',
  ]);
  assert.equal(answer.trim(), '/metrics');
});
