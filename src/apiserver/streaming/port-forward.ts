import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createWebSocketStream } from 'ws';
import { badRequest } from '#api/status-error.ts';
import type { Timer } from '#base/clock.ts';
import { describeError } from '#base/log.ts';
import { servePortsOnWebSocket } from './port-forward-channels.ts';
import type { SpdyHeaders } from './spdy/header-block.ts';
import { SpdyConnection } from './spdy/spdy-connection.ts';
import type { SpdyStream } from './spdy/spdy-stream.ts';
import { offersSpdyProtocol } from './spdy-channels.ts';
import {
  acceptUpgrade,
  acceptWebSocket,
  isSpdyUpgrade,
  isWebSocketUpgrade,
  offeredProtocols,
  PING_INTERVAL_MS,
  type Upgrade,
} from './upgrade.ts';

export interface PortForwardOptions {
  /** `namespace/name`, for messages. */
  readonly pod: string;
  /** The ports in the request's query; only the oldest form of the protocol needs them. */
  readonly ports: readonly number[];
  /** Connects to a port of the pod. */
  readonly dial: (port: number) => Promise<Duplex>;
}

const PROTOCOL = 'portforward.k8s.io';

/** SPDY inside a WebSocket, for proxies that let nothing else pass (KEP-4006). */
const TUNNEL_PROTOCOL = `SPDY/3.1+${PROTOCOL}`;

const CHANNEL_PROTOCOL = 'v4.channel.k8s.io';

/** How long one stream of a pair may be without the other. */
const PAIR_WAIT_MS = 30_000;

/**
 * Serves `portforward` on an upgraded connection until the client is gone.
 *
 * @throws {StatusError} nothing was written to the connection yet: the caller answers
 */
export async function servePortForward(upgrade: Upgrade, options: PortForwardOptions): Promise<void> {
  if (isWebSocketUpgrade(upgrade)) {
    const offered = offeredProtocols(upgrade);
    if (offered.includes(TUNNEL_PROTOCOL)) {
      const connection = await acceptWebSocket(upgrade, TUNNEL_PROTOCOL);
      const tunnel = createWebSocketStream(connection);
      // The connection's end is the stream's end too; its reason changes nothing.
      tunnel.on('error', () => undefined);
      await servePairs(tunnel, Buffer.alloc(0), upgrade, options);
      return;
    }
    if (offered.includes(CHANNEL_PROTOCOL) && options.ports.length > 0) {
      await servePortsOnWebSocket(await acceptWebSocket(upgrade, CHANNEL_PROTOCOL), options);
      return;
    }
    throw badRequest(`unable to upgrade: none of the subprotocols ${JSON.stringify(offered)} is supported`);
  }
  if (!isSpdyUpgrade(upgrade) || !offersSpdyProtocol(upgrade, PROTOCOL)) {
    throw badRequest(`unable to upgrade: ${PROTOCOL} over SPDY/3.1 or a WebSocket is needed`);
  }
  acceptUpgrade(upgrade, {
    Connection: 'Upgrade',
    Upgrade: 'SPDY/3.1',
    'X-Stream-Protocol-Version': PROTOCOL,
  });
  await servePairs(upgrade.socket, upgrade.head, upgrade, options);
}

interface Pair {
  readonly port: number;
  data?: SpdyStream;
  error?: SpdyStream;
  readonly timer: Timer;
}

/** Each forwarded connection is two streams with the same `requestID`: its bytes, and what went wrong with it. */
async function servePairs(
  transport: Duplex,
  head: Buffer,
  { clock }: Upgrade,
  options: PortForwardOptions,
): Promise<void> {
  const pairs = new Map<string, Pair>();
  const connection = new SpdyConnection(transport, {
    clock,
    pingIntervalMs: PING_INTERVAL_MS,
    onStream: (stream, headers) => {
      const port = Number(headers.get('port') ?? 0);
      const type = headers.get('streamtype');
      if (!Number.isInteger(port) || port < 1 || port > 65_535 || (type !== 'data' && type !== 'error')) {
        return false;
      }
      const id = requestIdOf(stream, headers, type);
      const pair = pairs.get(id) ?? {
        port,
        timer: clock.schedule(PAIR_WAIT_MS, () => {
          const late = pairs.get(id);
          pairs.delete(id);
          late?.data?.destroy();
          late?.error?.destroy();
        }),
      };
      pairs.set(id, pair);
      pair[type] = stream;
      if (pair.data !== undefined && pair.error !== undefined) {
        pairs.delete(id);
        pair.timer.cancel();
        void forward(pair.data, pair.error, pair.port, options);
      }
      return true;
    },
  });
  await connection.run(head);
  for (const { timer } of pairs.values()) {
    timer.cancel();
  }
}

/** Clients before 1.3 sent none; their data stream follows their error stream. */
function requestIdOf(stream: SpdyStream, headers: SpdyHeaders, type: 'data' | 'error'): string {
  return headers.get('requestid') ?? String(type === 'error' ? stream.id : stream.id - 2);
}

/** Never rejects: what goes wrong is told on the error stream. */
async function forward(
  data: SpdyStream,
  error: SpdyStream,
  port: number,
  { pod, dial }: PortForwardOptions,
): Promise<void> {
  error.resume();
  let target: Duplex | undefined;
  try {
    target = await dial(port);
    await Promise.all([pipeline(data, target), pipeline(target, data)]);
    error.end();
  } catch (failure) {
    if (data.wasReset) {
      // kubectl ends so when the pod has closed its side, and waits for the word that all was well.
      error.end();
    } else if (!error.destroyed) {
      error.end(`error forwarding port ${port} to pod ${pod}: ${describeError(failure)}`);
    }
  } finally {
    target?.destroy();
    data.destroy();
  }
}
