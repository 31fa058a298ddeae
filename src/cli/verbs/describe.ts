import { isNotFound, StatusError } from '#api/status-error.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { describerOf } from '../describe/describers.ts';
import { DescriptionWriter } from '../describe/description-writer.ts';
import {
  findObjects,
  type FoundObject,
  isEveryNamespace,
  listObjects,
  namespaceFor,
} from '../find-objects.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { parseResourceArguments } from '../resource-arguments.ts';
import { ALL_NAMESPACES_FLAG, CHUNK_SIZE_FLAG, SELECTOR_FLAG } from '../selection-flags.ts';

export const DESCRIBE: Command = {
  name: 'describe',
  about: 'Show details of a specific resource or group of resources',
  usage: '(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)',
  flags: [
    ...FILE_FLAGS,
    ALL_NAMESPACES_FLAG,
    CHUNK_SIZE_FLAG,
    SELECTOR_FLAG,
    { name: 'show-events', kind: 'bool', initial: 'true', about: 'Show the events about the object.' },
  ],
  run: describe,
};

async function describe(invocation: Invocation): Promise<void> {
  const { session, args, flags, io } = invocation;
  if (args.length === 0 && flags.list('filename').length === 0) {
    throw new CliError(
      'You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.',
    );
  }
  const { found, isByPrefix } = await findOrMatch(invocation);
  if (found.length === 0) {
    session.printError(
      isEveryNamespace(flags)
        ? 'No resources found\n'
        : `No resources found in ${session.namespace} namespace.\n`,
    );
    return;
  }
  for (const [index, { resource, object }] of found.entries()) {
    const writer = new DescriptionWriter();
    await describerOf(resource)({
      session,
      resource,
      object,
      writer,
      nowMs: io.clock.nowMs(),
      // Among several objects, events are shown only when they are asked for.
      showsEvents: flags.bool('show-events') && (found.length === 1 || flags.has('show-events')),
    });
    const text = writer.text();
    session.print(isByPrefix ? `${text}\n` : `${index === 0 ? '' : '\n\n'}${text}`);
  }
}

interface Matches {
  readonly found: readonly FoundObject[];
  readonly isByPrefix: boolean;
}

/** A name that is none may be the beginning of several. */
async function findOrMatch(invocation: Invocation): Promise<Matches> {
  try {
    return { found: await findObjects(invocation, { allowsAll: true }), isByPrefix: false };
  } catch (error) {
    const [named, ...others] = parseResourceArguments(invocation.args);
    const [prefix = '', ...names] = named?.names ?? [];
    if (
      !isNotFound(error) ||
      !(error instanceof StatusError) ||
      prefix === '' ||
      others.length + names.length > 0 ||
      invocation.args.length !== 2
    ) {
      throw error;
    }
    const resource = await invocation.session.resource(named?.type ?? '');
    const all = await listObjects(invocation.session, resource, namespaceFor(invocation, resource));
    const matching = all.filter(({ name }) => name.startsWith(prefix));
    if (matching.length === 0) {
      throw error;
    }
    return { found: matching, isByPrefix: true };
  }
}
