import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { CREATE_FLAGS, createObject } from '../create-object.ts';
import { fetchNamed } from '../pods-of.ts';
import { recordAt } from '../object-access.ts';
import { onlyName } from '../only-name.ts';

const SERVICE_TYPES = [
  { name: 'clusterip', type: 'ClusterIP', about: 'Create a ClusterIP service' },
  { name: 'nodeport', type: 'NodePort', about: 'Create a NodePort service' },
  { name: 'loadbalancer', type: 'LoadBalancer', about: 'Create a LoadBalancer service' },
  { name: 'externalname', type: 'ExternalName', about: 'Create an ExternalName service' },
] as const;

export const CREATE_WORKLOADS: readonly Command[] = [
  {
    name: 'deployment',
    aliases: ['deploy'],
    about: 'Create a deployment with the specified name',
    usage: 'NAME --image=image -- [COMMAND] [args...]',
    flags: [
      ...CREATE_FLAGS,
      { name: 'image', kind: 'list', isRequired: true, about: 'Images to run, one container each.' },
      { name: 'port', kind: 'int', initial: '-1', about: 'The port that the container listens on.' },
      { name: 'replicas', short: 'r', kind: 'int', initial: '1', about: 'How many pods to make.' },
    ],
    run: createDeployment,
  },
  {
    name: 'job',
    about: 'Create a job with the specified name',
    usage: 'NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]',
    flags: [
      ...CREATE_FLAGS,
      { name: 'from', kind: 'text', about: 'The cron job to take the job from: cronjob/name.' },
      { name: 'image', kind: 'text', about: 'Image to run.' },
    ],
    run: createJob,
  },
  {
    name: 'cronjob',
    aliases: ['cj'],
    about: 'Create a cron job with the specified name',
    usage: "NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...]",
    flags: [
      ...CREATE_FLAGS,
      { name: 'image', kind: 'text', isRequired: true, about: 'Image to run.' },
      { name: 'restart', kind: 'text', initial: 'OnFailure', about: 'Restart policy: OnFailure or Never.' },
      { name: 'schedule', kind: 'text', isRequired: true, about: 'When to run, in cron format.' },
    ],
    run: createCronJob,
  },
  {
    name: 'service',
    aliases: ['svc'],
    about: 'Create a service using a specified subcommand',
    commands: SERVICE_TYPES.map(({ name, type, about }) => ({
      name,
      about,
      usage: 'NAME [--tcp=port:targetPort]',
      flags: [
        ...CREATE_FLAGS,
        { name: 'clusterip', kind: 'text', about: 'The cluster IP; None for a headless service.' },
        { name: 'external-name', kind: 'text', about: 'The name that an ExternalName service stands for.' },
        { name: 'node-port', kind: 'int', initial: '0', about: 'The port on every node.' },
        { name: 'tcp', kind: 'list', about: 'Port pairs: 5678:8080.' },
      ],
      run: (invocation) => createService(invocation, type),
    })),
  },
];

function commandOf({ args, dash }: Invocation): readonly string[] {
  return dash === undefined ? [] : args.slice(dash);
}

/** `registry/team/web:1.2` makes a container `web`. */
function containerName(image: string): string {
  const [last = ''] = (image.split('/').at(-1) ?? '').split(/[:@]/);
  return last.replaceAll('_', '-');
}

async function createDeployment(invocation: Invocation): Promise<void> {
  const { flags } = invocation;
  const name = onlyName(invocation);
  const images = flags.list('image');
  const command = commandOf(invocation);
  if (images.length > 1 && command.length > 0) {
    throw new CliError('cannot specify multiple --image options and command');
  }
  const port = flags.int('port');
  const names = images.map(containerName);
  const containers = images.map((image, index) => {
    const base = names[index] ?? '';
    const isTaken = names.indexOf(base) < index;
    return {
      image,
      name: isTaken ? `${base}-${index}` : base,
      ...(command.length === 0 ? {} : { command }),
      ...(port > 0 && index === 0 ? { ports: [{ containerPort: port }] } : {}),
      resources: {},
    };
  });
  const labels = { app: name };
  await createObject(invocation, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas: flags.int('replicas'),
      selector: { matchLabels: labels },
      strategy: {},
      template: { metadata: { labels }, spec: { containers } },
    },
    status: {},
  });
}

async function createJob(invocation: Invocation): Promise<void> {
  const { flags, session } = invocation;
  const name = onlyName(invocation);
  const [image, from] = [flags.text('image'), flags.text('from')];
  const command = commandOf(invocation);
  if ((image === '') === (from === '')) {
    throw new CliError('either --image or --from must be specified');
  }
  if (from !== '') {
    const { object } = await fetchNamed(session, from);
    if (object.kind !== 'CronJob') {
      throw new CliError(`unknown object type: ${object.kind}`);
    }
    const template = recordAt(object, 'spec', 'jobTemplate');
    await createObject(invocation, {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name,
        annotations: {
          'cronjob.kubernetes.io/instantiate': 'manual',
          ...recordAt(template, 'metadata', 'annotations'),
        },
        labels: recordAt(template, 'metadata', 'labels'),
        ownerReferences: [
          {
            apiVersion: 'batch/v1',
            kind: 'CronJob',
            name: object.metadata.name,
            uid: object.metadata.uid,
            controller: true,
          },
        ],
      },
      spec: recordAt(template, 'spec'),
    });
    return;
  }
  await createObject(invocation, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { template: { metadata: {}, spec: jobPod(name, { image, command, restartPolicy: 'Never' }) } },
    status: {},
  });
}

interface JobPod {
  readonly image: string;
  readonly command: readonly string[];
  readonly restartPolicy: string;
}

function jobPod(name: string, { image, command, restartPolicy }: JobPod): object {
  return {
    containers: [{ image, name, ...(command.length === 0 ? {} : { command }), resources: {} }],
    restartPolicy,
  };
}

async function createCronJob(invocation: Invocation): Promise<void> {
  const { flags } = invocation;
  const name = onlyName(invocation);
  const pod = jobPod(name, {
    image: flags.text('image'),
    command: commandOf(invocation),
    restartPolicy: flags.text('restart'),
  });
  await createObject(invocation, {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name },
    spec: {
      jobTemplate: { metadata: { name }, spec: { template: { metadata: {}, spec: pod } } },
      schedule: flags.text('schedule'),
    },
    status: {},
  });
}

async function createService(invocation: Invocation, type: string): Promise<void> {
  const { flags } = invocation;
  const name = onlyName(invocation);
  const labels = { app: name };
  const ports = flags.list('tcp').map((text) => {
    const [port = '', target = port] = text.split(':');
    if (!/^\d+$/.test(port)) {
      throw new CliError(`invalid port ${JSON.stringify(text)}`);
    }
    const nodePort = flags.int('node-port');
    return {
      name: text.replace(':', '-'),
      port: Number(port),
      protocol: 'TCP',
      targetPort: /^\d+$/.test(target) ? Number(target) : target,
      ...(type === 'NodePort' && nodePort > 0 ? { nodePort } : {}),
    };
  });
  const clusterIP = flags.text('clusterip');
  if (
    type === 'ExternalName' ? flags.text('external-name') === '' : ports.length === 0 && clusterIP !== 'None'
  ) {
    throw new CliError(
      type === 'ExternalName'
        ? 'external-name must be specified'
        : 'at least one tcp port specifier must be provided',
    );
  }
  await createObject(invocation, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: {
      ...(clusterIP === '' ? {} : { clusterIP }),
      ...(type === 'ExternalName' ? { externalName: flags.text('external-name') } : {}),
      ...(ports.length === 0 ? {} : { ports }),
      selector: labels,
      type,
    },
    status: { loadBalancer: {} },
  });
}
