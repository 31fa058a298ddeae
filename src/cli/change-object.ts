import { structOfKind } from '#api/schema/schema.ts';
import { StatusError } from '#api/status-error.ts';
import { twoWayPatch } from '#codec/patch/strategic-diff.ts';
import { CliError } from './cli-error.ts';
import type { Invocation } from './command.ts';
import { dryRunOf, writeQuery } from './dry-run.ts';
import { findObjects, type FoundObject, manifestsOf } from './find-objects.ts';
import type { Flag } from './flags.ts';
import { FILE_FLAGS } from './manifests.ts';
import { type AnyObject, asObject } from './object-access.ts';
import { OUTPUT_FLAGS } from './printers/printer.ts';
import { OutcomePrinter } from './outcome.ts';
import { pathOf } from './resource-mapper.ts';
import { ALL_FLAG, DRY_RUN_FLAG, FIELD_MANAGER_FLAG, SELECTOR_FLAG } from './selection-flags.ts';

/** Flags of the verbs that change a part of objects. */
export const CHANGE_FLAGS: readonly Flag[] = [
  ...FILE_FLAGS,
  ...OUTPUT_FLAGS,
  ALL_FLAG,
  DRY_RUN_FLAG,
  FIELD_MANAGER_FLAG,
  SELECTOR_FLAG,
  { name: 'local', kind: 'bool', about: 'Change what is in the files, and ask no server.' },
];

/** What is wrong with an object, in words that say enough without its name. */
export class BareError extends CliError {}

/** A part of objects that a verb changes. */
export interface ObjectChange {
  /** Who is named as the writer of the fields. */
  readonly manager: string;
  /** `image updated`: what the outcome says. */
  readonly outcome: string;
  /** What a refusal begins with, its space or colon included. */
  readonly refusal: string;
  /** Speaks up about the command line, once the objects are found. */
  readonly check?: () => void;
  /** The object as it is to be; the same one when there is nothing to do. */
  readonly apply: (object: AnyObject) => AnyObject;
}

/**
 * Changes each object by the smallest patch; those that are as they should be are passed over in silence.
 *
 * @param args name the objects
 * @throws {CliError} at the end, for all that could not be done
 */
export async function changeObjects(
  invocation: Invocation,
  args: readonly string[],
  change: ObjectChange,
): Promise<void> {
  const { flags } = invocation;
  const printer = new OutcomePrinter(invocation, dryRunOf(flags));
  const problems: string[] = [];
  const targets = await selected(invocation, args);
  checkSelection(invocation);
  change.check?.();
  for (const found of targets) {
    try {
      const object = await changeOne(invocation, found, change);
      if (object !== undefined) {
        printer.print(object, change.outcome);
      }
    } catch (error) {
      if (!(error instanceof CliError || error instanceof StatusError)) {
        throw error;
      }
      problems.push(
        error instanceof StatusError ? `${change.refusal}${error.message}` : complaint(error, found),
      );
    }
  }
  if (problems.length > 0) {
    throw new CliError(problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`);
  }
}

function checkSelection({ flags }: Invocation): void {
  if (flags.bool('all') && flags.text('selector') !== '') {
    throw new CliError('cannot set --all and --selector at the same time');
  }
  if (flags.bool('local') && dryRunOf(flags) === 'server') {
    throw new CliError('cannot specify --local and --dry-run=server - did you mean --dry-run=client?');
  }
}

/** What is wrong with one object names it. */
function complaint(error: CliError, { resource, name = '' }: Selected): string {
  return resource === undefined || error instanceof BareError
    ? error.message
    : `${resource.resource}/${name} ${error.message}`;
}

type Selected = Pick<FoundObject, 'object'> & Partial<FoundObject>;

async function selected(invocation: Invocation, args: readonly string[]): Promise<readonly Selected[]> {
  if (!invocation.flags.bool('local')) {
    return findObjects(invocation, { args });
  }
  if (args.length > 0) {
    throw new CliError(
      "error: you must specify resources by --filename when --local is set.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'",
    );
  }
  return manifestsOf(invocation);
}

/** @returns the object as it is now; undefined when nothing had to be done */
async function changeOne(
  { session, flags }: Invocation,
  { object, resource, namespace = '', name = '' }: Selected,
  { apply, manager }: ObjectChange,
): Promise<AnyObject | undefined> {
  const changed = apply(object);
  if (changed === object) {
    return undefined;
  }
  const dryRun = dryRunOf(flags);
  if (resource === undefined || dryRun === 'client') {
    return changed;
  }
  const struct = structOfKind(resource.group, resource.version, resource.kind);
  const patch = twoWayPatch(object, changed, struct);
  if (Object.keys(patch).length === 0) {
    return undefined;
  }
  return asObject(
    await session.client.request({
      method: 'PATCH',
      path: pathOf(resource, { namespace, name }),
      query: writeQuery(flags, dryRun, manager),
      contentType: `application/${struct === undefined ? 'merge' : 'strategic-merge'}-patch+json`,
      body: patch,
    }),
  );
}
