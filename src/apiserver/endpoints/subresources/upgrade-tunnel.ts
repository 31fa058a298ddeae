import { STATUS_CODES, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { responseHeaders } from './proxy-headers.ts';

/** The client's end of a connection that asked to be upgraded. */
export interface UpgradeConnection {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * Sends an upgrade request on and joins the two ends once its receiver agrees. After a refusal nothing else may come
 * through on what the first request was allowed.
 *
 * @param request not sent yet
 * @throws whatever `refusal` makes of an error before anything was written
 */
export async function tunnelUpgrade(
  request: ClientRequest,
  { socket, head }: Pick<UpgradeConnection, 'socket' | 'head'>,
  refusal: (error: unknown) => unknown,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  request.once('error', (error) => reject(refusal(error)));
  request.once('upgrade', (response, upstream, upstreamHead) => {
    socket.write(responseHead(response, { connection: 'Upgrade', upgrade: response.headers.upgrade ?? '' }));
    socket.write(upstreamHead);
    upstream.write(head);
    join(socket, upstream);
    resolve();
  });
  request.once('response', (response) => {
    socket.write(responseHead(response, { connection: 'close' }));
    response.pipe(socket);
    resolve();
  });
  request.end();
  await promise;
}

/** Both ends live as long as the shorter-lived of them. */
function join(client: Duplex, target: Duplex): void {
  target.on('error', () => client.destroy());
  client.on('error', () => target.destroy());
  client.on('close', () => target.destroy());
  target.on('close', () => client.destroy());
  client.pipe(target);
  target.pipe(client);
}

function responseHead(response: IncomingMessage, extra: Readonly<Record<string, string>>): string {
  const code = response.statusCode ?? 502;
  const passed = { ...responseHeaders(response.headers, { path: '', host: '' }, ''), ...extra };
  const lines = Object.entries(passed).flatMap(([name, value]) =>
    [value].flat().map((each) => `${name}: ${each}\r\n`),
  );
  return `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\n${lines.join('')}\r\n`;
}
