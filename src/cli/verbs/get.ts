import { isNotFound } from '#api/status-error.ts';
import { CliError, silentExit } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import type { ApiResource } from '../discovery.ts';
import {
  isEveryNamespace,
  manifestsOf,
  namespaceFor,
  type Selectors,
  selectorsOf,
  targetOf,
} from '../find-objects.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { type AnyObject, asObject, listAt, textAt } from '../object-access.ts';
import { objectPrinter, OUTPUT_FLAGS, outputFormat } from '../printers/printer.ts';
import { TablePrinter } from '../printers/table-printer.ts';
import { parseResourceArguments } from '../resource-arguments.ts';
import { pathOf, qualifiedKind } from '../resource-mapper.ts';
import type { Query } from '../rest-client.ts';
import {
  ALL_NAMESPACES_FLAG,
  CHUNK_SIZE_FLAG,
  FIELD_SELECTOR_FLAG,
  IGNORE_NOT_FOUND_FLAG,
  SELECTOR_FLAG,
} from '../selection-flags.ts';
import { sortObjects, sortRows } from '../sort-by.ts';

export const GET: Command = {
  name: 'get',
  about: 'Display one or many resources',
  usage:
    '[(-o|--output=)FORMAT] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...)',
  flags: [
    ALL_NAMESPACES_FLAG,
    CHUNK_SIZE_FLAG,
    FIELD_SELECTOR_FLAG,
    IGNORE_NOT_FOUND_FLAG,
    SELECTOR_FLAG,
    ...FILE_FLAGS,
    ...OUTPUT_FLAGS,
    { name: 'label-columns', short: 'L', kind: 'list', about: 'Labels that are shown as columns.' },
    { name: 'no-headers', kind: 'bool', about: 'Leave the headers out.' },
    { name: 'output-watch-events', kind: 'bool', about: 'Print the events of a watch, not the objects.' },
    { name: 'raw', kind: 'text', about: 'Path to ask the server for, printed as it comes.' },
    { name: 'server-print', kind: 'bool', initial: 'true', about: 'Let the server make the columns.' },
    { name: 'show-kind', kind: 'bool', about: 'Print the kind before each name.' },
    { name: 'show-labels', kind: 'bool', about: 'Print all labels as the last column.' },
    { name: 'sort-by', kind: 'text', about: 'JSONPath of the field to sort by.' },
    {
      name: 'subresource',
      kind: 'text',
      about: 'Read this subresource of the object: status, scale or resize.',
    },
    { name: 'watch', short: 'w', kind: 'bool', about: 'After the listing, go on printing changes.' },
    { name: 'watch-only', kind: 'bool', about: 'Print changes only, without the listing.' },
  ],
  run: get,
};

const NO_TYPE = `You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.
`;
const NO_TYPE_HINT = `Required resource not specified.
Use "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).
See 'kubectl get -h' for help and examples`;

/** One request that the command line comes to. An empty name lists. */
interface Wanted {
  readonly resource: ApiResource;
  readonly namespace: string;
  readonly name: string;
}

async function get(invocation: Invocation): Promise<number> {
  const { session, flags } = invocation;
  if (flags.text('raw') !== '') {
    session.print(await session.client.requestText({ path: flags.text('raw') }));
    return 0;
  }
  const isTable = ['', 'wide'].includes(outputFormat(flags).name);
  // The format is checked before anything is asked.
  const print = isTable ? undefined : objectPrinter(flags);
  const wanted = await wantedOf(invocation);
  if (flags.bool('watch') || flags.bool('watch-only')) {
    const { watchObjects } = await import('./get-watch.ts');
    return watchObjects(invocation, wanted, print);
  }
  return print === undefined ? printTables(invocation, wanted) : printObjects(invocation, wanted, print);
}

async function wantedOf(invocation: Invocation): Promise<readonly Wanted[]> {
  const { session, flags, args } = invocation;
  const manifests = await manifestsOf(invocation);
  if (manifests.length > 0) {
    return Promise.all(manifests.map((manifest) => targetOf(session, manifest)));
  }
  const named = parseResourceArguments(args);
  if (named.length === 0) {
    session.printError(`${NO_TYPE}\n`);
    throw new CliError(NO_TYPE_HINT);
  }
  const { labelSelector, fieldSelector } = selectorsOf(flags);
  const hasNames = named.some(({ names }) => names.length > 0);
  if (hasNames && labelSelector !== '') {
    throw new CliError('name cannot be provided when a selector is specified');
  }
  if (hasNames && fieldSelector !== '') {
    throw new CliError('selectors and the all flag cannot be used when passing resource/name arguments');
  }
  const mapper = await session.mapper();
  const wanted = named.flatMap(({ type, names }) =>
    mapper.expand(type).flatMap((resource) => {
      const namespace = namespaceFor(invocation, resource);
      return (names.length === 0 ? [''] : names).map((name) => ({ resource, namespace, name }));
    }),
  );
  if (isEveryNamespace(flags) && wanted.some(({ resource, name }) => name !== '' && resource.isNamespaced)) {
    throw new CliError('a resource cannot be retrieved by name across all namespaces');
  }
  return wanted;
}

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

/** The failures of some requests do not keep the others from being printed. */
async function* answers(
  invocation: Invocation,
  wanted: readonly Wanted[],
  ask: { readonly accept?: string; readonly query?: Query },
): AsyncIterable<readonly [Wanted, unknown]> {
  const { flags } = invocation;
  const errors: unknown[] = [];
  for (const each of wanted) {
    try {
      yield [each, await fetchAll(invocation, each, ask)];
    } catch (error) {
      if (!(isNotFound(error) && flags.bool('ignore-not-found'))) {
        errors.push(error);
      }
    }
  }
  await reportAll(invocation, errors);
}

async function reportAll({ session }: Invocation, errors: readonly unknown[]): Promise<void> {
  if (errors.length === 1) {
    throw errors[0];
  }
  if (errors.length > 1) {
    const { failureOf } = await import('../error-text.ts');
    for (const error of errors) {
      session.printError(failureOf(error, () => session.client.target.server).text);
    }
    throw silentExit(1);
  }
}

/** One object, or a whole list, page after page put together. */
async function fetchAll(
  { session, flags }: Invocation,
  { resource, namespace, name }: Wanted,
  { accept, query = {} }: { readonly accept?: string; readonly query?: Query },
): Promise<unknown> {
  const path = pathOf(resource, { namespace, name, subresource: flags.text('subresource') });
  const request = { path, ...(accept === undefined ? {} : { accept }) };
  if (name !== '') {
    return session.client.request({ ...request, query });
  }
  const selectors: Selectors = selectorsOf(flags);
  const limit = flags.int('chunk-size') > 0 ? flags.text('chunk-size') : '';
  const ask = (next: string): Promise<unknown> =>
    session.client.request({ ...request, query: { ...query, ...selectors, limit, continue: next } });
  const first = await ask('');
  const field = textAt(first, 'kind') === 'Table' ? 'rows' : 'items';
  const items = [...listAt(first, field)];
  for (let next = textAt(first, 'metadata', 'continue'); next !== '';) {
    const page = await ask(next);
    items.push(...listAt(page, field));
    next = textAt(page, 'metadata', 'continue');
  }
  return { ...asObject(first), [field]: items };
}

async function printTables(invocation: Invocation, wanted: readonly Wanted[]): Promise<number> {
  const { session, flags } = invocation;
  const sortPath = flags.text('sort-by');
  const types = new Set(wanted.map(({ resource }) => `${resource.group}/${resource.resource}`));
  let printer: TablePrinter | undefined;
  let lastType = '';
  let isEmpty = true;
  try {
    const query = sortPath === '' ? {} : { includeObject: 'Object' };
    for await (const [each, table] of answers(invocation, wanted, { accept: TABLE, query })) {
      const rows = listAt(table, 'rows');
      if (rows.length === 0) {
        continue;
      }
      const type = `${each.resource.group}/${each.resource.resource}`;
      if (printer === undefined || type !== lastType) {
        session.print(
          `${printer?.flush() ?? ''}${printer === undefined || flags.bool('no-headers') ? '' : '\n'}`,
        );
        printer = tablePrinter(invocation, each, types.size > 1);
        lastType = type;
      }
      isEmpty = false;
      printer.add(table, sortPath === '' ? rows : sortRows(rows, sortPath));
    }
  } finally {
    session.print(printer?.flush() ?? '');
  }
  if (isEmpty && !flags.bool('ignore-not-found')) {
    printNothingFound(invocation, wanted);
  }
  return 0;
}

export function tablePrinter(
  { flags }: Invocation,
  { resource }: Pick<Wanted, 'resource'>,
  hasManyTypes: boolean,
): TablePrinter {
  return new TablePrinter({
    isWide: outputFormat(flags).name === 'wide',
    hasHeaders: !flags.bool('no-headers'),
    labelColumns: flags.list('label-columns'),
    showsLabels: flags.bool('show-labels'),
    withNamespace: isEveryNamespace(flags) && resource.isNamespaced,
    kindPrefix: hasManyTypes || flags.bool('show-kind') ? qualifiedKind(resource.group, resource.kind) : '',
  });
}

function printNothingFound({ session, flags }: Invocation, wanted: readonly Wanted[]): void {
  const isNamespaced = wanted.some(({ resource }) => resource.isNamespaced);
  session.printError(
    isEveryNamespace(flags) || !isNamespaced
      ? 'No resources found\n'
      : `No resources found in ${session.namespace} namespace.\n`,
  );
}

async function printObjects(
  invocation: Invocation,
  wanted: readonly Wanted[],
  print: (objects: readonly AnyObject[]) => string,
): Promise<number> {
  const { session, flags } = invocation;
  const single = wanted.length === 1 && wanted[0]?.name !== '';
  const found: AnyObject[] = [];
  let problem: unknown;
  try {
    for await (const [each, answer] of answers(invocation, wanted, {})) {
      if (each.name === '') {
        const { group, version, kind } = each.resource;
        const apiVersion = group === '' ? version : `${group}/${version}`;
        found.push(...listAt(answer, 'items').map((item) => ({ ...asObject(item), apiVersion, kind })));
      } else {
        found.push(asObject(answer));
      }
    }
  } catch (error) {
    if (found.length === 0) {
      throw error;
    }
    problem = error;
  }
  const sortPath = flags.text('sort-by');
  const objects = sortPath === '' ? found : sortObjects(found, sortPath);
  session.print(printed(objects, { single, format: outputFormat(flags).name }, print));
  if (problem !== undefined) {
    throw problem;
  }
  return 0;
}

/** Several objects are printed as one list, except by the formats that take one object after another. */
function printed(
  objects: readonly AnyObject[],
  { single, format }: { readonly single: boolean; readonly format: string },
  print: (objects: readonly AnyObject[]) => string,
): string {
  if (single) {
    return print(objects);
  }
  if (format === 'name' || format.startsWith('custom-columns')) {
    return print(objects);
  }
  return print([
    asObject({ apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items: objects }),
  ]);
}

export type { Wanted };
