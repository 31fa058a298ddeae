import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { refusal } from '#client/refusal.ts';
import { ConnectionError } from '#client/transport.ts';
import type { Query, RestClient } from '../rest-client.ts';

/** Characters of a refusal that are read; a server says why in few. */
const REFUSAL_MAX = 64 * 1024;

/**
 * Opens a WebSocket to a path of the API, paused, so that nothing is lost before the caller listens.
 *
 * @throws {StatusError}     the server refused the upgrade
 * @throws {ConnectionError} no answer came
 */
export async function openWebSocket(
  client: RestClient,
  {
    path,
    query,
    protocols,
  }: { readonly path: string; readonly query: Query; readonly protocols: readonly string[] },
): Promise<WebSocket> {
  const { url, headers } = client.webSocketAddress(path, query);
  const { ca, cert, key, serverName, isInsecure } = client.target;
  const socket = new WebSocket(url, [...protocols], {
    headers: { ...headers },
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    rejectUnauthorized: isInsecure !== true,
    perMessageDeflate: false,
  });
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  socket.once('open', () => {
    socket.pause();
    resolve(socket);
  });
  socket.once('unexpected-response', (_request, response: IncomingMessage) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => (text = (text + chunk).slice(0, REFUSAL_MAX)));
    response.once('end', () => reject(refusal(response.statusCode ?? 0, text)));
    response.once('error', reject);
  });
  socket.once('error', (cause) => reject(new ConnectionError(`talk to ${client.target.server}`, { cause })));
  return promise;
}

/** A message as one buffer, however it came. */
export function messageBytes(data: Buffer | ArrayBuffer | readonly Buffer[]): Buffer {
  return Buffer.isBuffer(data) ? data : data instanceof ArrayBuffer ? Buffer.from(data) : Buffer.concat(data);
}
