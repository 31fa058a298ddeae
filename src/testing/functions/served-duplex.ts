import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { duplexPair, Readable, type Duplex } from 'node:stream';
import type { RequestHandler } from './container-function.ts';

/** The other end of a connection that speaks HTTP/1.1 with a handler. */
export function servedDuplex(handler: RequestHandler): Duplex {
  const [ours, theirs] = duplexPair();
  const server = createServer({ requestTimeout: 0, headersTimeout: 0 }, (request, response) => {
    answer(handler, request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  });
  server.emit('connection', ours);
  // Ends the server's look at idle connections.
  ours.once('close', () => server.close());
  theirs.once('close', () => ours.destroy());
  return theirs;
}

async function answer(
  handler: RequestHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = 'GET', url = '/', headers } = request;
  const sent = new Headers();
  for (const [name, value = ''] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      sent.append(name, one);
    }
  }
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const answered = await handler(
    new Request(new URL(url, `http://${headers.host ?? 'localhost'}`), {
      method,
      headers: sent,
      ...(hasBody ? { body: Readable.toWeb(request), duplex: 'half' } : {}),
    }),
  );
  response.writeHead(answered.status, [...answered.headers].flat());
  if (answered.body !== null) {
    for await (const chunk of answered.body) {
      response.write(chunk);
    }
  }
  response.end();
}
