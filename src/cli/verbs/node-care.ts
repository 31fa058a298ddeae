import { isNotFound, StatusError } from '#api/status-error.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { waitUntilGone } from '../delete-object.ts';
import { type DryRun, dryRunOf, dryRunSuffix } from '../dry-run.ts';
import { eachTarget } from '../each-target.ts';
import { findObjects, type FoundObject, listObjects } from '../find-objects.ts';
import type { Flag } from '../flags.ts';
import { textAt, valueAt } from '../object-access.ts';
import { asPod } from '../pods-of.ts';
import { pathOf } from '../resource-mapper.ts';
import { DRY_RUN_FLAG, SELECTOR_FLAG } from '../selection-flags.ts';

const FLAGS: readonly Flag[] = [DRY_RUN_FLAG, SELECTOR_FLAG];

export const CORDON: Command = {
  name: 'cordon',
  about: 'Mark node as unschedulable',
  usage: 'NODE',
  flags: FLAGS,
  run: (invocation) => setSchedulable(invocation, false),
};

export const UNCORDON: Command = {
  name: 'uncordon',
  about: 'Mark node as schedulable',
  usage: 'NODE',
  flags: FLAGS,
  run: (invocation) => setSchedulable(invocation, true),
};

export const DRAIN: Command = {
  name: 'drain',
  about: 'Drain node in preparation for maintenance',
  usage: 'NODE',
  flags: [
    ...FLAGS,
    {
      name: 'delete-emptydir-data',
      kind: 'bool',
      about: 'Go on even if pods use emptyDir, whose data is lost.',
    },
    { name: 'disable-eviction', kind: 'bool', about: 'Delete pods instead of evicting them.' },
    { name: 'force', kind: 'bool', about: 'Go on even if pods have no controller.' },
    {
      name: 'grace-period',
      kind: 'int',
      initial: '-1',
      about: 'Seconds given to each pod; negative for its own.',
    },
    { name: 'ignore-daemonsets', kind: 'bool', about: 'Leave the pods of daemon sets.' },
    { name: 'pod-selector', kind: 'text', about: 'Label selector for the pods.' },
    { name: 'timeout', kind: 'duration', initial: '0s', about: 'How long to wait in all; zero without end.' },
  ],
  run: drain,
};

/** A disruption budget that refuses now may agree in a moment. */
const EVICTION_RETRY_MS = 5000;

async function nodesOf(invocation: Invocation): Promise<readonly FoundObject[]> {
  const { args, flags, path } = invocation;
  if (args.length === 0 && flags.text('selector') === '') {
    throw new CliError(
      `USAGE: ${path.replace('kubectl ', '')} NODE [flags]\nSee '${path} -h' for help and examples`,
    );
  }
  return findObjects(invocation, { args: ['nodes', ...args.map((arg) => arg.replace(/^nodes?\//, ''))] });
}

async function setSchedulable(invocation: Invocation, isSchedulable: boolean): Promise<void> {
  const dryRun = dryRunOf(invocation.flags);
  const nodes = await nodesOf(invocation);
  await eachTarget(invocation.session, nodes, (node) =>
    cordonOne(invocation, node, { isSchedulable, dryRun }),
  );
}

interface Cordon {
  readonly isSchedulable: boolean;
  readonly dryRun: DryRun;
}

async function cordonOne(
  { session }: Invocation,
  node: FoundObject,
  { isSchedulable, dryRun }: Cordon,
): Promise<void> {
  const word = isSchedulable ? 'uncordoned' : 'cordoned';
  if ((valueAt(node.object, 'spec', 'unschedulable') === true) === !isSchedulable) {
    session.print(`node/${node.name} already ${word}${dryRunSuffix(dryRun)}\n`);
    return;
  }
  if (dryRun !== 'client') {
    await session.client.request({
      method: 'PATCH',
      path: pathOf(node.resource, node),
      query: dryRun === 'server' ? { dryRun: 'All' } : {},
      contentType: 'application/strategic-merge-patch+json',
      body: { spec: { unschedulable: isSchedulable ? null : true } },
    });
  }
  session.print(`node/${node.name} ${word}${dryRunSuffix(dryRun)}\n`);
}

async function drain(invocation: Invocation): Promise<void> {
  const { session, flags } = invocation;
  const dryRun = dryRunOf(flags);
  const nodes = await nodesOf(invocation);
  for (const node of nodes) {
    await cordonOne(invocation, node, { isSchedulable: false, dryRun });
  }
  await eachTarget(session, nodes, async (node) => {
    const found = await listObjects(session, await session.resource('pods'), '', {
      fieldSelector: `spec.nodeName=${node.name}`,
      labelSelector: flags.text('pod-selector'),
    });
    const { leaving, problems, warnings } = sortPods(invocation, found);
    if (problems.length > 0) {
      throw new CliError(
        `unable to drain node ${JSON.stringify(node.name)} due to error: ${problems.length > 1 ? `[${problems.join(', ')}]` : (problems[0] ?? '')}, continuing command...\nThere are pending nodes to be drained:\n ${node.name}\n${problems.join('\n')}`,
      );
    }
    if (warnings.length > 0) {
      session.printError(`Warning: ${warnings.join('; ')}\n`);
    }
    await Promise.all(leaving.map((pod) => evict(invocation, pod, dryRun)));
    session.print(`node/${node.name} drained${dryRunSuffix(dryRun)}\n`);
  });
}

interface SortedPods {
  readonly leaving: readonly FoundObject[];
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Which pods go, and what stands against it. */
function sortPods({ flags }: Invocation, found: readonly FoundObject[]): SortedPods {
  const leaving: FoundObject[] = [];
  const daemons: string[] = [];
  const unmanaged: string[] = [];
  const withData: string[] = [];
  for (const target of found) {
    const pod = asPod(target.object);
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const controller = pod.metadata.ownerReferences?.find((owner) => owner.controller === true);
    const isDone = pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
    if (isMirror(pod)) {
      continue;
    }
    if (controller?.kind === 'DaemonSet' && !isDone) {
      daemons.push(name);
      continue;
    }
    if (!isDone && pod.spec.volumes?.some(({ emptyDir }) => emptyDir !== undefined) === true) {
      withData.push(name);
    }
    if (!isDone && controller === undefined) {
      unmanaged.push(name);
    }
    leaving.push(target);
  }
  const problems = [
    ...(daemons.length > 0 && !flags.bool('ignore-daemonsets')
      ? [`cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): ${daemons.join(', ')}`]
      : []),
    ...(withData.length > 0 && !flags.bool('delete-emptydir-data')
      ? [
          `cannot delete Pods with local storage (use --delete-emptydir-data to override): ${withData.join(', ')}`,
        ]
      : []),
    ...(unmanaged.length > 0 && !flags.bool('force')
      ? [`cannot delete Pods that declare no controller (use --force to override): ${unmanaged.join(', ')}`]
      : []),
  ];
  const warnings = [
    ...(daemons.length > 0 ? [`ignoring DaemonSet-managed Pods: ${daemons.join(', ')}`] : []),
    ...(unmanaged.length > 0 ? [`deleting Pods that declare no controller: ${unmanaged.join(', ')}`] : []),
  ];
  return { leaving, problems, warnings };
}

function isMirror(pod: Pod): boolean {
  return pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}

async function evict({ session, flags, io }: Invocation, target: FoundObject, dryRun: DryRun): Promise<void> {
  const { resource, namespace, name, object } = target;
  const usesDelete = flags.bool('disable-eviction');
  session.print(`${usesDelete ? 'deleting' : 'evicting'} pod ${namespace}/${name}${dryRunSuffix(dryRun)}\n`);
  if (dryRun === 'client') {
    return;
  }
  const grace = flags.int('grace-period');
  const options = {
    ...(grace < 0 ? {} : { gracePeriodSeconds: grace }),
    ...(dryRun === 'server' ? { dryRun: ['All'] } : {}),
  };
  for (;;) {
    try {
      await session.client.request(
        usesDelete
          ? {
              method: 'DELETE',
              path: pathOf(resource, target),
              body: { apiVersion: 'v1', kind: 'DeleteOptions', ...options },
            }
          : {
              method: 'POST',
              path: pathOf(resource, { namespace, name, subresource: 'eviction' }),
              body: {
                apiVersion: 'policy/v1',
                kind: 'Eviction',
                metadata: { name, namespace },
                deleteOptions: options,
              },
            },
      );
      break;
    } catch (error) {
      if (isNotFound(error)) {
        return;
      }
      if (!(error instanceof StatusError) || error.code !== 429) {
        throw error;
      }
      session.printError(
        `error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)} (will retry after 5s): ${error.message}\n`,
      );
      await io.clock.sleep(EVICTION_RETRY_MS, session.signal);
    }
  }
  if (dryRun === 'none') {
    await waitUntilGone(session, target, textAt(object, 'metadata', 'uid'), session.signal);
    session.print(`pod/${name} ${usesDelete ? 'deleted' : 'evicted'}\n`);
  }
}
