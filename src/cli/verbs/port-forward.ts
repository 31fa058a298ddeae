import type { Server } from 'node:net';
import type { Pod } from '#api/types/core.v1.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import type { FoundObject } from '../find-objects.ts';
import { listAt, numberAt, textAt } from '../object-access.ts';
import { fetchNamed, firstPod } from '../pods-of.ts';
import { type ForwardedPort, forwardPort, localPort } from '../streams/port-forward.ts';

export const PORT_FORWARD: Command = {
  name: 'port-forward',
  about: 'Forward one or more local ports to a pod',
  usage: 'TYPE/NAME [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]',
  flags: [
    {
      name: 'address',
      kind: 'list',
      initial: 'localhost',
      about: 'Addresses to listen on; localhost is both of its addresses.',
    },
    {
      name: 'pod-running-timeout',
      kind: 'duration',
      initial: '1m0s',
      about: 'Accepted: how long to wait for a pod.',
    },
  ],
  run: portForward,
};

async function portForward(invocation: Invocation): Promise<void> {
  const { session, args, flags, path } = invocation;
  const [name = '', ...words] = args;
  if (words.length === 0) {
    throw new CliError(
      `TYPE/NAME and list of ports are required for port-forward\nSee '${path} -h' for help and examples`,
    );
  }
  const found = await fetchNamed(session, name);
  const pod = await firstPod(session, found);
  if (pod.status.phase !== 'Running') {
    throw new CliError(
      `unable to forward port because pod is not running. Current status=${pod.status.phase}`,
    );
  }
  const ports = words.map((word) => parsePort(word, found, pod));
  const servers: Server[] = [];
  const close = (): void => {
    for (const server of servers) {
      server.close();
      server.unref();
    }
  };
  try {
    for (const port of ports) {
      servers.push(
        ...(await listen(invocation, pod, { port, addresses: addressesOf(flags.list('address')) })),
      );
    }
    await interrupted(session.signal);
  } finally {
    close();
  }
}

function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    }
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function addressesOf(given: readonly string[]): readonly string[] {
  return given.flatMap((address) => (address === 'localhost' ? ['127.0.0.1', '::1'] : [address]));
}

interface Listening {
  readonly port: ForwardedPort;
  readonly addresses: readonly string[];
}

/** All addresses get the same local port. One of localhost's two is enough: a host may lack the other. */
async function listen(
  { session }: Invocation,
  pod: Pod,
  { port, addresses }: Listening,
): Promise<readonly Server[]> {
  const { namespace, name } = pod.metadata;
  const servers: Server[] = [];
  let local = port.local;
  let problem: unknown;
  for (const address of addresses) {
    try {
      const server = await forwardPort(
        {
          client: session.client,
          path: `/api/v1/namespaces/${namespace}/pods/${name}/portforward`,
          port: { local, remote: port.remote },
          onConnection: (from) => session.print(`Handling connection for ${from}\n`),
          onError: (error) =>
            session.printError(
              `error: an error occurred forwarding ${local} -> ${port.remote}: ${error instanceof Error ? error.message : String(error)}\n`,
            ),
        },
        address,
      );
      local = localPort(server);
      servers.push(server);
      const shown = address.includes(':') ? `[${address}]` : address;
      session.print(`Forwarding from ${shown}:${local} -> ${port.remote}\n`);
    } catch (error) {
      problem = error;
    }
  }
  if (servers.length === 0) {
    const why = problem instanceof Error ? problem.message : String(problem);
    session.printError(`Unable to listen on port ${port.local}: ${why}\n`);
    throw new CliError(`unable to listen on any of the requested ports: [{${port.local} ${port.remote}}]`);
  }
  return servers;
}

/** `8080:80`, `:80`, `80`, or names in place of numbers; a service's port means the one behind it. */
function parsePort(word: string, found: FoundObject, pod: Pod): ForwardedPort {
  const parts = word.split(':');
  if (parts.length > 2) {
    throw new CliError(`invalid port format '${word}'`);
  }
  const remoteText = parts.at(-1) ?? '';
  const remote =
    found.object.kind === 'Service' ? servicePort(remoteText, found, pod) : containerPort(remoteText, pod);
  const localText = parts.length === 1 ? remoteText : (parts[0] ?? '');
  const isNumber = /^\d+$/.test(localText);
  const local =
    localText === '' ? 0 : isNumber ? Number(localText) : parts.length === 1 ? remote : Number.NaN;
  if (!Number.isInteger(local) || local > 65_535) {
    throw new CliError(
      `error parsing local port '${localText}': strconv.ParseUint: parsing ${JSON.stringify(localText)}: invalid syntax`,
    );
  }
  if (remote === 0) {
    throw new CliError('remote port must be > 0');
  }
  return { local, remote };
}

function containerPort(text: string, pod: Pod): number {
  if (/^\d+$/.test(text)) {
    return Number(text);
  }
  const found = pod.spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === text);
  if (found === undefined) {
    throw new CliError(`Pod '${pod.metadata.name}' does not have a named port '${text}'`);
  }
  return found.containerPort;
}

function servicePort(text: string, { object }: FoundObject, pod: Pod): number {
  const port = listAt(object, 'spec', 'ports').find(
    (each) => textAt(each, 'port') === text || textAt(each, 'name') === text,
  );
  if (port === undefined) {
    throw new CliError(
      /^\d+$/.test(text)
        ? `Service ${object.metadata.name} does not have a service port ${text}`
        : `Service '${object.metadata.name}' does not have a named port '${text}'`,
    );
  }
  if (textAt(object, 'spec', 'clusterIP') === 'None') {
    return numberAt(port, 'port') ?? 0;
  }
  const target = textAt(port, 'targetPort');
  return target === '' || target === '0' ? (numberAt(port, 'port') ?? 0) : containerPort(target, pod);
}
