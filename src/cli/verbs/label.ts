import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { type DryRun, dryRunOf, writeQuery } from '../dry-run.ts';
import { eachTarget } from '../each-target.ts';
import { findObjects, type FoundObject } from '../find-objects.ts';
import type { Flag } from '../flags.ts';
import { type KeyChanges, splitKeyChanges } from '../key-changes.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { asObject, recordAt, sortedEntries } from '../object-access.ts';
import { OutcomePrinter } from '../outcome.ts';
import { OUTPUT_FLAGS } from '../printers/printer.ts';
import { pathOf } from '../resource-mapper.ts';
import {
  ALL_FLAG,
  ALL_NAMESPACES_FLAG,
  DRY_RUN_FLAG,
  FIELD_MANAGER_FLAG,
  FIELD_SELECTOR_FLAG,
  SELECTOR_FLAG,
} from '../selection-flags.ts';

const FLAGS: readonly Flag[] = [
  ...FILE_FLAGS,
  ...OUTPUT_FLAGS,
  ALL_FLAG,
  ALL_NAMESPACES_FLAG,
  DRY_RUN_FLAG,
  FIELD_MANAGER_FLAG,
  FIELD_SELECTOR_FLAG,
  SELECTOR_FLAG,
  { name: 'list', kind: 'bool', about: 'Print what is there.' },
  { name: 'overwrite', kind: 'bool', about: 'Allow what is there to be overwritten.' },
  { name: 'resource-version', kind: 'text', about: 'Change only this version of the object.' },
];

interface KeyVerb {
  readonly field: 'labels' | 'annotations';
  /** `label`: for messages. */
  readonly word: string;
  readonly manager: string;
}

const LABELS: KeyVerb = { field: 'labels', word: 'label', manager: 'kubectl-label' };
const ANNOTATIONS: KeyVerb = { field: 'annotations', word: 'annotation', manager: 'kubectl-annotate' };

export const LABEL: Command = {
  name: 'label',
  about: 'Update the labels on a resource',
  usage: '[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]',
  flags: FLAGS,
  run: (invocation) => changeKeys(invocation, LABELS),
};

export const ANNOTATE: Command = {
  name: 'annotate',
  about: 'Update the annotations on a resource',
  usage: '[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]',
  flags: FLAGS,
  run: (invocation) => changeKeys(invocation, ANNOTATIONS),
};

async function changeKeys(invocation: Invocation, verb: KeyVerb): Promise<void> {
  const { session, flags, args } = invocation;
  const { resources, changes } = splitKeyChanges(args, verb.word);
  if (resources.length === 0 && flags.list('filename').length === 0) {
    throw new CliError('one or more resources must be specified as <resource> <name> or <resource>/<name>');
  }
  const isEmpty = Object.keys(changes.set).length + changes.removed.length === 0;
  if (isEmpty && !flags.bool('list')) {
    throw new CliError(`at least one ${verb.word} update is required`);
  }
  const dryRun = dryRunOf(flags);
  const printer = new OutcomePrinter(invocation, dryRun);
  const found = await findObjects(invocation, { args: resources });
  await eachTarget(session, found, async (target) => {
    if (!isEmpty) {
      await changeOne(invocation, target, { verb, changes, dryRun, printer });
    }
    if (flags.bool('list')) {
      for (const [key, value] of sortedEntries(recordAt(target.object, 'metadata', verb.field))) {
        session.print(`${key}=${String(value)}\n`);
      }
    }
  });
}

interface Change {
  readonly verb: KeyVerb;
  readonly changes: KeyChanges;
  readonly dryRun: DryRun;
  readonly printer: OutcomePrinter;
}

async function changeOne(
  { session, flags }: Invocation,
  target: FoundObject,
  { verb, changes, dryRun, printer }: Change,
): Promise<void> {
  const before = recordAt(target.object, 'metadata', verb.field);
  if (!flags.bool('overwrite')) {
    for (const [key, value] of Object.entries(changes.set)) {
      if (Object.hasOwn(before, key) && before[key] !== value) {
        throw new CliError(
          verb.field === 'labels'
            ? `'${key}' already has a value (${String(before[key])}), and --overwrite is false`
            : `--overwrite is false but found the following declared annotation(s): '${key}' already has a value (${String(before[key])})`,
        );
      }
    }
  }
  for (const key of changes.removed) {
    if (!Object.hasOwn(before, key)) {
      session.print(`${verb.word} ${JSON.stringify(key)} not found.\n`);
    }
  }
  const version = flags.text('resource-version');
  const patch = {
    metadata: {
      [verb.field]: { ...changes.set, ...Object.fromEntries(changes.removed.map((key) => [key, null])) },
      ...(version === '' ? {} : { resourceVersion: version }),
    },
  };
  const answer =
    dryRun === 'client'
      ? target.object
      : asObject(
          await session.client.request({
            method: 'PATCH',
            path: pathOf(target.resource, target),
            query: writeQuery(flags, dryRun, verb.manager),
            contentType: 'application/merge-patch+json',
            body: patch,
          }),
        );
  printer.print(answer, outcomeOf(verb, before, changes));
}

function outcomeOf(
  { field }: KeyVerb,
  before: Readonly<Record<string, unknown>>,
  { set, removed }: KeyChanges,
): string {
  if (field === 'annotations') {
    return 'annotated';
  }
  const adds = Object.entries(set).some(([key, value]) => before[key] !== value);
  const removes = removed.some((key) => Object.hasOwn(before, key));
  return adds ? 'labeled' : removes ? 'unlabeled' : 'not labeled';
}
