import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { startStreamServer, type StreamServer } from './streaming.fixture.ts';
import { toBuffer } from './web-socket-channels.ts';

const V5 = 'v5.channel.k8s.io';
const V4 = 'v4.channel.k8s.io';

interface Session {
  readonly socket: WebSocket;
  /** What came on each channel so far. */
  readonly received: Map<number, string>;
  send(channel: number, text: string): void;
}

async function open(
  server: StreamServer,
  query: string,
  protocols: readonly string[] = [V5],
): Promise<Session> {
  const url = `ws://127.0.0.1:${server.port}/api/v1/namespaces/default/pods/web/${query}`;
  const socket = new WebSocket(url, [...protocols]);
  const received = new Map<number, string>();
  socket.on('message', (data) => {
    const message = toBuffer(data);
    const channel = message[0] ?? 0;
    received.set(channel, (received.get(channel) ?? '') + message.toString('utf8', 1));
  });
  await once(socket, 'open');
  const send = (channel: number, text: string): void =>
    socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)]));
  return { socket, received, send };
}

test('exec over a WebSocket: output, errors and the exit code come on their own channels', async () => {
  await using server = await startStreamServer();
  const { socket, received } = await open(
    server,
    'exec?command=say&command=hello&command=oops&command=3&stdout=1&stderr=1',
  );
  const [code] = (await once(socket, 'close')) as [number];
  assert.equal(code, 1000);
  assert.deepEqual([received.get(1), received.get(2)], ['hello', 'oops']);
  assert.deepEqual(JSON.parse(received.get(3) ?? ''), {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: 'command terminated with non-zero exit code: exit code 3',
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: '3' }] },
  });
  assert.equal(server.node.openSessions, 0);
});

for (const protocols of [['channel.k8s.io'], []]) {
  test(`exec over a WebSocket: in the first protocol (${protocols.join('') || 'unnamed'}) the end is told in words`, async () => {
    await using server = await startStreamServer();
    const command = 'exec?command=say&command=hello&command=oops&stdout=1&command=';
    const failed = await open(server, `${command}3`, protocols);
    await once(failed.socket, 'close');
    assert.equal(failed.received.get(1), 'hello');
    assert.equal(failed.received.get(3), 'command terminated with non-zero exit code: exit code 3');
    const ended = await open(server, `${command}0`, protocols);
    await once(ended.socket, 'close');
    assert.equal(ended.received.get(3), undefined);
  });
}

test('exec over a WebSocket: the client ends its input, and megabytes pass unharmed', async () => {
  await using server = await startStreamServer();
  const session = await open(server, 'exec?command=cat&stdin=true&stdout=true', [V4, V5]);
  assert.equal(session.socket.protocol, V4);
  session.socket.terminate();
  const { socket, send, received } = await open(server, 'exec?command=cat&stdin=true&stdout=true');
  const part = '0123456789abcdef'.repeat(2048);
  for (let index = 0; index < 200; index++) {
    send(0, part);
  }
  socket.send(Buffer.from([255, 0]));
  await once(socket, 'close');
  assert.equal(received.get(1), part.repeat(200));
  assert.equal(JSON.parse(received.get(3) ?? '').status, 'Success');
});

test('attach over a WebSocket: terminal sizes are handed on', async () => {
  await using server = await startStreamServer();
  const { socket, send } = await open(server, 'attach?stdin=true&stdout=true&tty=true');
  send(4, '{"Width":99,"Height":33}');
  send(4, '{"Width":100,"Height":40}');
  send(0, 'x');
  await once(socket, 'message');
  socket.send(Buffer.from([255, 0]));
  await once(socket, 'close');
  assert.deepEqual(server.node.sizes, ['99x33', '100x40']);
});

test('exec: a client that vanishes takes the command with it', async () => {
  await using server = await startStreamServer();
  const { socket } = await open(server, 'exec?command=hang&stdout=true');
  assert.equal(server.node.openSessions, 1);
  socket.terminate();
  while (server.node.openSessions > 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
});

for (const { name, query, protocols, code, text } of [
  {
    name: 'no stream wanted',
    query: 'exec?command=cat',
    protocols: [V5],
    code: 400,
    text: /at least one of stdin/,
  },
  { name: 'no command', query: 'exec?stdout=1', protocols: [V5], code: 400, text: /at least 1 command/ },
  { name: 'unknown protocol', query: 'exec?command=cat&stdout=1', protocols: ['v9'], code: 400, text: /v9/ },
  {
    name: 'no such program',
    query: 'exec?command=missing&stdout=1',
    protocols: [V5],
    code: 500,
    text: /no such program/,
  },
]) {
  test(`exec: a refusal is an ordinary answer (${name})`, async () => {
    await using server = await startStreamServer();
    const url = `ws://127.0.0.1:${server.port}/api/v1/namespaces/default/pods/web/${query}`;
    const socket = new WebSocket(url, protocols);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    assert.equal(response.statusCode, code);
    const [body] = (await once(response, 'data')) as [Buffer];
    assert.match(body.toString(), text);
  });
}
