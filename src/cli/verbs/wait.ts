import { isNotFound } from '#api/status-error.ts';
import { CliError, silentExit } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { waitUntilGone } from '../delete-object.ts';
import { findObjects, type FoundObject } from '../find-objects.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { type AnyObject, asObject, listAt, numberAt, textAt } from '../object-access.ts';
import { jsonPathText, valuesAtPath } from '../printers/json-path.ts';
import { parseRelaxedPath } from '../printers/json-path-parser.ts';
import { nameOf, OUTPUT_FLAGS } from '../printers/printer.ts';
import { pathOf } from '../resource-mapper.ts';
import { ALL_FLAG, ALL_NAMESPACES_FLAG, FIELD_SELECTOR_FLAG, SELECTOR_FLAG } from '../selection-flags.ts';

export const WAIT: Command = {
  name: 'wait',
  about: 'Experimental: Wait for a specific condition on one or many resources',
  usage:
    '([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) --for=CONDITION',
  flags: [
    ...FILE_FLAGS,
    ...OUTPUT_FLAGS,
    ALL_FLAG,
    ALL_NAMESPACES_FLAG,
    FIELD_SELECTOR_FLAG,
    SELECTOR_FLAG,
    {
      name: 'for',
      kind: 'text',
      about: "create, delete, condition=NAME[=VALUE] or jsonpath='{PATH}'[=VALUE].",
    },
    { name: 'timeout', kind: 'duration', initial: '30s', about: 'How long to wait; zero looks once.' },
  ],
  run: wait,
};

/** Whether an object is as it is wanted. */
type Test = (object: AnyObject) => boolean;

/** How often an object that does not exist yet is asked for. */
const POLL_MS = 500;

async function wait(invocation: Invocation): Promise<void> {
  const { session, flags, io } = invocation;
  const wanted = flags.text('for');
  if (wanted === '') {
    throw new CliError('must specify --for');
  }
  const timeout = new AbortController();
  const timeoutMs = flags.durationMs('timeout');
  // A week is what upstream takes for "as long as it takes".
  const timer = io.clock.schedule(timeoutMs < 0 ? 7 * 86_400_000 : timeoutMs, () => timeout.abort());
  const signal = AbortSignal.any([session.signal, timeout.signal]);
  try {
    const isDelete = wanted.toLowerCase() === 'delete';
    const test = isDelete ? undefined : testOf(wanted);
    const found = await findWaited(invocation, {
      isDelete,
      isCreate: wanted.toLowerCase() === 'create',
      signal,
    });
    const outcomes = await Promise.all(
      found.map(async (target) => ({
        target,
        isMet: await waitForOne(invocation, target, { test, signal }),
      })),
    );
    for (const { target, isMet } of outcomes) {
      if (isMet) {
        session.print(`${nameOf(target.object)} condition met\n`);
      } else {
        session.printError(
          `timed out waiting for the condition on ${target.resource.resource}/${target.name}\n`,
        );
      }
    }
    if (outcomes.some(({ isMet }) => !isMet)) {
      throw silentExit(1);
    }
  } finally {
    timer.cancel();
  }
}

interface Finding {
  readonly isDelete: boolean;
  readonly isCreate: boolean;
  readonly signal: AbortSignal;
}

async function findWaited(
  invocation: Invocation,
  { isDelete, isCreate, signal }: Finding,
): Promise<readonly FoundObject[]> {
  for (;;) {
    try {
      const found = await findObjects(invocation);
      if (found.length === 0 && !isDelete && !isCreate) {
        throw new CliError('no matching resources found');
      }
      if (found.length > 0 || isDelete) {
        return found;
      }
    } catch (error) {
      if (!isNotFound(error) || !(isDelete || isCreate)) {
        throw error;
      }
      if (isDelete) {
        return [];
      }
    }
    if (signal.aborted) {
      throw new CliError('timed out waiting for the condition');
    }
    await invocation.io.clock.sleep(POLL_MS);
  }
}

interface Waiting {
  /** Undefined waits for the end of the object. */
  readonly test: Test | undefined;
  readonly signal: AbortSignal;
}

async function waitForOne(
  { session }: Invocation,
  target: FoundObject,
  { test, signal }: Waiting,
): Promise<boolean> {
  const { resource, namespace, name, object } = target;
  if (test === undefined) {
    await waitUntilGone(session, target, object.metadata.uid, signal).catch((error: unknown) => {
      if (!signal.aborted) {
        throw error;
      }
    });
    return !signal.aborted;
  }
  if (test(object)) {
    return true;
  }
  const fieldSelector = `metadata.name=${name}`;
  const path = pathOf(resource, { namespace });
  const done = new AbortController();
  while (!signal.aborted) {
    const list = await session.client.request({ path, query: { fieldSelector } });
    if (listAt(list, 'items').some((item) => test(asObject(item)))) {
      return true;
    }
    const resourceVersion = textAt(list, 'metadata', 'resourceVersion');
    const either = AbortSignal.any([signal, done.signal]);
    for await (const { type, object: changed } of session.client.watch(
      { path, query: { fieldSelector, resourceVersion } },
      either,
    )) {
      if (type !== 'BOOKMARK' && type !== 'DELETED' && test(asObject(changed))) {
        done.abort();
        return true;
      }
    }
  }
  return false;
}

/** @throws {CliError} for a condition that is none */
function testOf(text: string): Test {
  if (text.toLowerCase() === 'create') {
    return () => true;
  }
  if (text.startsWith('condition=')) {
    const [name = '', value = 'true'] = text.slice('condition='.length).split('=');
    return (object) => isConditionMet(object, name.toLowerCase(), value.toLowerCase());
  }
  if (text.startsWith('jsonpath=')) {
    return jsonPathTest(text.slice('jsonpath='.length));
  }
  throw new CliError(`unrecognized condition: ${JSON.stringify(text)}`);
}

/** A condition about an older generation says nothing about this one. */
function isConditionMet(object: AnyObject, name: string, value: string): boolean {
  const condition = listAt(object, 'status', 'conditions').find(
    (each) => textAt(each, 'type').toLowerCase() === name,
  );
  const generation = numberAt(object, 'metadata', 'generation');
  const observed =
    numberAt(condition, 'observedGeneration') ?? numberAt(object, 'status', 'observedGeneration');
  const isOld = generation !== undefined && observed !== undefined && observed < generation;
  return !isOld && textAt(condition, 'status').toLowerCase() === value;
}

function jsonPathTest(text: string): Test {
  const close = text.lastIndexOf('}');
  const equals = text.indexOf('=', Math.max(close, 0));
  const path = equals < 0 ? text : text.slice(0, equals);
  const wanted = equals < 0 ? undefined : text.slice(equals + 1);
  if (wanted === '') {
    throw new CliError('jsonpath wait has to have a value after equal sign');
  }
  const template = parseRelaxedPath(path.replace(/^\{\s*/, '{').replace(/^(['"])(.*)\1$/, '$2'));
  return (object) => {
    const values = valuesAtPath(template, object, { allowsMissing: true });
    return wanted === undefined ? values.length > 0 : values.some((value) => jsonPathText(value) === wanted);
  };
}
