import { structOfKind } from '#api/schema/schema.ts';
import { labelValueProblems, qualifiedNameProblems } from '#api/names.ts';
import type { Node, Taint } from '#api/types/core.v1.ts';
import { twoWayPatch } from '#codec/patch/strategic-diff.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { dryRunOf, writeQuery } from '../dry-run.ts';
import { eachTarget } from '../each-target.ts';
import { findObjects } from '../find-objects.ts';
import { asObject, withValueAt } from '../object-access.ts';
import { OutcomePrinter } from '../outcome.ts';
import { OUTPUT_FLAGS } from '../printers/printer.ts';
import { pathOf } from '../resource-mapper.ts';
import {
  ALL_FLAG,
  DRY_RUN_FLAG,
  FIELD_MANAGER_FLAG,
  SELECTOR_FLAG,
  VALIDATE_FLAG,
} from '../selection-flags.ts';

export const TAINT: Command = {
  name: 'taint',
  about: 'Update the taints on one or more nodes',
  usage: 'NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N',
  flags: [
    ...OUTPUT_FLAGS,
    ALL_FLAG,
    DRY_RUN_FLAG,
    FIELD_MANAGER_FLAG,
    SELECTOR_FLAG,
    VALIDATE_FLAG,
    { name: 'overwrite', kind: 'bool', about: 'Allow taints to be overwritten.' },
  ],
  run: taint,
};

const EFFECTS: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** A taint as it is written: without an effect it can only be removed. */
interface WrittenTaint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

interface TaintChange {
  readonly added: readonly WrittenTaint[];
  readonly removed: readonly WrittenTaint[];
}

async function taint(invocation: Invocation): Promise<void> {
  const { session, flags, path } = invocation;
  const { resources, words } = splitWords(invocation.args);
  const [type, ...names] = resources;
  if (type === undefined) {
    throw new CliError('one or more resources must be specified as <resource> <name>');
  }
  if (words.length === 0) {
    throw new CliError('at least one taint update is required');
  }
  const change = readTaints(words, `See '${path} -h' for help and examples`);
  const resource = await session.resource(type);
  if (resource.kind !== 'Node') {
    throw new CliError(`invalid resource type ${type.toLowerCase()}, only node types are supported`);
  }
  checkConflicts(change);
  const isSelecting = flags.text('selector') !== '';
  if (flags.bool('all') && isSelecting) {
    throw new CliError("setting 'all' parameter with a non empty selector is prohibited");
  }
  if (!flags.bool('all') && !isSelecting && names.length === 0) {
    throw new CliError("at least one resource name must be specified since 'all' parameter is not set");
  }
  const dryRun = dryRunOf(flags);
  // As upstream, whose outcome does not say that it was a dry run.
  const printer = new OutcomePrinter(invocation, 'none');
  const found = await findObjects(invocation, { args: flags.bool('all') ? ['nodes'] : ['nodes', ...names] });
  await eachTarget(session, found, async ({ object, name }) => {
    // The resource is that of nodes.
    const node = object as unknown as Node;
    const { taints, operation } = changedTaints(node, change, flags.bool('overwrite'));
    const changed = asObject(
      withValueAt(object, ['spec', 'taints'], taints.length === 0 ? undefined : taints),
    );
    const answer =
      dryRun === 'client'
        ? changed
        : asObject(
            await session.client.request({
              method: 'PATCH',
              path: pathOf(resource, { name }),
              query: writeQuery(flags, dryRun, 'kubectl-taint'),
              contentType: 'application/strategic-merge-patch+json',
              body: twoWayPatch(object, changed, structOfKind('', 'v1', 'Node')),
            }),
          );
    printer.print(answer, operation);
  });
}

function splitWords(args: readonly string[]): {
  readonly resources: readonly string[];
  readonly words: readonly string[];
} {
  const isTaint = (arg: string): boolean => /[=:]|-$/.test(arg);
  const start = args.findIndex(isTaint);
  const words = start < 0 ? [] : args.slice(start);
  const stray = words.find((word) => !isTaint(word));
  if (stray !== undefined) {
    throw new CliError(`all resources must be specified before taint changes: ${stray}`);
  }
  return { resources: start < 0 ? args : args.slice(0, start), words };
}

function readTaints(words: readonly string[], hint: string): TaintChange {
  const problem = (text: string): CliError => new CliError(`${text}\n${hint}`);
  const added: WrittenTaint[] = [];
  const removed: WrittenTaint[] = [];
  for (const word of words) {
    if (word.endsWith('-')) {
      removed.push(readTaint(word.slice(0, -1), problem));
      continue;
    }
    const taint_ = readTaint(word, problem);
    if (taint_.effect === '') {
      throw problem(`invalid taint spec: ${word}`);
    }
    if (added.some(({ key, effect }) => key === taint_.key && effect === taint_.effect)) {
      throw problem(
        `duplicated taints with the same key and effect: {${taint_.key} ${taint_.value} ${taint_.effect} <nil>}`,
      );
    }
    added.push(taint_);
  }
  return { added, removed };
}

/** `key=value:effect`, `key:effect` or `key`. */
function readTaint(text: string, problem: (text: string) => CliError): WrittenTaint {
  const [left = '', effect, ...more] = text.split(':');
  if (effect !== undefined && more.length === 0 && !EFFECTS.includes(effect)) {
    throw problem(`invalid taint effect: ${effect}, unsupported taint effect`);
  }
  const [key = '', value = '', ...rest] = effect === undefined ? [left] : left.split('=');
  if (more.length > 0 || rest.length > 0) {
    throw problem(`invalid taint spec: ${text}`);
  }
  const problems = [...labelValueProblems(value), ...qualifiedNameProblems(key)];
  if (problems.length > 0) {
    throw problem(`invalid taint spec: ${text}, ${problems.join('; ')}`);
  }
  return { key, value, effect: effect ?? '' };
}

function checkConflicts({ added, removed }: TaintChange): void {
  const both = added.flatMap(({ key, effect }) =>
    removed
      .filter((each) => each.key === key && (each.effect === '' || each.effect === effect))
      .map((each) => `${each.key}=${each.effect}`),
  );
  if (both.length > 0) {
    throw new CliError(
      `can not both modify and remove the following taint(s) in the same command: ${both.join(', ')}`,
    );
  }
}

interface ChangedTaints {
  readonly taints: readonly Pick<Taint, 'key' | 'effect' | 'value'>[];
  readonly operation: 'modified' | 'tainted' | 'untainted';
}

/** New taints stand first; what they do not replace stays. */
function changedTaints(
  { metadata, spec }: Node,
  { added, removed }: TaintChange,
  overwrites: boolean,
): ChangedTaints {
  const before = spec.taints ?? [];
  const isSame = (left: WrittenTaint, right: Taint): boolean =>
    left.key === right.key && left.effect === right.effect;
  const taken = added.filter((taint_) => before.some((each) => isSame(taint_, each)));
  if (taken.length > 0 && !overwrites) {
    throw new CliError(
      `node ${metadata.name} already has ${taken.map(({ key }) => key).join(',')} taint(s) with same effect(s) and --overwrite is false`,
    );
  }
  const isKept = (each: Taint): boolean => !added.some((taint_) => isSame(taint_, each));
  let taints: ChangedTaints['taints'] = [
    ...added.map(({ key, effect, value }) => ({
      effect: effect as Taint['effect'],
      key,
      ...(value === '' ? {} : { value }),
    })),
    ...before.filter(isKept),
  ];
  const isAdding = taints.length !== before.length;
  const missing: string[] = [];
  let isRemoving = false;
  for (const { key, effect } of removed) {
    const left = taints.filter((each) => each.key !== key || (effect !== '' && each.effect !== effect));
    isRemoving = left.length < taints.length;
    if (!isRemoving) {
      missing.push(`taint ${JSON.stringify(effect === '' ? key : `${key}:${effect}`)} not found`);
    }
    taints = left;
  }
  if (missing.length > 0) {
    throw new CliError(missing.length === 1 ? (missing[0] ?? '') : `[${missing.join(', ')}]`);
  }
  const operation = (isAdding && isRemoving) || overwrites ? 'modified' : isAdding ? 'tainted' : 'untainted';
  return { taints, operation };
}
