import assert from 'node:assert/strict';
import { createSecureServer } from 'node:http2';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { POD } from '#api/types/resources.ts';
import { SystemClock } from '#base/clock.ts';
import { SystemRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { CertificateAuthority } from '#base/x509/certificate-authority.ts';
import { Client } from './client.ts';
import { HttpsTransport } from './https-transport.ts';
import { requestPath } from './request-path.ts';
import { ConnectionError } from './transport.ts';

type Handler = (request: IncomingMessage, body: string, response: ServerResponse) => void;

async function serve(handler: Handler) {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => handler(request, body, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const transport = new HttpsTransport({
    server: `http://127.0.0.1:${port}/prefix/`,
    token: 'secret',
    clock: new VirtualClock(),
  });
  return {
    client: new Client(transport, 'tester'),
    transport,
    async [Symbol.asyncDispose]() {
      await transport.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('request path: groups, namespaces, subresources, queries', () => {
  const resource = { group: 'apps', version: 'v1', resource: 'deployments' };
  assert.equal(
    requestPath({ resource, namespace: 'a', name: 'web', subresource: 'scale', query: { dryRun: 'All' } }),
    '/apis/apps/v1/namespaces/a/deployments/web/scale?dryRun=All',
  );
  assert.equal(
    requestPath({ resource: POD, query: { labelSelector: 'a in (b,c)' } }),
    '/api/v1/pods?labelSelector=a+in+%28b%2Cc%29',
  );
});

test('https transport: sends identity, patch type and field manager; answers are frozen', async () => {
  const seen: unknown[] = [];
  await using server = await serve((request, body, response) => {
    seen.push([
      request.method,
      request.url,
      request.headers['content-type'],
      request.headers.authorization,
      body,
    ]);
    response.end(JSON.stringify({ kind: 'Pod', metadata: { name: 'p' }, spec: {} }));
  });
  const query = { type: 'strategic', subresource: 'status' } as const;
  const pod = await server.client.of(POD).patch('ns', 'p', { status: { phase: 'Running' } }, query);
  assert.ok(Object.isFrozen(pod.spec));
  assert.deepEqual(seen, [
    [
      'PATCH',
      '/prefix/api/v1/namespaces/ns/pods/p/status?fieldManager=tester',
      'application/strategic-merge-patch+json',
      'Bearer secret',
      '{"status":{"phase":"Running"}}',
    ],
  ]);
});

test('https transport: items of a list say what they are, although servers leave that out', async () => {
  await using server = await serve((_request, _body, response) => {
    response.end(JSON.stringify({ kind: 'PodList', metadata: {}, items: [{ metadata: { name: 'p' } }] }));
  });
  const [pod] = (await server.client.of(POD).list('ns')).items;
  assert.deepEqual(pod, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } });
  assert.ok(Object.isFrozen(pod));
});

test('https transport: refusals are status errors, with or without a Status in them', async () => {
  await using server = await serve((request, _, response) => {
    response.statusCode = request.url?.includes('typed') === true ? 404 : 502;
    const status = { kind: 'Status', reason: 'NotFound', code: 404, message: 'pods "typed" not found' };
    response.end(request.url?.includes('typed') === true ? JSON.stringify(status) : 'bad gateway');
  });
  const typed = { name: 'StatusError', reason: 'NotFound', code: 404, message: 'pods "typed" not found' };
  await assert.rejects(server.client.of(POD).get('ns', 'typed'), typed);
  await assert.rejects(server.client.of(POD).get('ns', 'other'), {
    name: 'StatusError',
    code: 502,
    message: 'bad gateway',
  });
});

test('https transport: a watch streams events cut anywhere, and an ERROR ends it', async () => {
  await using server = await serve((_, __, response) => {
    const line = `${JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'ä' } } })}\n`;
    const bytes = Buffer.from(line + line);
    const error = {
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' },
    };
    response.write(bytes.subarray(0, 43));
    setImmediate(() => {
      response.write(bytes.subarray(43));
      response.end(`${JSON.stringify(error)}\n`);
    });
  });
  const names: string[] = [];
  const watching = (async () => {
    for await (const { object } of server.client.of(POD).watch('', {}, new AbortController().signal)) {
      names.push(object.metadata.name);
    }
  })();
  await assert.rejects(watching, { reason: 'Expired' });
  assert.deepEqual(names, ['ä', 'ä']);
});

test('https transport: aborting a watch ends it quietly', async () => {
  const stop = new AbortController();
  await using server = await serve((_, __, response) => {
    response.write('\n');
    stop.abort();
  });
  for await (const event of server.client.of(POD).watch('', {}, stop.signal)) {
    assert.fail(`unexpected ${event.type}`);
  }
});

test('https transport: no server is a connection error', async () => {
  const server = await serve(() => undefined);
  await server[Symbol.asyncDispose]();
  await assert.rejects(server.client.of(POD).get('ns', 'p'), ConnectionError);
});

test('https transport: one HTTP/2 connection with a client certificate carries everything', async () => {
  const authority = CertificateAuthority.create('ca', {
    clock: new SystemClock(),
    random: new SystemRandom(),
  });
  const altNames = { dnsNames: [], ipAddresses: ['127.0.0.1'] };
  const own = authority.issue({ subject: { commonName: 'server', organizations: [] }, altNames });
  const user = authority.issue({ subject: { commonName: 'jane', organizations: [] } });
  const seen: string[] = [];
  let connections = 0;
  const server = createSecureServer(
    { cert: own.certificatePem, key: own.keyPem, ca: authority.certificatePem, requestCert: true },
    (request, response) => {
      const socket = request.stream.session?.socket as TLSSocket;
      seen.push(`${request.httpVersion} ${String(socket.getPeerCertificate().subject.CN)} ${request.url}`);
      response.end(JSON.stringify({ metadata: {}, items: [] }));
    },
  );
  server.on('secureConnection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const transport = new HttpsTransport({
    server: `https://127.0.0.1:${port}`,
    ca: authority.certificatePem,
    cert: user.certificatePem,
    key: user.keyPem,
    clock: new VirtualClock(),
  });
  const pods = new Client(transport).of(POD);
  await Promise.all([pods.list('a'), pods.list('b')]);
  assert.deepEqual(seen, ['2.0 jane /api/v1/namespaces/a/pods', '2.0 jane /api/v1/namespaces/b/pods']);
  assert.equal(connections, 1);
  await transport.close();
  await new Promise((resolve) => server.close(resolve));
});
