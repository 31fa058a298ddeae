import { isNotFound } from '#api/status-error.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { CASCADE_FLAG, cascadeOf, deletedText, deleteObject, waitUntilGone } from '../delete-object.ts';
import { type DryRun, dryRunOf, writeQuery } from '../dry-run.ts';
import { eachTarget, withSource } from '../each-target.ts';
import { manifestsOf, type Target, targetOf } from '../find-objects.ts';
import { lastAppliedOf, withLastApplied } from '../last-applied.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { type AnyObject, asObject, textAt, withValueAt } from '../object-access.ts';
import { OutcomePrinter } from '../outcome.ts';
import { OUTPUT_FLAGS } from '../printers/printer.ts';
import { pathOf } from '../resource-mapper.ts';
import { DRY_RUN_FLAG, FIELD_MANAGER_FLAG, VALIDATE_FLAG } from '../selection-flags.ts';

export const REPLACE: Command = {
  name: 'replace',
  about: 'Replace a resource by file name or stdin',
  usage: '-f FILENAME',
  flags: [
    ...FILE_FLAGS,
    ...OUTPUT_FLAGS,
    CASCADE_FLAG,
    DRY_RUN_FLAG,
    FIELD_MANAGER_FLAG,
    VALIDATE_FLAG,
    { name: 'force', kind: 'bool', about: 'Delete the object and create it again.' },
    {
      name: 'grace-period',
      kind: 'int',
      initial: '-1',
      about: 'With --force: seconds the object gets to end; negative for its own.',
    },
    { name: 'raw', kind: 'text', about: 'A path of the server that the file is sent to with PUT.' },
    {
      name: 'save-config',
      kind: 'bool',
      about: 'Save the configuration in an annotation, for apply.',
    },
    { name: 'subresource', kind: 'text', about: 'Replace this part of the object: status, scale.' },
    {
      name: 'timeout',
      kind: 'duration',
      initial: '0s',
      about: 'With --force: how long to wait for the end.',
    },
    { name: 'wait', kind: 'bool', about: 'With --force: wait until the object is gone. It always does.' },
  ],
  run: replace,
};

const MANAGER = 'kubectl-replace';
const TIMEOUT_MS_DEFAULT = 5 * 60_000;

async function replace(invocation: Invocation): Promise<void> {
  const { session, flags } = invocation;
  if (flags.list('filename').length === 0 && flags.text('kustomize') === '') {
    throw new CliError('must specify one of -f and -k');
  }
  checkFlags(invocation);
  const manifests = await manifestsOf(invocation);
  if (flags.text('raw') !== '') {
    const [manifest] = manifests;
    session.print(
      await session.client.requestText({ method: 'PUT', path: flags.text('raw'), body: manifest?.object }),
    );
    return;
  }
  if (manifests.length === 0) {
    throw new CliError('no objects passed to replace');
  }
  const dryRun = dryRunOf(flags);
  const printer = new OutcomePrinter(invocation, dryRun);
  const targets = await Promise.all(manifests.map((manifest) => targetOf(session, manifest)));
  if (flags.bool('force')) {
    await eachTarget(session, targets, (target) => deleteFirst(invocation, target));
  }
  await eachTarget(session, targets, async (target) => {
    const object = flags.bool('force')
      ? await create(invocation, target)
      : await put(invocation, target, dryRun);
    printer.print(object, 'replaced');
  });
}

function checkFlags({ flags }: Invocation): void {
  const isForced = flags.bool('force');
  if (flags.int('grace-period') >= 0 && !isForced) {
    throw new CliError('--grace-period must have --force specified');
  }
  if (flags.durationMs('timeout') !== 0 && !isForced) {
    throw new CliError('--timeout must have --force specified');
  }
  if (isForced && dryRunOf(flags) !== 'none') {
    throw new CliError('--dry-run can not be used when --force is set');
  }
}

/** What has the annotation of `apply` keeps one that is true. */
function prepared({ flags }: Invocation, manifest: AnyObject): AnyObject {
  return flags.bool('save-config') || lastAppliedOf(manifest) !== undefined
    ? withLastApplied(manifest)
    : manifest;
}

async function put(invocation: Invocation, target: Required<Target>, dryRun: DryRun): Promise<AnyObject> {
  const { session, flags } = invocation;
  const object = prepared(invocation, target.manifest);
  if (dryRun === 'client') {
    return object;
  }
  const { resource, namespace, name, source } = target;
  const subresource = flags.text('subresource');
  try {
    const version = textAt(object, 'metadata', 'resourceVersion');
    // Without a version the newest is meant; some kinds want to hear which one that is.
    const sent =
      version === '' && subresource === ''
        ? withValueAt(object, ['metadata', 'resourceVersion'], await newestVersion(invocation, target))
        : object;
    return asObject(
      await session.client.request({
        method: 'PUT',
        path: pathOf(resource, { namespace, name, subresource }),
        query: writeQuery(flags, dryRun, MANAGER),
        body: sent,
      }),
    );
  } catch (error) {
    throw withSource(error, 'replacing', source);
  }
}

async function newestVersion(
  { session }: Invocation,
  { resource, namespace, name }: Target,
): Promise<string | undefined> {
  try {
    const current = await session.client.request({ path: pathOf(resource, { namespace, name }) });
    return textAt(current, 'metadata', 'resourceVersion');
  } catch (error) {
    if (isNotFound(error)) {
      return undefined;
    }
    throw error;
  }
}

async function deleteFirst(invocation: Invocation, target: Required<Target>): Promise<void> {
  const { session, flags, io } = invocation;
  const grace = flags.int('grace-period');
  const body = {
    propagationPolicy: cascadeOf(flags),
    // No time at all would not wait for the end; the least there is does.
    ...(grace < 0 ? {} : { gracePeriodSeconds: Math.max(grace, 1) }),
  };
  let uid: string;
  try {
    uid = await deleteObject(session, target, { query: {}, body });
  } catch (error) {
    if (isNotFound(error)) {
      return;
    }
    throw withSource(error, 'deleting', target.source);
  }
  session.print(deletedText(flags, target, 'none', 'deleted'));
  const timeout = new AbortController();
  const timer = io.clock.schedule(flags.durationMs('timeout') || TIMEOUT_MS_DEFAULT, () => timeout.abort());
  try {
    await waitUntilGone(session, target, uid, AbortSignal.any([session.signal, timeout.signal]));
  } finally {
    timer.cancel();
  }
  if (timeout.signal.aborted) {
    throw new CliError('timed out waiting for the condition');
  }
}

async function create(invocation: Invocation, target: Required<Target>): Promise<AnyObject> {
  const { session, flags } = invocation;
  // What the server gave the object that is gone is not for the new one.
  const object = withValueAt(
    prepared(invocation, target.manifest),
    ['metadata', 'resourceVersion'],
    undefined,
  );
  return asObject(
    await session.client.request({
      method: 'POST',
      path: pathOf(target.resource, { namespace: target.namespace }),
      query: writeQuery(flags, 'none', MANAGER),
      body: object,
    }),
  );
}
