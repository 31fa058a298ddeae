import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { CREATE_FLAGS, createObject } from '../create-object.ts';
import { findObjects } from '../find-objects.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { type AnyObject, listAt, recordAt, textAt } from '../object-access.ts';
import { onlyName } from '../only-name.ts';

export const EXPOSE: Command = {
  name: 'expose',
  about:
    'Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service',
  usage: '(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name]',
  flags: [
    ...FILE_FLAGS,
    ...CREATE_FLAGS,
    { name: 'cluster-ip', kind: 'text', about: 'The cluster IP; None for a headless service.' },
    { name: 'external-ip', kind: 'text', about: 'Another address that the service has.' },
    { name: 'labels', short: 'l', kind: 'text', about: 'Labels of the service.' },
    { name: 'name', kind: 'text', about: 'Name of the service.' },
    { name: 'port', kind: 'text', about: 'The port that the service is to have.' },
    { name: 'protocol', kind: 'text', about: 'TCP, UDP or SCTP.' },
    { name: 'selector', kind: 'text', about: 'Labels that choose the pods: a=b,c=d.' },
    { name: 'session-affinity', kind: 'text', about: 'None or ClientIP.' },
    { name: 'target-port', kind: 'text', about: 'Name or number of the port in the pod.' },
    { name: 'type', kind: 'text', about: 'ClusterIP, NodePort, LoadBalancer or ExternalName.' },
  ],
  run: expose,
};

export const RUN: Command = {
  name: 'run',
  about: 'Run a particular image on the cluster',
  usage: 'NAME --image=image [--env="key=value"] [--port=port] [--command] -- [COMMAND] [args...]',
  flags: [
    ...CREATE_FLAGS,
    { name: 'attach', kind: 'bool', about: 'Wait for the pod and attach to it.' },
    { name: 'command', kind: 'bool', about: 'The words behind -- are the command, not its arguments.' },
    { name: 'env', kind: 'array', about: 'Environment variables: key=value.' },
    { name: 'image', kind: 'text', isRequired: true, about: 'The image to run.' },
    { name: 'image-pull-policy', kind: 'text', about: 'Always, IfNotPresent or Never.' },
    { name: 'labels', short: 'l', kind: 'text', about: 'Labels of the pod: a=b,c=d.' },
    { name: 'port', kind: 'text', about: 'The port that the container listens on.' },
    { name: 'quiet', short: 'q', kind: 'bool', about: 'Print only what the container prints.' },
    {
      name: 'restart',
      kind: 'text',
      initial: 'Always',
      about: 'Restart policy: Always, OnFailure or Never.',
    },
    { name: 'rm', kind: 'bool', about: 'Delete the pod when the attached session ends.' },
    { name: 'stdin', short: 'i', kind: 'bool', about: 'Keep the standard input open.' },
    { name: 'tty', short: 't', kind: 'bool', about: 'Give the container a terminal.' },
  ],
  run: runImage,
};

/** `a=b,c=d` */
function readLabels(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text
      .split(',')
      .filter((part) => part !== '')
      .map((part) => {
        const equals = part.indexOf('=');
        if (equals <= 0) {
          throw new CliError(`unexpected label spec: ${part}`);
        }
        return [part.slice(0, equals), part.slice(equals + 1)];
      }),
  );
}

async function expose(invocation: Invocation): Promise<void> {
  const { flags } = invocation;
  for (const { object, name, resource } of await findObjects(invocation)) {
    const ports = portsOf(invocation, object);
    if (ports.length === 0) {
      throw new CliError("couldn't find port via --port flag or introspection");
    }
    const selector =
      flags.text('selector') === ''
        ? selectorOf(object, resource.resource)
        : readLabels(flags.text('selector'));
    const text = (flag: string, field: string): object =>
      flags.text(flag) === '' ? {} : { [field]: flags.text(flag) };
    const labels = flags.has('labels') ? readLabels(flags.text('labels')) : object.metadata.labels;
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: flags.text('name') || name, ...(labels === undefined ? {} : { labels }) },
      spec: {
        ...text('cluster-ip', 'clusterIP'),
        ...(flags.text('external-ip') === '' ? {} : { externalIPs: [flags.text('external-ip')] }),
        ports,
        selector,
        ...text('session-affinity', 'sessionAffinity'),
        ...text('type', 'type'),
      },
      status: { loadBalancer: {} },
    };
    await createObject(invocation, service, 'exposed');
  }
}

function selectorOf(object: AnyObject, resource: string): object {
  if (object.kind === 'Pod') {
    const labels = object.metadata.labels ?? {};
    if (Object.keys(labels).length === 0) {
      throw new CliError('the pod has no labels and cannot be exposed');
    }
    return labels;
  }
  const selector = recordAt(object, 'spec', 'selector');
  const isPlain = object.kind === 'Service' || object.kind === 'ReplicationController';
  if (!isPlain && listAt(selector, 'matchExpressions').length > 0) {
    throw new CliError(
      `couldn't convert expressions - "${JSON.stringify(selector['matchExpressions'])}" to map-based selector format`,
    );
  }
  const map = isPlain ? selector : recordAt(selector, 'matchLabels');
  if (Object.keys(map).length === 0) {
    throw new CliError(
      `couldn't retrieve selectors via --selector flag or introspection: no selector on ${resource}`,
    );
  }
  return map;
}

function portsOf({ flags }: Invocation, object: AnyObject): readonly object[] {
  const protocol = flags.text('protocol');
  const target = flags.text('target-port');
  const given = flags.text('port');
  const pod = object.kind === 'Pod' ? recordAt(object, 'spec') : recordAt(object, 'spec', 'template', 'spec');
  const known =
    object.kind === 'Service'
      ? listAt(object, 'spec', 'ports').map((port) => ({
          port: textAt(port, 'port'),
          protocol: textAt(port, 'protocol'),
        }))
      : listAt(pod, 'containers')
          .flatMap((container) => listAt(container, 'ports'))
          .map((port) => ({ port: textAt(port, 'containerPort'), protocol: textAt(port, 'protocol') }));
  const ports = given === '' ? known.map(({ port }) => port) : given.split(',');
  return ports.map((port, index) => ({
    ...(ports.length > 1 ? { name: `port-${index + 1}` } : {}),
    port: Number(port),
    protocol: protocol || known.find((each) => each.port === port)?.protocol || 'TCP',
    targetPort: target === '' ? Number(port) : /^\d+$/.test(target) ? Number(target) : target,
  }));
}

async function runImage(invocation: Invocation): Promise<number> {
  const { flags, args, dash, session } = invocation;
  const name = onlyName(dash === undefined ? { ...invocation, args: args.slice(0, 1) } : invocation);
  const words = dash === undefined ? args.slice(1) : args.slice(dash);
  const [wantsStdin, wantsTty] = [flags.bool('stdin'), flags.bool('tty')];
  if (wantsTty && !wantsStdin) {
    throw new CliError('-i/--stdin is required for containers with -t/--tty=true');
  }
  const isAttaching = flags.bool('attach') || (wantsStdin && !flags.has('attach'));
  if (flags.bool('rm') && !isAttaching) {
    throw new CliError('--rm should only be used for attached containers');
  }
  const env = flags.list('env').map((text) => {
    const equals = text.indexOf('=');
    if (equals <= 0) {
      throw new CliError(`invalid env: ${text}`);
    }
    return { name: text.slice(0, equals), value: text.slice(equals + 1) };
  });
  const container = {
    ...(words.length === 0 ? {} : { [flags.bool('command') ? 'command' : 'args']: words }),
    ...(env.length === 0 ? {} : { env }),
    image: flags.text('image'),
    ...(flags.text('image-pull-policy') === '' ? {} : { imagePullPolicy: flags.text('image-pull-policy') }),
    name,
    ...(flags.text('port') === '' ? {} : { ports: [{ containerPort: Number(flags.text('port')) }] }),
    resources: {},
    ...(wantsStdin ? { stdin: true, stdinOnce: true } : {}),
    ...(wantsTty ? { tty: true } : {}),
  };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { labels: flags.has('labels') ? readLabels(flags.text('labels')) : { run: name }, name },
    spec: { containers: [container], dnsPolicy: 'ClusterFirst', restartPolicy: flags.text('restart') },
    status: {},
  };
  if (!isAttaching || flags.text('dry-run') !== 'none') {
    await createObject(invocation, pod);
    return 0;
  }
  const { runAttached } = await import('./run-attached.ts');
  return runAttached(invocation, pod, session.namespace);
}
