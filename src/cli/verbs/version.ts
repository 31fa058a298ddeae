import { encodeYaml } from '#codec/yaml.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { recordAt, textAt, valueAt } from '../object-access.ts';
import { goJson } from '../printers/go-json.ts';
import { listObjects } from '../find-objects.ts';
import { CLUSTER_INFO_DUMP } from './cluster-info-dump.ts';

/** The API that this program speaks. */
const CLIENT_VERSION = 'v1.36.0+coracle';

export const VERSION: Command = {
  name: 'version',
  about: 'Print the client and server version information',
  usage: '',
  flags: [
    { name: 'client', kind: 'bool', about: 'Print the version of this program only.' },
    { name: 'output', short: 'o', kind: 'text', about: 'yaml or json.' },
  ],
  run: version,
};

export const CLUSTER_INFO: Command = {
  name: 'cluster-info',
  about: 'Display cluster information',
  usage: '',
  commands: [CLUSTER_INFO_DUMP],
  run: clusterInfo,
};

async function version({ session, flags }: Invocation): Promise<void> {
  const client = { gitVersion: CLIENT_VERSION };
  const server = flags.bool('client')
    ? undefined
    : recordAt(await session.client.request({ path: '/version' }));
  const all = { clientVersion: client, ...(server === undefined ? {} : { serverVersion: server }) };
  switch (flags.text('output')) {
    case 'json':
      session.print(`${goJson(all, 2)}\n`);
      break;
    case 'yaml':
      session.print(encodeYaml(all));
      break;
    case '':
      session.print(`Client Version: ${client.gitVersion}\n`);
      session.print(server === undefined ? '' : `Server Version: ${textAt(server, 'gitVersion')}\n`);
      break;
    default:
      throw new CliError("--output must be 'yaml' or 'json'");
  }
}

async function clusterInfo({ session }: Invocation): Promise<void> {
  const { server } = session.client.target;
  const services = await listObjects(session, await session.resource('services'), 'kube-system', {
    labelSelector: 'kubernetes.io/cluster-service=true',
  });
  session.print(`Kubernetes control plane is running at ${server}\n`);
  for (const { object, namespace, name } of services) {
    const title = textAt(object, 'metadata', 'labels', 'kubernetes.io/name') || name;
    const port = textAt(valueAt(object, 'spec', 'ports', 0), 'name');
    const target = port === '' ? name : `${name}:${port}`;
    session.print(
      `${title} is running at ${server}/api/v1/namespaces/${namespace}/services/${target}/proxy\n`,
    );
  }
  session.print("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n");
}
