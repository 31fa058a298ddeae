import { isNotFound } from '#api/status-error.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { findObjects, type FoundObject } from '../find-objects.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { type AnyObject, asObject, listAt, numberAt, textAt } from '../object-access.ts';
import { pathOf, qualifiedName } from '../resource-mapper.ts';
import { SELECTOR_FLAG } from '../selection-flags.ts';

export const ROLLOUT_STATUS: Command = {
  name: 'status',
  about: 'Show the status of the rollout',
  usage: '(TYPE NAME | TYPE/NAME) [flags]',
  flags: [
    ...FILE_FLAGS,
    SELECTOR_FLAG,
    {
      name: 'revision',
      kind: 'int',
      initial: '0',
      about: 'Pin this revision: fail when another takes its place.',
    },
    {
      name: 'timeout',
      kind: 'duration',
      initial: '0s',
      about: 'How long to wait before giving up; zero without end.',
    },
    {
      name: 'watch',
      short: 'w',
      kind: 'bool',
      initial: 'true',
      about: 'Watch the status until the rollout is done.',
    },
  ],
  run: rolloutStatus,
};

/** How far a rollout is. */
export interface RolloutProgress {
  /** A sentence with its line end. */
  readonly text: string;
  readonly isDone: boolean;
}

async function rolloutStatus(invocation: Invocation): Promise<void> {
  const { args, flags } = invocation;
  if (args.length === 0 && flags.list('filename').length === 0) {
    throw new CliError('required resource not specified');
  }
  for (const target of await findObjects(invocation, { allowsAll: true })) {
    await followOne(invocation, target);
  }
}

async function followOne({ session, flags, io }: Invocation, target: FoundObject): Promise<void> {
  const { resource, namespace, name } = target;
  const timeoutMs = flags.durationMs('timeout');
  const ending = new AbortController();
  const timer = timeoutMs > 0 ? io.clock.schedule(timeoutMs, () => ending.abort()) : undefined;
  const signal = AbortSignal.any([session.signal, ending.signal]);
  const query = { fieldSelector: `metadata.name=${name}` };
  const path = pathOf(resource, { namespace });
  let last = '';
  const isSettled = (object: AnyObject): boolean => {
    const { text, isDone } = rolloutProgress(target, object, flags.int('revision'));
    if (text !== last || isDone) {
      session.print(text);
      last = text;
    }
    return isDone || !flags.bool('watch');
  };
  try {
    for (;;) {
      const list = await session.client.request({ path, query }, signal);
      const [found] = listAt(list, 'items');
      if (found === undefined) {
        throw new CliError('object has been deleted');
      }
      if (isSettled(asObject({ ...asObject(found), kind: resource.kind }))) {
        return;
      }
      const resourceVersion = textAt(list, 'metadata', 'resourceVersion');
      for await (const { type, object } of session.client.watch(
        { path, query: { ...query, resourceVersion } },
        signal,
      )) {
        if (type === 'DELETED') {
          throw new CliError('object has been deleted');
        }
        if (type !== 'BOOKMARK' && isSettled(asObject(object))) {
          ending.abort();
          return;
        }
      }
      if (signal.aborted) {
        throw new CliError('timed out waiting for the condition');
      }
    }
  } catch (error) {
    if (isNotFound(error) || error instanceof CliError || !signal.aborted) {
      throw error;
    }
    throw new CliError('timed out waiting for the condition');
  } finally {
    timer?.cancel();
  }
}

/** @throws {CliError} when the rollout has failed, or the kind has none */
export function rolloutProgress(
  { resource, name }: Pick<FoundObject, 'resource' | 'name'>,
  object: AnyObject,
  revision: number,
): RolloutProgress {
  switch (object.kind) {
    case 'Deployment':
      return deploymentProgress(object, revision);
    case 'DaemonSet':
      return daemonSetProgress(object);
    case 'StatefulSet':
      return statefulSetProgress(object);
    default:
      throw new CliError(
        `no status viewer has been implemented for ${qualifiedName(resource)} ${JSON.stringify(name)}`,
      );
  }
}

function isObserved(object: AnyObject): boolean {
  return (
    (numberAt(object, 'metadata', 'generation') ?? 0) <=
    (numberAt(object, 'status', 'observedGeneration') ?? 0)
  );
}

function waiting(text: string): RolloutProgress {
  return { text: `${text}\n`, isDone: false };
}

function done(text: string): RolloutProgress {
  return { text: `${text}\n`, isDone: true };
}

function deploymentProgress(deployment: AnyObject, revision: number): RolloutProgress {
  const name = JSON.stringify(deployment.metadata.name);
  const actual = Number(textAt(deployment, 'metadata', 'annotations', 'deployment.kubernetes.io/revision'));
  if (revision > 0 && actual !== revision) {
    throw new CliError(`desired revision (${revision}) is different from the running revision (${actual})`);
  }
  if (!isObserved(deployment)) {
    return waiting('Waiting for deployment spec update to be observed...');
  }
  const count = (field: string): number => numberAt(deployment, 'status', field) ?? 0;
  const progressing = listAt(deployment, 'status', 'conditions').find(
    (each) => textAt(each, 'type') === 'Progressing',
  );
  if (textAt(progressing, 'reason') === 'ProgressDeadlineExceeded') {
    throw new CliError(`deployment ${name} exceeded its progress deadline`);
  }
  const head = `Waiting for deployment ${name} rollout to finish:`;
  const wanted = numberAt(deployment, 'spec', 'replicas') ?? 1;
  const [updated, all, available] = [count('updatedReplicas'), count('replicas'), count('availableReplicas')];
  if (updated < wanted) {
    return waiting(`${head} ${updated} out of ${wanted} new replicas have been updated...`);
  }
  if (all > updated) {
    return waiting(`${head} ${all - updated} old replicas are pending termination...`);
  }
  if (available < updated) {
    return waiting(`${head} ${available} of ${updated} updated replicas are available...`);
  }
  return done(`deployment ${name} successfully rolled out`);
}

function daemonSetProgress(set: AnyObject): RolloutProgress {
  const name = JSON.stringify(set.metadata.name);
  if (textAt(set, 'spec', 'updateStrategy', 'type') !== 'RollingUpdate') {
    throw new CliError('rollout status is only available for RollingUpdate strategy type');
  }
  if (!isObserved(set)) {
    return waiting('Waiting for daemon set spec update to be observed...');
  }
  const count = (field: string): number => numberAt(set, 'status', field) ?? 0;
  const head = `Waiting for daemon set ${name} rollout to finish:`;
  const wanted = count('desiredNumberScheduled');
  if (count('updatedNumberScheduled') < wanted) {
    return waiting(
      `${head} ${count('updatedNumberScheduled')} out of ${wanted} new pods have been updated...`,
    );
  }
  if (count('numberAvailable') < wanted) {
    return waiting(`${head} ${count('numberAvailable')} of ${wanted} updated pods are available...`);
  }
  return done(`daemon set ${name} successfully rolled out`);
}

function statefulSetProgress(set: AnyObject): RolloutProgress {
  if (textAt(set, 'spec', 'updateStrategy', 'type') !== 'RollingUpdate') {
    throw new CliError('rollout status is only available for RollingUpdate strategy type');
  }
  if (!isObserved(set)) {
    return waiting('Waiting for statefulset spec update to be observed...');
  }
  const count = (field: string): number => numberAt(set, 'status', field) ?? 0;
  const wanted = numberAt(set, 'spec', 'replicas');
  if (wanted !== undefined && count('readyReplicas') < wanted) {
    return waiting(`Waiting for ${wanted - count('readyReplicas')} pods to be ready...`);
  }
  const partition = numberAt(set, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
  if (partition > 0) {
    const wantedNew = (wanted ?? 1) - partition;
    return count('updatedReplicas') < wantedNew
      ? waiting(
          `Waiting for partitioned roll out to finish: ${count('updatedReplicas')} out of ${wantedNew} new pods have been updated...`,
        )
      : done(`partitioned roll out complete: ${count('updatedReplicas')} new pods have been updated...`);
  }
  const [updateRevision, currentRevision] = [
    textAt(set, 'status', 'updateRevision'),
    textAt(set, 'status', 'currentRevision'),
  ];
  return updateRevision === currentRevision
    ? done(
        `statefulset rolling update complete ${count('currentReplicas')} pods at revision ${currentRevision}...`,
      )
    : waiting(
        `waiting for statefulset rolling update to complete ${count('updatedReplicas')} pods at revision ${updateRevision}...`,
      );
}
