import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { SystemClock } from '#base/clock.ts';
import { toBuffer } from './web-socket-channels.ts';
import { serveWebSocketBytes } from './web-socket-bytes.ts';

/** Sends two chunks, and more only to a client that stays. */
async function* lines(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  yield Buffer.from('one\n');
  yield Buffer.from('two\n');
  if (signal.aborted) {
    yield Buffer.from('three\n');
  }
}

async function messagesOf(protocols: readonly string[]): Promise<readonly string[]> {
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    const upgrade = { request, socket, head, clock: new SystemClock() };
    serveWebSocketBytes(upgrade, async (signal) => lines(signal)).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, [...protocols]);
    const messages: string[] = [];
    socket.on('message', (data, isBinary) =>
      messages.push(`${isBinary ? 'bytes' : 'text'} ${toBuffer(data).toString()}`),
    );
    socket.on('error', () => undefined);
    const { promise, resolve } = Promise.withResolvers<number>();
    socket.on('close', resolve);
    const code = await promise;
    return [...messages, String(code)];
  } finally {
    server.close();
  }
}

const cases: readonly (readonly [protocols: readonly string[], expected: readonly string[]])[] = [
  [[], ['bytes one\n', 'bytes two\n', '1000']],
  [['binary.k8s.io'], ['bytes one\n', 'bytes two\n', '1000']],
  [['base64.binary.k8s.io'], ['text b25lCg==', 'text dHdvCg==', '1000']],
  [['tea.example'], ['1006']],
];

for (const [protocols, expected] of cases) {
  test(`bytes over a WebSocket: ${protocols.join() || 'no protocol'}`, async () => {
    assert.deepEqual(await messagesOf(protocols), expected);
  });
}
