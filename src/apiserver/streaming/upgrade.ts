import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { badRequest } from '#api/status-error.ts';
import type { Clock } from '#base/clock.ts';

/** A connection whose client asked to speak something else than HTTP; the answer is not written yet. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What the client sent after its request already. */
  readonly head: Buffer;
  readonly clock: Clock;
}

/** Largest message taken from a client. kubectl sends 32 KiB. */
const MESSAGE_BYTES_MAX = 1024 * 1024;

/** A client that shows no sign of life for one to two of these is gone. */
export const PING_INTERVAL_MS = 30_000;

export function isWebSocketUpgrade({ request }: Upgrade): boolean {
  return (request.headers.upgrade ?? '').toLowerCase() === 'websocket';
}

export function isSpdyUpgrade({ request }: Upgrade): boolean {
  return (request.headers.upgrade ?? '').toLowerCase() === 'spdy/3.1';
}

/** Subprotocols the client offers, most wanted first. */
export function offeredProtocols({ request }: Upgrade): readonly string[] {
  return (request.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '');
}

/**
 * Completes the handshake in a protocol that was offered, or without one (the empty name) when none was. The connection is kept alive by pings, and cut when they are not answered. It is handed
 * over paused.
 *
 * @throws {StatusError} BadRequest when the handshake is malformed or the protocol was not offered
 */
export function acceptWebSocket(upgrade: Upgrade, protocol: string): Promise<WebSocket> {
  const offered = offeredProtocols(upgrade);
  if (protocol === '' ? offered.length > 0 : !offered.includes(protocol)) {
    return Promise.reject(badRequest(`unable to upgrade: the client does not speak ${protocol}`));
  }
  const { request, socket, head, clock } = upgrade;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MESSAGE_BYTES_MAX,
    handleProtocols: () => protocol,
  });
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  server.on('wsClientError', (error) => reject(badRequest(`unable to upgrade: ${error.message}`)));
  // The library takes a slash in a protocol's name for an error, and kubectl's tunnel has one. What was offered was
  // looked at above; it only has to see that something was.
  const headers = { ...request.headers, 'sec-websocket-protocol': 'offered' };
  const checked: IncomingMessage =
    protocol === '' ? request : Object.create(request, { headers: { value: headers } });
  server.handleUpgrade(checked, socket, head, (connection) => {
    // An error is followed by the close event, where everything is let go.
    connection.on('error', () => undefined);
    keepAlive(connection, clock);
    // Messages that came with the request must not be told before there is somebody to listen.
    connection.pause();
    resolve(connection);
  });
  return promise;
}

/** Answers "101 Switching Protocols" by hand, for what is not a WebSocket. */
export function acceptUpgrade({ socket }: Upgrade, headers: Readonly<Record<string, string>>): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 101 ${STATUS_CODES[101]}\r\n${lines.join('')}\r\n`);
}

function keepAlive(connection: WebSocket, clock: Clock): void {
  let isAlive = true;
  const check = (): void => {
    // While a reader is behind, answers to pings wait in the socket.
    if (!isAlive && !connection.isPaused) {
      connection.terminate();
      return;
    }
    isAlive = false;
    connection.ping();
    timer = clock.schedule(PING_INTERVAL_MS, check);
  };
  let timer = clock.schedule(PING_INTERVAL_MS, check);
  const markAlive = (): void => {
    isAlive = true;
  };
  connection.on('pong', markAlive);
  connection.on('message', markAlive);
  connection.on('close', () => timer.cancel());
}
