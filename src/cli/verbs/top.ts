import {
  addQuantities,
  parseQuantity,
  type Quantity,
  quantityToMillis,
  quantityToNumber,
} from '#api/quantity.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import type { ApiResource } from '../discovery.ts';
import type { Flag } from '../flags.ts';
import { type FoundObject, listObjects } from '../find-objects.ts';
import { compareText, listAt, recordAt, textAt } from '../object-access.ts';
import { pathOf } from '../resource-mapper.ts';
import { ALL_NAMESPACES_FLAG, FIELD_SELECTOR_FLAG, SELECTOR_FLAG } from '../selection-flags.ts';
import { alignedText, TABLE_LAYOUT } from '../tab-writer.ts';

const FLAGS: readonly Flag[] = [
  SELECTOR_FLAG,
  { name: 'no-headers', kind: 'bool', about: 'Do not print headers.' },
  { name: 'sort-by', kind: 'text', about: 'cpu or memory: the most first.' },
  {
    name: 'use-protocol-buffers',
    kind: 'bool',
    initial: 'true',
    about: 'Accepted: metrics are asked for in JSON.',
  },
];

export const TOP: Command = {
  name: 'top',
  about: 'Display resource (CPU/memory) usage',
  commands: [
    {
      name: 'node',
      aliases: ['nodes', 'no'],
      about: 'Display resource (CPU/memory) usage of nodes',
      usage: '[NAME | -l label]',
      flags: [
        ...FLAGS,
        {
          name: 'show-capacity',
          kind: 'bool',
          about: 'Shares of the capacity, not of what can be allocated.',
        },
      ],
      run: topNode,
    },
    {
      name: 'pod',
      aliases: ['pods', 'po'],
      about: 'Display resource (CPU/memory) usage of pods',
      usage: '[NAME | -l label]',
      flags: [
        ...FLAGS,
        ALL_NAMESPACES_FLAG,
        FIELD_SELECTOR_FLAG,
        { name: 'containers', kind: 'bool', about: 'Print each container.' },
        { name: 'sum', kind: 'bool', about: 'Print the sum.' },
      ],
      run: topPod,
    },
  ],
};

const GROUP = 'metrics.k8s.io';
const VERSION = 'v1beta1';
const MEBIBYTE = 1024 * 1024;
/** Name, CPU and memory. As upstream, a sum without headers stands where these would be alone. */
const COLUMNS = 3;

interface Usage {
  readonly cpu: Quantity;
  readonly memory: Quantity;
}

const NONE: Usage = { cpu: parseQuantity('0'), memory: parseQuantity('0') };

/** @throws {CliError} nothing serves metrics */
async function metricsResource(
  { session, flags, args, path }: Invocation,
  name: 'nodes' | 'pods',
): Promise<ApiResource> {
  if (args.length > 1) {
    throw new CliError(
      `${path.split(' ').at(-1) ?? ''} [NAME | -l label]\nSee '${path} -h' for help and examples`,
    );
  }
  const sorting = flags.text('sort-by');
  if (sorting !== '' && sorting !== 'cpu' && sorting !== 'memory') {
    throw new CliError('--sort-by accepts only cpu or memory');
  }
  if (args.length > 0 && flags.text('selector') !== '') {
    throw new CliError('only one of NAME or selector can be provided');
  }
  const { resources } = await session.mapper();
  const found = resources.find(
    (each) => each.group === GROUP && each.version === VERSION && each.resource === name,
  );
  if (found === undefined) {
    throw new CliError('Metrics API not available');
  }
  return found;
}

/** Metrics of what the arguments name, or of all. */
async function metricsOf(
  { session, args, flags }: Invocation,
  resource: ApiResource,
  namespace: string,
): Promise<readonly Pick<FoundObject, 'object' | 'name' | 'namespace'>[]> {
  const [name] = args;
  if (name === undefined) {
    const fieldSelector = flags.isKnown('field-selector') ? flags.text('field-selector') : '';
    return listObjects(session, resource, namespace, {
      labelSelector: flags.text('selector'),
      fieldSelector,
    });
  }
  const object = await session.client.request({ path: pathOf(resource, { namespace, name }) });
  return [{ object: object as FoundObject['object'], name, namespace }];
}

function usageOf(source: unknown): Usage {
  return {
    cpu: parseQuantity(textAt(source, 'cpu') || '0'),
    memory: parseQuantity(textAt(source, 'memory') || '0'),
  };
}

function sum(usages: readonly Usage[]): Usage {
  return usages.reduce(
    (total, { cpu, memory }) => ({
      cpu: addQuantities(total.cpu, cpu),
      memory: addQuantities(total.memory, memory),
    }),
    NONE,
  );
}

function cpuText({ cpu }: Usage): string {
  return `${quantityToMillis(cpu)}m`;
}

function memoryText({ memory }: Usage): string {
  return `${Math.trunc(quantityToNumber(memory) / MEBIBYTE)}Mi`;
}

/** The most first where it is asked for, else by name. */
function sorted<T extends { readonly name: string; readonly usage: Usage }>(
  { flags }: Invocation,
  rows: readonly T[],
): readonly T[] {
  switch (flags.text('sort-by')) {
    case 'cpu':
      return rows.toSorted(
        (left, right) => quantityToMillis(right.usage.cpu) - quantityToMillis(left.usage.cpu),
      );
    case 'memory':
      return rows.toSorted(
        (left, right) => quantityToNumber(right.usage.memory) - quantityToNumber(left.usage.memory),
      );
    default:
      return rows.toSorted((left, right) => compareText(left.name, right.name));
  }
}

function print(
  { session, flags }: Invocation,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const lines = flags.bool('no-headers') ? rows : [header, ...rows];
  session.print(alignedText(TABLE_LAYOUT, lines.map((line) => `${line.join('\t')}\t\n`).join('')));
}

async function topNode(invocation: Invocation): Promise<void> {
  const { session, flags, args } = invocation;
  const resource = await metricsResource(invocation, 'nodes');
  const metrics = await metricsOf(invocation, resource, '');
  if (metrics.length === 0) {
    throw new CliError('metrics not available yet');
  }
  const nodes = await session.resource('nodes');
  const [name] = args;
  const found =
    name === undefined
      ? await listObjects(session, nodes, '', { labelSelector: flags.text('selector') })
      : [{ name, object: await session.client.request({ path: pathOf(nodes, { name }) }) }];
  const field = flags.bool('show-capacity') ? 'capacity' : 'allocatable';
  const available = new Map(
    found.map((node) => [node.name, usageOf(recordAt(node.object, 'status', field))] as const),
  );
  const measured = metrics.map((each) => ({
    name: each.name,
    usage: usageOf(recordAt(each.object, 'usage')),
  }));
  const rows = sorted(invocation, measured).map(({ name: node, usage }) => {
    const all = available.get(node);
    available.delete(node);
    return [
      node,
      cpuText(usage),
      ...(all === undefined ? [] : [percent(quantityToMillis(usage.cpu), quantityToMillis(all.cpu))]),
      memoryText(usage),
      ...(all === undefined ? [] : [percent(quantityToNumber(usage.memory), quantityToNumber(all.memory))]),
    ];
  });
  const missing = [...available.keys()].map((node) => [node, ...Array<string>(4).fill('<unknown>')]);
  print(invocation, ['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)'], [...rows, ...missing]);
}

function percent(used: number, all: number): string {
  return `${all === 0 ? 0 : Math.trunc((used / all) * 100)}%`;
}

async function topPod(invocation: Invocation): Promise<void> {
  const { session, flags } = invocation;
  const isEverywhere = flags.bool('all-namespaces');
  const namespace = isEverywhere ? '' : session.namespace;
  const resource = await metricsResource(invocation, 'pods');
  const metrics = await metricsOf(invocation, resource, namespace);
  if (metrics.length === 0) {
    session.printError(
      isEverywhere ? 'No resources found\n' : `No resources found in ${namespace} namespace.\n`,
    );
    return;
  }
  const pods = metrics.map(({ object, name }) => {
    const containers = listAt(object, 'containers').map((container) => ({
      name: textAt(container, 'name'),
      usage: usageOf(recordAt(container, 'usage')),
    }));
    return {
      name,
      namespace: textAt(object, 'metadata', 'namespace'),
      containers,
      usage: sum(containers.map(({ usage }) => usage)),
    };
  });
  const ordered =
    isEverywhere && flags.text('sort-by') === ''
      ? pods.toSorted(
          (left, right) => compareText(left.namespace, right.namespace) || compareText(left.name, right.name),
        )
      : sorted(invocation, pods);
  const place = (pod: { readonly namespace: string }): readonly string[] =>
    isEverywhere ? [pod.namespace] : [];
  const rows = flags.bool('containers')
    ? ordered.flatMap((pod) =>
        sorted(invocation, pod.containers).map(({ name, usage }) => [
          ...place(pod),
          pod.name,
          name,
          cpuText(usage),
          memoryText(usage),
        ]),
      )
    : ordered.map((pod) => [...place(pod), pod.name, cpuText(pod.usage), memoryText(pod.usage)]);
  const header = [
    ...(isEverywhere ? ['NAMESPACE'] : []),
    ...(flags.bool('containers') ? ['POD'] : []),
    'NAME',
    'CPU(cores)',
    'MEMORY(bytes)',
  ];
  print(
    invocation,
    header,
    flags.bool('sum')
      ? [...rows, ...sumRows(pods, flags.bool('no-headers') ? COLUMNS : header.length)]
      : rows,
  );
}

function sumRows(pods: readonly { readonly usage: Usage }[], width: number): readonly (readonly string[])[] {
  const total = sum(pods.map(({ usage }) => usage));
  const blank = Array<string>(width - 2).fill('');
  return [
    [...blank, '________', '________'],
    [...blank, cpuText(total), memoryText(total)],
  ];
}
