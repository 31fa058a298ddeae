import { internalError } from '#api/status-error.ts';
import type { ProcessStreams } from './node-streams-port.ts';
import type { ProcessChannels } from './process-channels.ts';
import { SpdyConnection } from './spdy/spdy-connection.ts';
import type { SpdyStream } from './spdy/spdy-stream.ts';
import { acceptUpgrade, PING_INTERVAL_MS, type Upgrade } from './upgrade.ts';

/** Versions of the stream protocol served over SPDY. The fourth sends a Status, the third and up resize. */
const PROTOCOL = 'v4.channel.k8s.io';

/** How long the client may take to open the streams it announced. */
const STREAMS_WAIT_MS = 30_000;

export function offersSpdyProtocol({ request }: Upgrade, protocol: string): boolean {
  const offered = request.headers['x-stream-protocol-version'];
  return [offered ?? ''].flat().some((line) => line.split(',').some((name) => name.trim() === protocol));
}

/**
 * Completes the handshake and waits for the client's streams, which say by their `streamtype` header what
 * they are.
 *
 * @throws {StatusError} the client did not open what it announced; the connection is ended
 */
export async function spdyChannels(upgrade: Upgrade, wanted: ProcessStreams): Promise<ProcessChannels> {
  const missing = new Set([
    'error',
    ...(wanted.stdin ? ['stdin'] : []),
    ...(wanted.stdout ? ['stdout'] : []),
    ...(wanted.stderr && !wanted.tty ? ['stderr'] : []),
    ...(wanted.tty ? ['resize'] : []),
  ]);
  const streams = new Map<string, SpdyStream>();
  const complete = Promise.withResolvers<void>();
  const connection = new SpdyConnection(upgrade.socket, {
    clock: upgrade.clock,
    pingIntervalMs: PING_INTERVAL_MS,
    onStream: (stream, headers) => {
      const type = headers.get('streamtype') ?? '';
      if (!missing.delete(type)) {
        return false;
      }
      streams.set(type, stream);
      if (missing.size === 0) {
        complete.resolve();
      }
      return true;
    },
  });
  acceptUpgrade(upgrade, {
    Connection: 'Upgrade',
    Upgrade: 'SPDY/3.1',
    'X-Stream-Protocol-Version': PROTOCOL,
  });
  const closed = connection.run(upgrade.head);
  const timer = upgrade.clock.schedule(STREAMS_WAIT_MS, () => connection.close());
  await Promise.race([complete.promise, closed]);
  timer.cancel();
  const error = streams.get('error');
  if (error === undefined || missing.size > 0) {
    connection.close();
    throw internalError('the client did not open its streams');
  }
  // Output streams are closed by the client's half at once; what it would send there is not looked at.
  for (const type of ['error', 'stdout', 'stderr']) {
    streams.get(type)?.resume();
  }
  return {
    stdin: streams.get('stdin'),
    stdout: streams.get('stdout'),
    stderr: streams.get('stderr'),
    resize: streams.get('resize'),
    error,
    closed,
    close: () => connection.close(),
  };
}

export const SPDY_REMOTE_COMMAND_PROTOCOL = PROTOCOL;
