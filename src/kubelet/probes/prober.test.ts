import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { test, type TestContext } from 'node:test';
import { SeededRandom } from '#base/random.ts';
import { SystemClock } from '#base/clock.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import type { Probe } from '#api/types/core.v1.ts';
import { FakeRuntime } from '#runtime/fake-runtime.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import { NodeProber, type ProbeOutcome } from './prober.ts';

const CONTAINER: AnyContainer = { name: 'main', resources: {}, ports: [{ name: 'web', containerPort: 1 }] };

async function listening(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => server.close());
  // A server that listens on TCP has an address with a port.
  return (server.address() as AddressInfo).port;
}

async function probe(what: Probe): Promise<ProbeOutcome> {
  const runtime = new FakeRuntime({ clock: new VirtualClock(), random: new SeededRandom(1) });
  const prober = new NodeProber(runtime, new SystemClock());
  return await prober.probe(what, { container: CONTAINER, containerId: 'id', podIp: '127.0.0.1' });
}

test('prober: HTTP answers from 200 to 399 are good, and redirects are followed on the same host only', async (t) => {
  const port = await listening(
    t,
    createHttpServer((request, response) => {
      const [, status = '200', location] = /^\/(\d+)(?:\/to\/(.*))?$/.exec(request.url ?? '') ?? [];
      response.writeHead(
        Number(status),
        location === undefined ? {} : { location: decodeURIComponent(location) },
      );
      response.end(`agent ${request.headers['user-agent'] ?? ''} x ${String(request.headers['x-probe'])}`);
    }),
  );
  const outcomeOf = (path: string): Promise<ProbeOutcome> =>
    probe({ httpGet: { path, port, httpHeaders: [{ name: 'X-Probe', value: 'yes' }] } });
  assert.deepEqual(await outcomeOf('/200'), { result: 'success', output: 'agent kube-probe/1.36 x yes' });
  assert.deepEqual(await outcomeOf('/503'), {
    result: 'failure',
    output: 'HTTP probe failed with statuscode: 503',
  });
  assert.equal((await outcomeOf('/302/to/%2F404')).result, 'failure');
  assert.equal((await outcomeOf('/302/to/http%3A%2F%2Felsewhere.example%2F')).result, 'success');
});

test('prober: a port that nobody listens on fails in the words people know', async (t) => {
  const server = createTcpServer();
  const port = await listening(t, server);
  assert.equal((await probe({ tcpSocket: { port } })).result, 'success');
  await new Promise((resolve) => {
    server.close(resolve);
  });
  assert.deepEqual(await probe({ tcpSocket: { port } }), {
    result: 'failure',
    output: `dial tcp 127.0.0.1:${port}: connect: connection refused`,
  });
  assert.deepEqual(await probe({ httpGet: { path: '/x', port } }), {
    result: 'failure',
    output: `Get "http://127.0.0.1:${port}/x": dial tcp 127.0.0.1:${port}: connect: connection refused`,
  });
  assert.equal((await probe({ httpGet: { port: 'nope' } })).result, 'error');
});

test('prober: gRPC health is asked over HTTP/2 without TLS', async (t) => {
  const server = createHttp2Server();
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    assert.equal(headers[':path'], '/grpc.health.v1.Health/Check');
    stream.on('data', (request: Buffer) => {
      const service = request.subarray(7).toString('utf8');
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, service === 'sick' ? 2 : 1]));
    });
  });
  const port = await listening(t, server);
  assert.deepEqual(await probe({ grpc: { port } }), { result: 'success', output: '' });
  assert.deepEqual(await probe({ grpc: { port, service: 'sick' } }), {
    result: 'failure',
    output: 'service unhealthy (responded with "NOT_SERVING")',
  });
});
