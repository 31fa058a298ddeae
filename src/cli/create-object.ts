import type { Invocation } from './command.ts';
import { CliError } from './cli-error.ts';
import { type DryRun, dryRunOf, writeQuery } from './dry-run.ts';
import type { Flag } from './flags.ts';
import { withLastApplied } from './last-applied.ts';
import { type AnyObject, asObject, groupVersionOf, withValueAt } from './object-access.ts';
import { OutcomePrinter } from './outcome.ts';
import { OUTPUT_FLAGS } from './printers/printer.ts';
import { pathOf } from './resource-mapper.ts';
import { DRY_RUN_FLAG, FIELD_MANAGER_FLAG, VALIDATE_FLAG } from './selection-flags.ts';

/** Flags of the verbs that make one object from their arguments. */
export const CREATE_FLAGS: readonly Flag[] = [
  ...OUTPUT_FLAGS,
  DRY_RUN_FLAG,
  FIELD_MANAGER_FLAG,
  VALIDATE_FLAG,
  { name: 'save-config', kind: 'bool', about: 'Save the configuration in an annotation, for apply.' },
];

/** Creates one object, unless it is a dry run of the client, and prints what came of it: that it was `created`. */
export async function createObject(
  invocation: Invocation,
  made: object,
  outcome = 'created',
): Promise<AnyObject> {
  const { session, flags } = invocation;
  const dryRun = dryRunOf(flags);
  const printer = new OutcomePrinter(invocation, dryRun);
  const object = await sendObject(invocation, asObject(made), dryRun);
  printer.print(object, outcome);
  session.signal.throwIfAborted();
  return object;
}

async function sendObject(invocation: Invocation, made: AnyObject, dryRun: DryRun): Promise<AnyObject> {
  const { session, flags } = invocation;
  const { group, version } = groupVersionOf(made.apiVersion);
  const saved = flags.isKnown('save-config') && flags.bool('save-config') ? withLastApplied(made) : made;
  if (dryRun === 'client') {
    return session.isNamespaceGiven && made.kind !== 'Namespace' && (await isNamespaced(invocation, made))
      ? asObject(withValueAt(saved, ['metadata', 'namespace'], session.namespace))
      : saved;
  }
  const resource = (await session.mapper()).ofKind({ group, version, kind: made.kind });
  if (resource === undefined) {
    throw new CliError(`no matches for kind "${made.kind}" in version "${made.apiVersion}"`);
  }
  const answer = await session.client.request({
    method: 'POST',
    path: pathOf(resource, { namespace: session.namespace }),
    query: writeQuery(flags, dryRun, 'kubectl-create'),
    body: resource.isNamespaced ? withValueAt(saved, ['metadata', 'namespace'], session.namespace) : saved,
  });
  return asObject(answer);
}

async function isNamespaced({ session }: Invocation, { apiVersion, kind }: AnyObject): Promise<boolean> {
  const { group, version } = groupVersionOf(apiVersion);
  return (await session.mapper()).ofKind({ group, version, kind })?.isNamespaced ?? false;
}
