import { createServer, type Server, type Socket } from 'node:net';
import { messageBytes, openWebSocket } from './web-socket-client.ts';
import type { RestClient } from '../rest-client.ts';

export interface ForwardedPort {
  readonly local: number;
  readonly remote: number;
}

export interface PortForward {
  readonly client: RestClient;
  /** The path of the pod's `portforward`. */
  readonly path: string;
  readonly port: ForwardedPort;
  readonly onConnection: (local: number) => void;
  readonly onError: (error: unknown, port: ForwardedPort) => void;
}

/** Data and errors of the one port that a connection of this protocol carries, each a channel of its own. */
const PROTOCOL = 'v4.channel.k8s.io';
const DATA = 0;
const ERROR = 1;
/** The first message of each channel repeats the port and is no data. */
const CHANNELS = 2;

/** How much may wait to be sent before the local side is held back, in bytes. */
const SEND_QUEUE_MAX = 1024 * 1024;

/**
 * Listens on one address and carries each connection over a WebSocket of its own to the pod's port.
 *
 * @returns the server, listening; its port is the one asked for, or any free one for 0
 */
export async function forwardPort(forward: PortForward, address: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    forward.onConnection(localPort(server));
    carry(forward, socket).catch((error: unknown) => {
      forward.onError(error, forward.port);
      socket.destroy();
    });
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: address, port: forward.port.local }, resolve);
  await promise;
  return server;
}

export function localPort(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function carry({ client, path, port, onError }: PortForward, local: Socket): Promise<void> {
  const remote = await openWebSocket(client, {
    path,
    query: { ports: String(port.remote) },
    protocols: [PROTOCOL],
  });
  let headsLeft = CHANNELS;
  remote.on('message', (data) => {
    const message = messageBytes(data);
    if (headsLeft > 0) {
      headsLeft -= 1;
      return;
    }
    const payload = message.subarray(1);
    if (message[0] === DATA && payload.length > 0 && !local.write(payload)) {
      remote.pause();
      local.once('drain', () => remote.resume());
    } else if (message[0] === ERROR && payload.length > 0) {
      onError(new Error(payload.toString('utf8')), port);
      local.destroy();
    }
  });
  remote.once('close', () => local.end());
  remote.on('error', () => local.destroy());
  local.on('data', (chunk: Buffer) => {
    remote.send(Buffer.concat([Buffer.from([DATA]), chunk]), () => {
      if (remote.bufferedAmount < SEND_QUEUE_MAX) {
        local.resume();
      }
    });
    if (remote.bufferedAmount >= SEND_QUEUE_MAX) {
      local.pause();
    }
  });
  // The protocol has no word for "no more from this side"; the other one answers and closes.
  local.once('close', () => remote.close());
  // A local program that goes away is no trouble of the pod's.
  local.on('error', () => remote.close());
  remote.resume();
  local.resume();
}
