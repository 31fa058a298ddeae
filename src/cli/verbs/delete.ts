import { isNotFound } from '#api/status-error.ts';
import { CliError, silentExit } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import {
  CASCADE_FLAG,
  cascadeOf,
  deletedText,
  deleteObject,
  type DeleteRequest,
  waitUntilGone,
} from '../delete-object.ts';
import { type DryRun, dryRunOf } from '../dry-run.ts';
import { eachTarget, withSource } from '../each-target.ts';
import {
  isEveryNamespace,
  listObjects,
  manifestsOf,
  namespaceFor,
  selectorsOf,
  type Target,
  targetOf,
} from '../find-objects.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { parseResourceArguments } from '../resource-arguments.ts';
import {
  ALL_FLAG,
  ALL_NAMESPACES_FLAG,
  DRY_RUN_FLAG,
  FIELD_SELECTOR_FLAG,
  IGNORE_NOT_FOUND_FLAG,
  SELECTOR_FLAG,
} from '../selection-flags.ts';

export const DELETE: Command = {
  name: 'delete',
  about: 'Delete resources by file names, stdin, resources and names, or by resources and label selector',
  usage: '([-f FILENAME] | TYPE [(NAME | -l label | --all)])',
  flags: [
    ...FILE_FLAGS,
    ALL_FLAG,
    ALL_NAMESPACES_FLAG,
    DRY_RUN_FLAG,
    FIELD_SELECTOR_FLAG,
    IGNORE_NOT_FOUND_FLAG,
    SELECTOR_FLAG,
    CASCADE_FLAG,
    { name: 'force', kind: 'bool', about: 'Do not wait for the node: the object is removed at once.' },
    {
      name: 'grace-period',
      kind: 'int',
      initial: '-1',
      about: 'Seconds given to end well; negative for the default.',
    },
    { name: 'now', kind: 'bool', about: 'End at once: the same as --grace-period=1.' },
    { name: 'output', short: 'o', kind: 'text', about: 'Output mode: name, for shorter output.' },
    {
      name: 'timeout',
      kind: 'duration',
      initial: '0s',
      about: 'How long to wait for the end; zero as long as needed.',
    },
    { name: 'wait', kind: 'bool', initial: 'true', about: 'Wait until the objects are gone.' },
  ],
  run: deleteResources,
};

const NOTHING_NAMED = `You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'`;

async function deleteResources(invocation: Invocation): Promise<void> {
  const { session, flags, io } = invocation;
  const dryRun = dryRunOf(flags);
  if (!['', 'name'].includes(flags.text('output'))) {
    throw new CliError(`unexpected -o output mode: ${flags.text('output')}. We only support '-o name'`);
  }
  const graceSeconds = gracePeriod(invocation);
  const request = deleteRequest(invocation, graceSeconds, dryRun);
  const targets = await targetsOf(invocation);
  if (targets.length === 0 && !flags.bool('ignore-not-found')) {
    session.print('No resources found\n');
    return;
  }
  const deleted: { readonly target: Target; readonly uid: string }[] = [];
  await eachTarget(session, targets, async (target) => {
    try {
      const uid = dryRun === 'client' ? '' : await deleteObject(session, target, request);
      deleted.push({ target, uid });
      session.print(deletedText(flags, target, dryRun));
    } catch (error) {
      if (!(isNotFound(error) && flags.bool('ignore-not-found'))) {
        throw withSource(error, 'deleting', target.source);
      }
    }
  });
  if (dryRun !== 'none' || !flags.bool('wait')) {
    return;
  }
  const timeoutMs = flags.durationMs('timeout');
  const timeout = new AbortController();
  const timer = timeoutMs > 0 ? io.clock.schedule(timeoutMs, () => timeout.abort()) : undefined;
  for (const { target, uid } of deleted) {
    const ending = AbortSignal.any([session.signal, timeout.signal]);
    await waitUntilGone(session, target, uid, ending).catch((error: unknown) => {
      if (!ending.aborted) {
        throw error;
      }
    });
    if (timeout.signal.aborted) {
      throw new CliError(`timed out waiting for the condition on ${target.resource.resource}/${target.name}`);
    }
    if (session.signal.aborted) {
      throw silentExit(130);
    }
  }
  timer?.cancel();
}

/** Negative for the default. */
function gracePeriod({ flags, session }: Invocation): number {
  const given = flags.int('grace-period');
  if (flags.bool('now')) {
    if (given !== -1) {
      throw new CliError('--now and --grace-period cannot be specified together');
    }
    return 1;
  }
  if (flags.bool('force') && given < 0) {
    warnAboutForce(session.printError.bind(session));
    return 0;
  }
  if (given === 0 && !flags.bool('force')) {
    // Without --force the object should be seen to end, so it gets the least time there is.
    return 1;
  }
  if (given > 0 && flags.bool('force')) {
    throw new CliError('--force and --grace-period greater than 0 cannot be specified together');
  }
  if (given === 0) {
    warnAboutForce(session.printError.bind(session));
  }
  return given;
}

function warnAboutForce(print: (text: string) => void): void {
  print(
    'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n',
  );
}

function deleteRequest({ flags }: Invocation, graceSeconds: number, dryRun: DryRun): DeleteRequest {
  return {
    query: {},
    body: {
      propagationPolicy: cascadeOf(flags),
      ...(graceSeconds < 0 ? {} : { gracePeriodSeconds: graceSeconds }),
      ...(dryRun === 'server' ? { dryRun: ['All'] } : {}),
    },
  };
}

/** Objects that are named are not read first: the server says whether they are there. */
async function targetsOf(invocation: Invocation): Promise<readonly Target[]> {
  const { session, flags, args } = invocation;
  const manifests = await manifestsOf(invocation);
  if (manifests.length > 0) {
    return Promise.all(manifests.map((manifest) => targetOf(session, manifest)));
  }
  const named = parseResourceArguments(args);
  if (named.length === 0) {
    throw new CliError(NOTHING_NAMED);
  }
  const selectors = selectorsOf(flags);
  const isSelecting = selectors.labelSelector !== '' || selectors.fieldSelector !== '';
  if (isSelecting && flags.bool('all')) {
    throw new CliError('cannot set --all and --selector at the same time');
  }
  const mapper = await session.mapper();
  const targets: Target[] = [];
  for (const { type, names } of named) {
    for (const resource of mapper.expand(type)) {
      const namespace = namespaceFor(invocation, resource);
      if (names.length > 0 && isSelecting) {
        throw new CliError('name cannot be provided when a selector is specified');
      }
      if (names.length > 0 && flags.bool('all')) {
        throw new CliError('name cannot be provided when --all is specified');
      }
      if (names.length > 0 && isEveryNamespace(flags)) {
        throw new CliError('a resource cannot be retrieved by name across all namespaces');
      }
      if (names.length > 0) {
        targets.push(...names.map((name) => ({ resource, namespace, name, source: '' })));
      } else if (isSelecting || flags.bool('all')) {
        targets.push(...(await listObjects(session, resource, namespace, selectors)));
      } else {
        throw new CliError('resource(s) were provided, but no name was specified');
      }
    }
  }
  return targets;
}
