import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StatusError } from '#api/status-error.ts';
import type { Command, Invocation } from '../command.ts';
import { listObjects } from '../find-objects.ts';
import { asObject, listAt, textAt } from '../object-access.ts';
import { objectPrinter, OUTPUT_FLAGS, outputFormat } from '../printers/printer.ts';
import { pathOf } from '../resource-mapper.ts';
import { ALL_NAMESPACES_FLAG } from '../selection-flags.ts';

export const CLUSTER_INFO_DUMP: Command = {
  name: 'dump',
  about: 'Dump relevant information for debugging and diagnosis',
  usage: '',
  flags: [
    ...OUTPUT_FLAGS.map((flag) => (flag.name === 'output' ? { ...flag, initial: 'json' } : flag)),
    ALL_NAMESPACES_FLAG,
    { name: 'namespaces', kind: 'list', about: 'The namespaces to dump.' },
    { name: 'output-directory', kind: 'text', about: 'Write files into this directory, not to the output.' },
  ],
  run: dump,
};

/** What is dumped of each namespace, by the name of its file. */
const KINDS: readonly (readonly [file: string, resource: string])[] = [
  ['events', 'events'],
  ['replication-controllers', 'replicationcontrollers'],
  ['services', 'services'],
  ['daemonsets', 'daemonsets.apps'],
  ['deployments', 'deployments.apps'],
  ['replicasets', 'replicasets.apps'],
  ['pods', 'pods'],
];

async function dump(invocation: Invocation): Promise<void> {
  const { session, flags } = invocation;
  const directory = flags.text('output-directory');
  await dumpList(invocation, 'nodes', '', 'nodes');
  for (const namespace of await namespacesOf(invocation)) {
    for (const [file, resource] of KINDS) {
      await dumpList(invocation, resource, namespace, join(namespace, file));
    }
    for (const { object } of await listObjects(session, await session.resource('pods'), namespace)) {
      const containers = [
        ...listAt(object, 'spec', 'initContainers'),
        ...listAt(object, 'spec', 'containers'),
        ...listAt(object, 'spec', 'ephemeralContainers'),
      ].map((container) => textAt(container, 'name'));
      const { name } = object.metadata;
      for (const [index, container] of containers.entries()) {
        const text = await logText(invocation, { namespace, name, container });
        write(invocation, join(namespace, name, 'logs.txt'), text, index > 0);
      }
    }
  }
  if (directory !== '' && directory !== '-') {
    session.print(`Cluster info dumped to ${directory}\n`);
  }
}

async function namespacesOf({ session, flags }: Invocation): Promise<readonly string[]> {
  if (flags.bool('all-namespaces')) {
    const found = await listObjects(session, await session.resource('namespaces'), '');
    return found.map(({ name }) => name);
  }
  const given = flags.list('namespaces');
  return given.length > 0 ? given : ['kube-system', session.namespace];
}

async function dumpList(
  invocation: Invocation,
  type: string,
  namespace: string,
  file: string,
): Promise<void> {
  const { session, flags } = invocation;
  const resource = await session.resource(type);
  const list = asObject(await session.client.request({ path: pathOf(resource, { namespace }) }));
  const { name } = outputFormat(flags);
  const extension = name === 'json' || name === 'yaml' ? name : 'txt';
  write(invocation, `${file}.${extension}`, objectPrinter(flags)([list]), false);
}

interface ContainerPlace {
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
}

async function logText(
  { session }: Invocation,
  { namespace, name, container }: ContainerPlace,
): Promise<string> {
  const title = `logs for container ${container} of pod ${namespace}/${name} ====\n`;
  const resource = await session.resource('pods');
  const path = pathOf(resource, { namespace, name, subresource: 'log' });
  let text: string;
  try {
    text = await session.client.requestText({ path, query: { container } });
  } catch (error) {
    if (!(error instanceof StatusError)) {
      throw error;
    }
    text = `Request log error: ${error.message}\n`;
  }
  return `==== START ${title}${text}==== END ${title}`;
}

/** Dumps may hold secrets, so files are for their owner alone. */
function write({ session, flags }: Invocation, file: string, text: string, appends: boolean): void {
  const directory = flags.text('output-directory');
  if (directory === '' || directory === '-') {
    session.print(text);
    return;
  }
  const path = join(directory, file);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600, flag: appends ? 'a' : 'w' });
}
