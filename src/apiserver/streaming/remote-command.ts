import { badRequest } from '#api/status-error.ts';
import type { ProcessSession, ProcessStreams } from './node-streams-port.ts';
import { connectProcess, type ProcessChannels } from './process-channels.ts';
import { offersSpdyProtocol, SPDY_REMOTE_COMMAND_PROTOCOL, spdyChannels } from './spdy-channels.ts';
import {
  acceptWebSocket,
  isSpdyUpgrade,
  isWebSocketUpgrade,
  offeredProtocols,
  type Upgrade,
} from './upgrade.ts';
import { REMOTE_COMMAND_PROTOCOLS, webSocketChannels } from './web-socket-channels.ts';

/**
 * Serves `exec` or `attach` on an upgraded connection, until the process or the client is gone. The process is
 * started before the handshake is answered, so that a refusal still is an ordinary answer.
 *
 * @param open starts the process, or attaches to it
 * @throws {StatusError} nothing was written to the connection yet: the caller answers
 */
export async function serveRemoteCommand(
  upgrade: Upgrade,
  streams: ProcessStreams,
  open: () => Promise<ProcessSession>,
): Promise<void> {
  const connect = handshakeOf(upgrade, streams);
  const session = await open();
  let channels: ProcessChannels;
  try {
    channels = await connect();
  } catch (error) {
    session.close();
    throw error;
  }
  await connectProcess(session, channels);
}

function handshakeOf(upgrade: Upgrade, streams: ProcessStreams): () => Promise<ProcessChannels> {
  if (isWebSocketUpgrade(upgrade)) {
    const offered = offeredProtocols(upgrade);
    const protocol =
      offered.length === 0
        ? ''
        : offered.find((name) => REMOTE_COMMAND_PROTOCOLS.some((known) => known === name));
    if (protocol === undefined) {
      throw badRequest(`unable to upgrade: none of the subprotocols ${JSON.stringify(offered)} is supported`);
    }
    return async () => webSocketChannels(await acceptWebSocket(upgrade, protocol), streams);
  }
  if (isSpdyUpgrade(upgrade) && offersSpdyProtocol(upgrade, SPDY_REMOTE_COMMAND_PROTOCOL)) {
    return () => spdyChannels(upgrade, streams);
  }
  throw badRequest(
    `unable to upgrade: ${SPDY_REMOTE_COMMAND_PROTOCOL} over SPDY/3.1 or a WebSocket is needed`,
  );
}
