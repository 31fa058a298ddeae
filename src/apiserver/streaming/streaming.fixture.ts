import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { PassThrough, type Duplex } from 'node:stream';
import { SystemClock, type Clock } from '#base/clock.ts';
import { internalError, StatusError } from '#api/status-error.ts';
import type { NodeStreamsPort, ProcessSession, ProcessStreams } from './node-streams-port.ts';
import { servePodStream } from './pod-streams.ts';

/** A node whose containers know a few commands: see {@link runFake}. */
export class FakeNode implements NodeStreamsPort {
  /** Terminal sizes that were set, as `80x24`. */
  readonly sizes: string[] = [];
  /** Sessions that were opened and not closed. */
  openSessions = 0;

  async exec(
    _: unknown,
    request: ProcessStreams & { readonly command: readonly string[] },
  ): Promise<ProcessSession> {
    if (request.command[0] === 'missing') {
      throw internalError('no such program');
    }
    return this.#open(request, request.command);
  }

  async attach(_: unknown, streams: ProcessStreams): Promise<ProcessSession> {
    return this.#open(streams, ['cat']);
  }

  async portForward(_: unknown, port: number): Promise<Duplex> {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    await once(socket, 'connect');
    return socket;
  }

  #open(streams: ProcessStreams, command: readonly string[]): ProcessSession {
    this.openSessions += 1;
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    let isOpen = true;
    if (!streams.stdin) {
      stdin.end();
    }
    return {
      stdin: streams.stdin ? stdin : undefined,
      stdout: streams.stdout ? stdout : undefined,
      stderr: streams.stderr ? stderr : undefined,
      resize: (columns, rows) => this.sizes.push(`${columns}x${rows}`),
      exit: runFake(command, { stdin, stdout, stderr }),
      close: () => {
        this.openSessions -= isOpen ? 1 : 0;
        isOpen = false;
        stdin.destroy();
      },
    };
  }
}

interface FakeStreams {
  readonly stdin: PassThrough;
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
}

/** `cat` repeats its input; `say OUT ERR CODE` writes and ends; `hang` never ends. */
async function runFake(
  [name, out = '', err = '', code = '0']: readonly string[],
  { stdin, stdout, stderr }: FakeStreams,
): Promise<{ readonly exitCode: number }> {
  if (name === 'hang') {
    await new Promise(() => undefined);
  }
  if (name === 'cat') {
    stdin.pipe(stdout);
    await once(stdin, 'end');
  } else {
    stdout.end(out);
  }
  stderr.end(err);
  return { exitCode: Number(code) };
}

export interface StreamServer extends AsyncDisposable {
  readonly port: number;
  readonly node: FakeNode;
}

/** An HTTP server with one pod, `default/web`, and its streams. */
export async function startStreamServer(clock: Clock = new SystemClock()): Promise<StreamServer> {
  const node = new FakeNode();
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(ANSWERS[(request.url ?? '').split('?')[0] ?? ''] ?? EMPTY_GROUPS));
  });
  const sockets = new Set<Duplex>();
  server.on('upgrade', (request, socket, head) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    void serve(request, socket, head);
  });
  const serve = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const url = new URL(request.url ?? '', 'http://server');
    const subresource = url.pathname.split('/').at(-1) as 'exec' | 'attach' | 'portforward';
    const target = { namespace: 'default', pod: 'web', container: 'main' };
    try {
      await servePodStream(
        { request, socket, head, clock },
        { subresource, target, query: url.searchParams },
        node,
      );
    } catch (error) {
      const code = error instanceof StatusError ? error.code : 500;
      const text = error instanceof Error ? error.message : '';
      socket.end(`HTTP/1.1 ${code} refused\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    }
  };
  return {
    port: await listen(server),
    node,
    [Symbol.asyncDispose]: async () => {
      sockets.forEach((socket) => socket.destroy());
      await closeServer(server);
    },
  };
}

/** A TCP server that answers all it was sent, in upper case, once the client has said all. */
export async function startShouter(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    let said = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    socket.on('end', () => socket.end(said.toUpperCase()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

const EMPTY_GROUPS = { kind: 'APIGroupList', apiVersion: 'v1', groups: [] };

/** As much of an API as kubectl asks for before it opens a stream. */
const ANSWERS: Readonly<Record<string, object>> = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/api/v1': {
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: [{ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get'] }],
  },
  '/api/v1/namespaces/default/pods/web': {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default' },
    spec: { containers: [{ name: 'main', image: 'example' }] },
    status: { phase: 'Running' },
  },
};
