import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { writeQuery } from '../dry-run.ts';
import { eachTarget } from '../each-target.ts';
import { findObjects, type FoundObject } from '../find-objects.ts';
import { formatTime } from '#api/time.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { asObject, recordAt, valueAt } from '../object-access.ts';
import { OutcomePrinter } from '../outcome.ts';
import { OUTPUT_FLAGS } from '../printers/printer.ts';
import { pathOf, qualifiedName } from '../resource-mapper.ts';
import { FIELD_MANAGER_FLAG, SELECTOR_FLAG } from '../selection-flags.ts';
import { ROLLOUT_HISTORY, ROLLOUT_UNDO } from './rollout-history.ts';
import { ROLLOUT_STATUS } from './rollout-status.ts';

const CHANGE_FLAGS = [...FILE_FLAGS, ...OUTPUT_FLAGS, FIELD_MANAGER_FLAG, SELECTOR_FLAG];

export const ROLLOUT: Command = {
  name: 'rollout',
  about: 'Manage the rollout of one or many resources',
  commands: [
    ROLLOUT_HISTORY,
    {
      name: 'pause',
      about: 'Mark the provided resource as paused',
      usage: 'RESOURCE',
      flags: CHANGE_FLAGS,
      run: (invocation) => setPaused(invocation, true),
    },
    {
      name: 'restart',
      about: 'Restart a resource',
      usage: 'RESOURCE',
      flags: CHANGE_FLAGS,
      run: restart,
    },
    {
      name: 'resume',
      about: 'Resume a paused resource',
      usage: 'RESOURCE',
      flags: CHANGE_FLAGS,
      run: (invocation) => setPaused(invocation, false),
    },
    ROLLOUT_STATUS,
    ROLLOUT_UNDO,
  ],
};

async function setPaused(invocation: Invocation, paused: boolean): Promise<void> {
  const { session, args } = invocation;
  requireResource(invocation, args);
  const verb = paused ? 'pause' : 'resume';
  const printer = new OutcomePrinter(invocation, 'none');
  await eachTarget(session, await findObjects(invocation, { allowsAll: true }), async (target) => {
    const { object, resource, name } = target;
    if (object.kind !== 'Deployment') {
      throw new CliError(
        `${qualifiedName(resource)} ${JSON.stringify(name)} ${paused ? 'pausing' : 'resuming'} is not supported`,
      );
    }
    if ((valueAt(object, 'spec', 'paused') === true) === paused) {
      throw new CliError(
        `${qualifiedName(resource)} ${JSON.stringify(name)} is ${paused ? 'already' : 'not'} paused`,
      );
    }
    const answer = await patchTarget(invocation, target, { spec: { paused: paused ? true : null } });
    printer.print(asObject(answer), `${verb}d`);
  });
}

const RESTARTABLE: ReadonlySet<string> = new Set(['Deployment', 'DaemonSet', 'StatefulSet']);

async function restart(invocation: Invocation): Promise<void> {
  const { session, args, io } = invocation;
  requireResource(invocation, args);
  const printer = new OutcomePrinter(invocation, 'none');
  await eachTarget(session, await findObjects(invocation, { allowsAll: true }), async (target) => {
    const { object, resource, name } = target;
    if (!RESTARTABLE.has(object.kind)) {
      throw new CliError(`${qualifiedName(resource)} ${JSON.stringify(name)} restarting is not supported`);
    }
    if (valueAt(object, 'spec', 'paused') === true) {
      throw new CliError(
        `${qualifiedName(resource)} ${JSON.stringify(name)} can't restart paused deployment (run rollout resume first)`,
      );
    }
    const restartedAt = formatTime(io.clock.nowMs());
    const annotations = {
      ...recordAt(object, 'spec', 'template', 'metadata', 'annotations'),
      'kubectl.kubernetes.io/restartedAt': restartedAt,
    };
    const answer = await patchTarget(invocation, target, {
      spec: { template: { metadata: { annotations } } },
    });
    printer.print(asObject(answer), 'restarted');
  });
}

function requireResource({ flags }: Invocation, args: readonly string[]): void {
  if (args.length === 0 && flags.list('filename').length === 0) {
    throw new CliError('required resource not specified');
  }
}

function patchTarget({ session, flags }: Invocation, target: FoundObject, body: object): Promise<unknown> {
  return session.client.request({
    method: 'PATCH',
    path: pathOf(target.resource, target),
    query: writeQuery(flags, 'none', 'kubectl-rollout'),
    contentType: 'application/strategic-merge-patch+json',
    body,
  });
}
