import { structOfKind } from '#api/schema/schema.ts';
import { applyStrategicMerge } from '#codec/patch/strategic-merge.ts';
import type { JsonRecord } from '#codec/own-property.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { type DryRun, dryRunOf } from '../dry-run.ts';
import { describePodTemplate } from '../describe/pod-template.ts';
import { DescriptionWriter } from '../describe/description-writer.ts';
import { eachTarget } from '../each-target.ts';
import { findObjects, type FoundObject, listObjects } from '../find-objects.ts';
import { LAST_APPLIED, lastAppliedOf } from '../last-applied.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { type AnyObject, listAt, recordAt, textAt, valueAt, withValueAt } from '../object-access.ts';
import { OutcomePrinter } from '../outcome.ts';
import { podSelectorOf } from '../pods-of.ts';
import { nameOf, OUTPUT_FLAGS, objectPrinter, outputFormat } from '../printers/printer.ts';
import { pathOf, qualifiedKind } from '../resource-mapper.ts';
import { DRY_RUN_FLAG, SELECTOR_FLAG } from '../selection-flags.ts';
import { alignedText, TABLE_LAYOUT } from '../tab-writer.ts';

export const ROLLOUT_HISTORY: Command = {
  name: 'history',
  about: 'View rollout history',
  usage: '(TYPE NAME | TYPE/NAME) [flags]',
  flags: [
    ...FILE_FLAGS,
    ...OUTPUT_FLAGS,
    SELECTOR_FLAG,
    { name: 'revision', kind: 'int', initial: '0', about: 'See the details of this revision.' },
  ],
  run: history,
};

export const ROLLOUT_UNDO: Command = {
  name: 'undo',
  about: 'Undo a previous rollout',
  usage: '(TYPE NAME | TYPE/NAME) [flags]',
  flags: [
    ...FILE_FLAGS,
    ...OUTPUT_FLAGS,
    DRY_RUN_FLAG,
    SELECTOR_FLAG,
    {
      name: 'to-revision',
      kind: 'int',
      initial: '0',
      about: 'The revision to go back to; 0 is the one before.',
    },
  ],
  run: undo,
};

const REVISION = 'deployment.kubernetes.io/revision';
const CHANGE_CAUSE = 'kubernetes.io/change-cause';
const TEMPLATE_HASH = 'pod-template-hash';

/** One state that a workload has been in. */
interface Revision {
  readonly number: number;
  readonly changeCause: string;
  /** The object that keeps it: a ReplicaSet or a ControllerRevision. */
  readonly keeper: AnyObject;
}

async function history(invocation: Invocation): Promise<void> {
  const { session, flags, args } = invocation;
  requireResource(invocation, args);
  const wanted = flags.int('revision');
  if (wanted < 0) {
    throw new CliError('revision must be a positive integer: ' + String(wanted));
  }
  const print = outputFormat(flags).name === '' ? undefined : objectPrinter(flags);
  await eachTarget(session, await findObjects(invocation, { allowsAll: true }), async (target) => {
    const revisions = await revisionsOf(invocation, target);
    if (wanted === 0) {
      session.print(`${nameOf(target.object)} \n${historyTable(revisions)}\n`);
      return;
    }
    const revision = revisions.find(({ number }) => number === wanted);
    if (revision === undefined) {
      throw new CliError(`unable to find the specified revision`);
    }
    if (print !== undefined) {
      session.print(print([revision.keeper]));
      return;
    }
    const writer = new DescriptionWriter();
    describePodTemplate(writer, withCause(templateOf(target.object, revision), revision.changeCause));
    session.print(`${nameOf(target.object)} with revision #${wanted}\n${writer.rawText()}\n`);
  });
}

function withCause(template: JsonRecord, changeCause: string): JsonRecord {
  return changeCause === ''
    ? template
    : withValueAt(template, ['metadata', 'annotations', CHANGE_CAUSE], changeCause);
}

function historyTable(revisions: readonly Revision[]): string {
  const rows = revisions.map(
    ({ number, changeCause }) => `${number}\t${changeCause === '' ? '<none>' : changeCause}\n`,
  );
  return alignedText(
    { ...TABLE_LAYOUT, widthMin: 0, padding: 2 },
    `REVISION\tCHANGE-CAUSE\n${rows.join('')}`,
  );
}

function requireResource({ flags }: Invocation, args: readonly string[]): void {
  if (args.length === 0 && flags.list('filename').length === 0) {
    throw new CliError('required resource not specified');
  }
}

async function revisionsOf({ session }: Invocation, target: FoundObject): Promise<readonly Revision[]> {
  const { object, namespace, resource } = target;
  const isDeployment = object.kind === 'Deployment';
  if (!isDeployment && object.kind !== 'DaemonSet' && object.kind !== 'StatefulSet') {
    throw new CliError(
      `no history viewer has been implemented for ${JSON.stringify(qualifiedKind(resource.group, resource.kind))}`,
    );
  }
  const keepers = await session.resource(isDeployment ? 'replicasets.apps' : 'controllerrevisions.apps');
  const found = await listObjects(session, keepers, namespace, {
    labelSelector: podSelectorOf(object) ?? '',
  });
  return found
    .map(({ object: keeper }) => keeper)
    .filter((keeper) =>
      listAt(keeper, 'metadata', 'ownerReferences').some(
        (owner) => textAt(owner, 'uid') === object.metadata.uid,
      ),
    )
    .map((keeper) => ({
      number: Number(
        isDeployment ? textAt(keeper, 'metadata', 'annotations', REVISION) : textAt(keeper, 'revision'),
      ),
      changeCause: textAt(keeper, 'metadata', 'annotations', CHANGE_CAUSE),
      keeper,
    }))
    .toSorted((left, right) => left.number - right.number);
}

/** The pod template of a revision, without what only its keeper needs. */
function templateOf(object: AnyObject, { keeper }: Revision): JsonRecord {
  if (keeper.kind === 'ReplicaSet') {
    return recordAt(keeper, 'spec', 'template');
  }
  const struct = structOfKind('apps', 'v1', object.kind);
  const data = recordAt(keeper, 'data');
  return struct === undefined
    ? recordAt(data, 'spec', 'template')
    : recordAt(applyStrategicMerge(object, data, struct), 'spec', 'template');
}

async function undo(invocation: Invocation): Promise<void> {
  const { session, flags, args } = invocation;
  requireResource(invocation, args);
  const dryRun = dryRunOf(flags);
  const printer = new OutcomePrinter(invocation, dryRun);
  await eachTarget(session, await findObjects(invocation, { allowsAll: true }), async (target) => {
    const { object, resource, name } = target;
    if (lastAppliedOf(object) !== undefined) {
      session.printError(
        `Warning: resource ${resource.resource}/${name} was previously managed with 'kubectl apply'. Rolling back will not update the ${LAST_APPLIED} annotation, which may cause unexpected behavior on future 'kubectl apply' operations. Consider using 'kubectl apply' with your previous configuration file instead.\n`,
      );
    }
    if (valueAt(object, 'spec', 'paused') === true) {
      throw new CliError(
        "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again",
      );
    }
    const revisions = await revisionsOf(invocation, target);
    const revision = chooseRevision(object, revisions, flags.int('to-revision'));
    const outcome = await rollBack(invocation, target, { revision, dryRun });
    printer.print(object, outcome);
  });
}

function chooseRevision(object: AnyObject, revisions: readonly Revision[], wanted: number): Revision {
  if (wanted === 0) {
    const before = revisions.at(-2);
    if (before === undefined) {
      throw new CliError(
        `no rollout history found for ${object.kind.toLowerCase()} ${JSON.stringify(object.metadata.name)}`,
      );
    }
    return before;
  }
  const found = revisions.find(({ number }) => number === wanted);
  if (found === undefined) {
    throw new CliError(`unable to find specified revision ${wanted} in history`);
  }
  return found;
}

interface Rollback {
  readonly revision: Revision;
  readonly dryRun: DryRun;
}

async function rollBack(
  { session }: Invocation,
  target: FoundObject,
  { revision, dryRun }: Rollback,
): Promise<string> {
  const { object, resource } = target;
  const path = pathOf(resource, target);
  const query = dryRun === 'server' ? { dryRun: 'All' } : {};
  const skipped = `skipped rollback (current template already matches revision ${revision.number})`;
  const template = withoutHash(templateOf(object, revision));
  if (jsonEqual(template, withoutHash(recordAt(object, 'spec', 'template')))) {
    return skipped;
  }
  if (dryRun === 'client') {
    return 'rolled back';
  }
  if (object.kind === 'Deployment') {
    const body = [
      { op: 'replace', path: '/spec/template', value: template },
      { op: 'replace', path: '/metadata/annotations', value: rolledBackAnnotations(object, revision.keeper) },
    ];
    await session.client.request({
      method: 'PATCH',
      path,
      query,
      contentType: 'application/json-patch+json',
      body,
    });
  } else {
    const body = recordAt(revision.keeper, 'data');
    await session.client.request({
      method: 'PATCH',
      path,
      query,
      contentType: 'application/strategic-merge-patch+json',
      body,
    });
  }
  return 'rolled back';
}

/** Annotations that belong to the deployment, or to the set, and not to the revision. */
const KEPT: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  'deployment.kubernetes.io/revision-history',
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
  'deprecated.deployment.rollback.to',
]);

function rolledBackAnnotations(deployment: AnyObject, keeper: AnyObject): JsonRecord {
  const own = Object.entries(recordAt(deployment, 'metadata', 'annotations')).filter(([key]) =>
    KEPT.has(key),
  );
  const back = Object.entries(recordAt(keeper, 'metadata', 'annotations')).filter(([key]) => !KEPT.has(key));
  return Object.fromEntries([...own, ...back]);
}

function withoutHash(template: JsonRecord): JsonRecord {
  return asTemplate(withValueAt(template, ['metadata', 'labels', TEMPLATE_HASH], undefined));
}

/** Empty metadata of the server's making says nothing. */
function asTemplate(template: JsonRecord): JsonRecord {
  const { creationTimestamp: _none, ...metadata } = recordAt(template, 'metadata');
  return { ...template, metadata };
}
