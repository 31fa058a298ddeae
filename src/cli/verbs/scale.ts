import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { dryRunOf, writeQuery } from '../dry-run.ts';
import { eachTarget } from '../each-target.ts';
import { findObjects, type FoundObject } from '../find-objects.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { asObject, numberAt, textAt } from '../object-access.ts';
import { OutcomePrinter } from '../outcome.ts';
import { OUTPUT_FLAGS } from '../printers/printer.ts';
import { pathOf, qualifiedName } from '../resource-mapper.ts';
import { ALL_FLAG, DRY_RUN_FLAG, SELECTOR_FLAG } from '../selection-flags.ts';

export const SCALE: Command = {
  name: 'scale',
  about: 'Set a new size for a deployment, replica set, or replication controller',
  usage: '[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)',
  flags: [
    ...FILE_FLAGS,
    ...OUTPUT_FLAGS,
    ALL_FLAG,
    DRY_RUN_FLAG,
    SELECTOR_FLAG,
    { name: 'current-replicas', kind: 'int', initial: '-1', about: 'Scale only if the size is this now.' },
    { name: 'replicas', kind: 'int', isRequired: true, about: 'The new size.' },
    { name: 'resource-version', kind: 'text', about: 'Scale only if the object has this version.' },
    {
      name: 'timeout',
      kind: 'duration',
      initial: '0s',
      about: 'How long to wait for the new size; zero does not wait.',
    },
  ],
  run: scale,
};

/** How often the size is looked at while waiting for it. */
const POLL_MS = 1000;

async function scale(invocation: Invocation): Promise<void> {
  const { session, flags, io } = invocation;
  const replicas = flags.int('replicas');
  if (replicas < 0) {
    throw new CliError('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0');
  }
  const dryRun = dryRunOf(flags);
  const printer = new OutcomePrinter(invocation, dryRun);
  const found = await findObjects(invocation);
  if (found.length === 0) {
    throw new CliError('no objects passed to scale');
  }
  await eachTarget(session, found, async (target) => {
    if (!target.resource.subresources.includes('scale')) {
      throw new CliError(
        `no kind "Scale" is served for ${qualifiedName(target.resource)}: the server could not find the requested resource`,
      );
    }
    await checkPreconditions(invocation, target);
    if (dryRun !== 'client') {
      await session.client.request({
        method: 'PATCH',
        path: pathOf(target.resource, { ...target, subresource: 'scale' }),
        query: writeQuery(flags, dryRun, 'kubectl-scale'),
        contentType: 'application/merge-patch+json',
        body: { spec: { replicas } },
      });
    }
    if (flags.durationMs('timeout') > 0 && dryRun === 'none') {
      await waitForSize(invocation, target, io.clock.monotonicMs() + flags.durationMs('timeout'));
    }
    printer.print(target.object, 'scaled');
  });
}

async function checkPreconditions({ session, flags }: Invocation, target: FoundObject): Promise<void> {
  const [expected, version] = [flags.int('current-replicas'), flags.text('resource-version')];
  if (expected < 0 && version === '') {
    return;
  }
  const current = await session.client.request({
    path: pathOf(target.resource, { ...target, subresource: 'scale' }),
  });
  const actual = numberAt(current, 'spec', 'replicas') ?? 0;
  if (expected >= 0 && actual !== expected) {
    throw new CliError(`Expected replicas to be ${expected}, was ${actual}`);
  }
  const actualVersion = textAt(current, 'metadata', 'resourceVersion');
  if (version !== '' && actualVersion !== version) {
    throw new CliError(`Expected resource version to be ${version}, was ${actualVersion}`);
  }
}

async function waitForSize(
  { session, flags, io }: Invocation,
  target: FoundObject,
  deadlineMs: number,
): Promise<void> {
  for (;;) {
    const object = asObject(await session.client.request({ path: pathOf(target.resource, target) }));
    const isObserved =
      (numberAt(object, 'status', 'observedGeneration') ?? 0) >=
      (numberAt(object, 'metadata', 'generation') ?? 0);
    if (isObserved && (numberAt(object, 'status', 'replicas') ?? 0) === flags.int('replicas')) {
      return;
    }
    if (io.clock.monotonicMs() >= deadlineMs) {
      throw new CliError('timed out waiting for the condition');
    }
    await io.clock.sleep(POLL_MS, session.signal);
  }
}
