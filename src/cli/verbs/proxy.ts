import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { readAtMost } from '#base/read-at-most.ts';
import { ConnectionError } from '#client/transport.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';

export const PROXY: Command = {
  name: 'proxy',
  about: 'Run a proxy to the Kubernetes API server',
  usage: '[--port=PORT] [--api-prefix=prefix]',
  flags: [
    {
      name: 'accept-hosts',
      kind: 'text',
      initial: '^localhost$,^127\\.0\\.0\\.1$,^\\[::1\\]$',
      about: 'Regular expressions of hosts to answer to.',
    },
    { name: 'accept-paths', kind: 'text', initial: '^.*', about: 'Regular expressions of paths to pass on.' },
    { name: 'address', kind: 'text', initial: '127.0.0.1', about: 'The address to listen on.' },
    { name: 'api-prefix', kind: 'text', initial: '/', about: 'The prefix that the API is served under.' },
    { name: 'disable-filter', kind: 'bool', about: 'Pass everything on, from anyone. This is dangerous.' },
    { name: 'keepalive', kind: 'duration', initial: '0s', about: 'Accepted: connections are kept alive.' },
    { name: 'port', short: 'p', kind: 'int', initial: '8001', about: 'The port to listen on; 0 for any.' },
    {
      name: 'reject-methods',
      kind: 'text',
      initial: '^$',
      about: 'Regular expressions of methods to refuse.',
    },
    {
      name: 'reject-paths',
      kind: 'text',
      initial: '^/api/.*/pods/.*/exec,^/api/.*/pods/.*/attach',
      about: 'Regular expressions of paths to refuse.',
    },
    { name: 'unix-socket', short: 'u', kind: 'text', about: 'A Unix socket to listen on.' },
  ],
  run: proxy,
};

/** Bodies are read whole before they are passed on; the API server takes less. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;

/** Headers that are about one connection, or that the passed-on request gets anew. */
const HOP_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

async function proxy(invocation: Invocation): Promise<void> {
  const { session, flags } = invocation;
  const filter = flags.bool('disable-filter') ? () => true : filterOf(invocation);
  if (flags.bool('disable-filter') && flags.text('unix-socket') === '') {
    session.printError(
      'Request filter disabled, your proxy is vulnerable to XSRF attacks, please be cautious\n',
    );
  }
  const server = createServer((request, response) => {
    if (!filter(request)) {
      response.writeHead(403, { 'content-type': 'text/plain; charset=utf-8' }).end('Forbidden\n');
      return;
    }
    void passOn(invocation, request, response);
  });
  server.on('upgrade', (_request, socket) => {
    socket.end('HTTP/1.1 501 Not Implemented\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  });
  try {
    session.print(`Starting to serve on ${await listen(invocation, server)}\n`);
    await interrupted(session.signal);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function interrupted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
}

/** @returns where it listens, as people write it */
async function listen({ flags }: Invocation, server: Server): Promise<string> {
  const socket = flags.text('unix-socket');
  if (socket === '') {
    server.listen(flags.int('port'), flags.text('address'));
  } else {
    server.listen(socket);
  }
  try {
    await once(server, 'listening');
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      ? new CliError(
          `listen tcp ${flags.text('address')}:${flags.text('port')}: bind: address already in use`,
        )
      : error;
  }
  const address = server.address();
  return typeof address === 'string' || address === null ? socket : hostPort(address);
}

function hostPort({ address, port }: AddressInfo): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function filterOf({ flags }: Invocation): (request: IncomingMessage) => boolean {
  const patterns = (flag: string): readonly RegExp[] =>
    flags
      .text(flag)
      .split(',')
      .map((source) => {
        try {
          return new RegExp(source);
        } catch {
          throw new CliError(`--${flag} has ${JSON.stringify(source)}, which is no regular expression`);
        }
      });
  const accepted = { hosts: patterns('accept-hosts'), paths: patterns('accept-paths') };
  const rejected = { methods: patterns('reject-methods'), paths: patterns('reject-paths') };
  const matches = (all: readonly RegExp[], text: string): boolean =>
    all.some((pattern) => pattern.test(text));
  return ({ method = '', url = '', headers }) => {
    const path = new URL(url, 'http://proxy').pathname;
    const host = (headers.host ?? '').replace(/:\d+$/, '');
    return (
      !matches(rejected.paths, path) &&
      !matches(rejected.methods, method) &&
      matches(accepted.paths, path) &&
      matches(accepted.hosts, host)
    );
  };
}

/** Sends a request on with the identity of the kubeconfig, and its answer back as it comes. */
async function passOn(
  { session, flags }: Invocation,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const prefix = flags.text('api-prefix').replace(/\/+$/, '');
  const { method = 'GET', url = '/' } = request;
  if (!url.startsWith(`${prefix}/`)) {
    response.writeHead(404).end();
    return;
  }
  const ending = new AbortController();
  response.once('close', () => ending.abort());
  try {
    const body = await readBody(request);
    const answer = await session.client.passOn(
      {
        method,
        path: url.slice(prefix.length),
        headers: passedHeaders(request.headers),
        ...(body.length === 0 ? {} : { body }),
      },
      ending.signal,
    );
    response.writeHead(answer.status, passedHeaders(answer.headers));
    response.flushHeaders();
    await pipeline(answer.body, response);
  } catch (error) {
    if (ending.signal.aborted) {
      return;
    }
    if (!(error instanceof ConnectionError || error instanceof CliError)) {
      response.destroy();
      return;
    }
    session.printError(`${error.message}\n`);
    if (response.headersSent) {
      response.destroy();
    } else {
      response.writeHead(502, { 'content-type': 'text/plain; charset=utf-8' }).end(`${error.message}\n`);
    }
  }
}

function readBody(request: IncomingMessage): Promise<Buffer> {
  return readAtMost(
    request,
    BODY_BYTES_MAX,
    () => new CliError('the request is larger than what the API server takes'),
  );
}

function passedHeaders(
  headers: IncomingHttpHeaders | Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || HOP_HEADERS.has(name) || name.startsWith(':')
        ? []
        : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}
