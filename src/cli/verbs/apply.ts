import { structOfKind } from '#api/schema/schema.ts';
import { isNotFound, StatusError } from '#api/status-error.ts';
import { applyStrategicMerge } from '#codec/patch/strategic-merge.ts';
import { applyMergePatch } from '#codec/patch/merge-patch.ts';
import { applyPatch } from '../apply-patch.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import type { ApiResource } from '../discovery.ts';
import { type DryRun, dryRunOf, writeQuery } from '../dry-run.ts';
import { eachTarget, withSource } from '../each-target.ts';
import { manifestsOf, type Target, targetOf } from '../find-objects.ts';
import { lastAppliedOf, withLastApplied } from '../last-applied.ts';
import type { prune } from './apply-prune.ts';
import { EDIT_LAST_APPLIED } from './edit.ts';
import { SET_LAST_APPLIED, VIEW_LAST_APPLIED } from './last-applied.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { type AnyObject, asObject, recordAt } from '../object-access.ts';
import { OutcomePrinter } from '../outcome.ts';
import { OUTPUT_FLAGS } from '../printers/printer.ts';
import { pathOf, qualifiedName } from '../resource-mapper.ts';
import {
  ALL_FLAG,
  DRY_RUN_FLAG,
  FIELD_MANAGER_FLAG,
  PRUNE_ALLOWLIST_FLAG,
  SELECTOR_FLAG,
  VALIDATE_FLAG,
} from '../selection-flags.ts';

export const APPLY: Command = {
  name: 'apply',
  about: 'Apply a configuration to a resource by file name or stdin',
  usage: '-f FILENAME',
  flags: [
    ...FILE_FLAGS,
    ...OUTPUT_FLAGS,
    ALL_FLAG,
    DRY_RUN_FLAG,
    FIELD_MANAGER_FLAG,
    SELECTOR_FLAG,
    VALIDATE_FLAG,
    { name: 'force', kind: 'bool', about: 'Delete and create again what cannot be changed.' },
    {
      name: 'force-conflicts',
      kind: 'bool',
      about: 'With --server-side: take over fields that others manage.',
    },
    { name: 'overwrite', kind: 'bool', initial: 'true', about: 'Accepted; the configuration always wins.' },
    { name: 'prune', kind: 'bool', about: 'Delete what was applied before and is in the files no more.' },
    PRUNE_ALLOWLIST_FLAG,
    { name: 'server-side', kind: 'bool', about: 'Let the server merge.' },
    { name: 'wait', kind: 'bool', about: 'With --prune: wait until what is deleted is gone.' },
  ],
  commands: [EDIT_LAST_APPLIED, SET_LAST_APPLIED, VIEW_LAST_APPLIED],
  run: apply,
};

const MANAGER = 'kubectl-client-side-apply';
const SERVER_SIDE_MANAGER = 'kubectl';

/** Another writer may come between the read and the patch; then both are done again so often. */
const CONFLICT_RETRIES_MAX = 5;

async function apply(invocation: Invocation): Promise<void> {
  const { session, flags, args } = invocation;
  if (args.length > 0) {
    throw new CliError(`Unexpected args: [${args.join(' ')}]\nSee 'kubectl apply -h' for help and examples`);
  }
  if (flags.list('filename').length === 0 && flags.text('kustomize') === '') {
    throw new CliError('must specify one of -f and -k');
  }
  if (flags.bool('force-conflicts') && !flags.bool('server-side')) {
    throw new CliError('--force-conflicts only works with --server-side');
  }
  const dryRun = dryRunOf(flags);
  if (dryRun === 'client' && flags.bool('server-side')) {
    throw new CliError(
      "--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)",
    );
  }
  if (flags.bool('prune') && flags.text('selector') === '' && !flags.bool('all')) {
    throw new CliError(
      'all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector',
    );
  }
  const printer = new OutcomePrinter(invocation, dryRun);
  const pruning = flags.bool('prune') ? await loadPruning(invocation) : undefined;
  const manifests = await manifestsOf(invocation);
  if (manifests.length === 0) {
    throw new CliError('no objects passed to apply');
  }
  const applied: AnyObject[] = [];
  await eachTarget(session, manifests, async (manifest) => {
    const target = await targetOf(session, manifest);
    const done = flags.bool('server-side')
      ? await applyOnServer(invocation, target, dryRun)
      : await applyOne(invocation, target, dryRun);
    applied.push(done.object);
    printer.print(done.object, done.operation);
  });
  if (pruning !== undefined) {
    await pruning.prune(invocation, applied, { resources: pruning.resources, dryRun });
  }
}

async function loadPruning(
  invocation: Invocation,
): Promise<{ readonly prune: typeof prune; readonly resources: readonly ApiResource[] }> {
  const module = await import('./apply-prune.ts');
  return { prune: module.prune, resources: await module.prunedResources(invocation) };
}

interface Applied {
  readonly object: AnyObject;
  readonly operation: 'created' | 'configured' | 'unchanged' | 'serverside-applied';
}

async function applyOnServer(
  invocation: Invocation,
  target: Required<Target>,
  dryRun: DryRun,
): Promise<Applied> {
  const { session, flags } = invocation;
  try {
    const object = await session.client.request({
      method: 'PATCH',
      path: pathOf(target.resource, target),
      query: {
        ...writeQuery(flags, dryRun, SERVER_SIDE_MANAGER),
        force: String(flags.bool('force-conflicts')),
      },
      contentType: 'application/apply-patch+yaml',
      body: target.manifest,
    });
    return { object: asObject(object), operation: 'serverside-applied' };
  } catch (error) {
    throw error instanceof StatusError && error.reason === 'Conflict' ? conflictError(error) : error;
  }
}

function conflictError({ message }: StatusError): CliError {
  return new CliError(`${message}
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from its configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`);
}

async function applyOne(invocation: Invocation, target: Required<Target>, dryRun: DryRun): Promise<Applied> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await applyOnce(invocation, target, dryRun);
    } catch (error) {
      const isConflict = error instanceof StatusError && error.reason === 'Conflict';
      if (!isConflict || attempt > CONFLICT_RETRIES_MAX) {
        throw withSource(error, 'applying patch to', target.source);
      }
    }
  }
}

async function applyOnce(invocation: Invocation, target: Required<Target>, dryRun: DryRun): Promise<Applied> {
  const { session } = invocation;
  const { resource, name, source } = target;
  const modified = withLastApplied(target.manifest);
  if (name === '') {
    throw new CliError(
      `error when retrieving current configuration of ${JSON.stringify(source)}: resource name may not be empty`,
    );
  }
  const current = await currentObject(invocation, target);
  if (current === undefined) {
    return { object: await create(invocation, target, { modified, dryRun }), operation: 'created' };
  }
  if (lastAppliedOf(current) === undefined) {
    session.printError(
      `Warning: resource ${qualifiedName(resource)}/${name} is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.\n`,
    );
  }
  const { patch, contentType } = applyPatch(resource, current, modified);
  if (Object.keys(patch).length === 0) {
    return { object: current, operation: 'unchanged' };
  }
  if (dryRun === 'client') {
    const struct = structOfKind(resource.group, resource.version, resource.kind);
    const merged =
      struct === undefined ? applyMergePatch(current, patch) : applyStrategicMerge(current, patch, struct);
    return { object: asObject(merged), operation: 'configured' };
  }
  return patched(invocation, target, { patch, contentType, modified, dryRun });
}

async function currentObject(
  { session }: Invocation,
  { resource, namespace, name }: Target,
): Promise<AnyObject | undefined> {
  try {
    return asObject(await session.client.request({ path: pathOf(resource, { namespace, name }) }));
  } catch (error) {
    if (isNotFound(error)) {
      return undefined;
    }
    throw error;
  }
}

interface CreateState {
  readonly modified: AnyObject;
  readonly dryRun: DryRun;
}

async function create(
  { session, flags }: Invocation,
  { resource, namespace, source }: Target,
  { modified, dryRun }: CreateState,
): Promise<AnyObject> {
  if (dryRun === 'client') {
    return modified;
  }
  try {
    const answer = await session.client.request({
      method: 'POST',
      path: pathOf(resource, { namespace }),
      query: writeQuery(flags, dryRun, MANAGER),
      body: modified,
    });
    return asObject(answer);
  } catch (error) {
    throw withSource(error, 'creating', source);
  }
}

interface PatchState extends CreateState {
  readonly patch: object;
  readonly contentType: string;
}

async function patched(
  invocation: Invocation,
  target: Target,
  { patch, contentType, modified, dryRun }: PatchState,
): Promise<Applied> {
  const { session, flags } = invocation;
  const path = pathOf(target.resource, target);
  try {
    const answer = await session.client.request({
      method: 'PATCH',
      path,
      query: writeQuery(flags, dryRun, MANAGER),
      contentType,
      body: patch,
    });
    return { object: asObject(answer), operation: 'configured' };
  } catch (error) {
    const mayReplace =
      error instanceof StatusError && (error.reason === 'Invalid' || error.reason === 'Conflict');
    if (!mayReplace || !flags.bool('force') || dryRun !== 'none') {
      throw error;
    }
    const { deleteAndWait } = await import('../delete-object.ts');
    await deleteAndWait(session, target, { query: {}, body: recordAt({}) });
    return { object: await create(invocation, target, { modified, dryRun }), operation: 'configured' };
  }
}
