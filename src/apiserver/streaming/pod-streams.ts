import { badRequest } from '#api/status-error.ts';
import type { ContainerTarget, NodeStreamsPort, ProcessStreams } from './node-streams-port.ts';
import { servePortForward } from './port-forward.ts';
import { serveRemoteCommand } from './remote-command.ts';
import type { Upgrade } from './upgrade.ts';

/** What a request for a pod's stream is about; the pod was looked up, and the container chosen. */
export interface PodStreamRequest {
  readonly subresource: 'exec' | 'attach' | 'portforward';
  readonly target: ContainerTarget;
  /** `command`, `stdin`, `stdout`, `stderr`, `tty` as in PodExecOptions, or `ports`. */
  readonly query: URLSearchParams;
}

/**
 * Serves one of the pod's streaming subresources on an upgraded connection, until either side is gone.
 *
 * @throws {StatusError} nothing was written to the connection yet: the caller answers
 */
export async function servePodStream(
  upgrade: Upgrade,
  { subresource, target, query }: PodStreamRequest,
  node: NodeStreamsPort,
): Promise<void> {
  if (subresource === 'portforward') {
    const { namespace, pod } = target;
    await servePortForward(upgrade, {
      pod: `${namespace}/${pod}`,
      ports: portsOf(query),
      dial: (port) => node.portForward({ namespace, pod }, port),
    });
    return;
  }
  const streams = streamsOf(query);
  if (subresource === 'attach') {
    await serveRemoteCommand(upgrade, streams, () => node.attach(target, streams));
    return;
  }
  const command = query.getAll('command');
  if (command.length === 0) {
    throw badRequest('you must specify at least 1 command for the container');
  }
  await serveRemoteCommand(upgrade, streams, () => node.exec(target, { ...streams, command }));
}

/**
 * Reads which streams the client wants.
 *
 * @throws {StatusError} BadRequest when it wants none
 */
export function streamsOf(query: URLSearchParams): ProcessStreams {
  const isOn = (name: string): boolean =>
    ['true', '1', 't', 'T', 'TRUE', 'True'].includes(query.get(name) ?? '');
  const tty = isOn('tty');
  // A terminal has one output only.
  const streams = { stdin: isOn('stdin'), stdout: isOn('stdout'), stderr: isOn('stderr') && !tty, tty };
  if (!streams.stdin && !streams.stdout && !streams.stderr) {
    throw badRequest('you must specify at least one of stdin, stdout, stderr');
  }
  return streams;
}

function portsOf(query: URLSearchParams): readonly number[] {
  const ports = query.getAll('ports').flatMap((text) => text.split(','));
  return ports.map((text) => {
    const port = Number(text);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw badRequest(`port ${JSON.stringify(text)} is not between 1 and 65535`);
    }
    return port;
  });
}
