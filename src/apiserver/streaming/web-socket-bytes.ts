import { once } from 'node:events';
import type { WebSocket } from 'ws';
import { badRequest } from '#api/status-error.ts';
import { acceptWebSocket, offeredProtocols, type Upgrade } from './upgrade.ts';

/** How the bytes are sent, by subprotocol; without one they are binary messages. */
const ENCODINGS: ReadonlyMap<string, 'binary' | 'base64'> = new Map([
  ['', 'binary'],
  ['binary.k8s.io', 'binary'],
  ['base64.binary.k8s.io', 'base64'],
]);

/** Closing code for "done, all well". */
const NORMAL_CLOSURE = 1000;

/**
 * Sends a stream of bytes as messages of a WebSocket, which browsers can read, until it ends or the client goes.
 *
 * @param open makes the stream, before the handshake is answered; the signal says that the client has gone
 * @throws {StatusError} nothing was written to the connection yet: the caller answers
 */
export async function serveWebSocketBytes(
  upgrade: Upgrade,
  open: (signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>,
): Promise<void> {
  const offered = offeredProtocols(upgrade);
  const protocol = offered.length === 0 ? '' : offered.find((name) => ENCODINGS.has(name));
  if (protocol === undefined) {
    throw badRequest(`unable to upgrade: none of the subprotocols ${JSON.stringify(offered)} is supported`);
  }
  const gone = new AbortController();
  upgrade.socket.once('close', () => gone.abort());
  const chunks = await open(gone.signal);
  const connection = await acceptWebSocket(upgrade, protocol);
  // What the client says is not for anybody, but its closing has to be seen.
  connection.resume();
  try {
    await sendAll(connection, chunks, ENCODINGS.get(protocol) === 'base64');
  } finally {
    connection.close(NORMAL_CLOSURE);
  }
}

async function sendAll(
  connection: WebSocket,
  chunks: AsyncIterable<Uint8Array>,
  isText: boolean,
): Promise<void> {
  const closed = once(connection, 'close');
  for await (const chunk of chunks) {
    if (connection.readyState !== connection.OPEN) {
      return;
    }
    const sent = Promise.withResolvers<void>();
    // The callback comes when the bytes are with the kernel, which is what slows the source down.
    connection.send(isText ? Buffer.from(chunk).toString('base64') : chunk, () => sent.resolve());
    await Promise.race([sent.promise, closed]);
  }
}
