import { silentExit } from '../cli-error.ts';
import { CliError } from '../cli-error.ts';
import type { Invocation } from '../command.ts';
import { selectorsOf } from '../find-objects.ts';
import { asObject, listAt, textAt } from '../object-access.ts';
import type { ObjectPrinter } from '../printers/printer.ts';
import { pathOf } from '../resource-mapper.ts';
import { tablePrinter, type Wanted } from './get.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

/** Prints a list and then every change to it, until the user interrupts. */
export async function watchObjects(
  invocation: Invocation,
  wanted: readonly Wanted[],
  print: ObjectPrinter | undefined,
): Promise<number> {
  const [target, ...more] = wanted;
  if (target === undefined || more.length > 0) {
    throw new CliError('you may only specify a single resource type');
  }
  const { session, flags } = invocation;
  const { resource, namespace, name } = target;
  const selectors = selectorsOf(flags);
  const query = {
    labelSelector: selectors.labelSelector,
    fieldSelector: name === '' ? selectors.fieldSelector : `metadata.name=${name}`,
  };
  const accept = print === undefined ? TABLE : 'application/json';
  const table = tablePrinter(invocation, target, false);
  const show = (object: unknown, type: string): void => {
    const prefix = flags.bool('output-watch-events') ? type : '';
    if (print === undefined) {
      table.add(withEventColumn(object, prefix));
      session.print(table.flush());
    } else {
      session.print(print([asObject(prefix === '' ? object : { type: prefix, object })]));
    }
  };
  const list = await session.client.request({ path: pathOf(resource, { namespace }), query, accept });
  if (!flags.bool('watch-only')) {
    if (print === undefined) {
      if (listAt(list, 'rows').length > 0) {
        show(list, 'ADDED');
      }
    } else {
      for (const item of listAt(list, 'items')) {
        show({ ...itemHead(target), ...asObject(item) }, 'ADDED');
      }
    }
  }
  const resourceVersion = textAt(list, 'metadata', 'resourceVersion');
  const watch = session.client.watch(
    { path: pathOf(resource, { namespace }), query: { ...query, resourceVersion }, accept },
    session.signal,
  );
  for await (const { type, object } of watch) {
    if (type !== 'BOOKMARK') {
      show(object, type);
    }
  }
  if (session.signal.aborted) {
    throw silentExit(130);
  }
  return 0;
}

function itemHead({ resource: { group, version, kind } }: Wanted): {
  readonly apiVersion: string;
  readonly kind: string;
} {
  return { apiVersion: group === '' ? version : `${group}/${version}`, kind };
}

/** The table with the event's type as its first column. */
function withEventColumn(table: unknown, type: string): unknown {
  if (type === '') {
    return table;
  }
  const columns = listAt(table, 'columnDefinitions');
  const column = { name: 'Event', type: 'string', format: '', priority: 0 };
  return {
    ...asObject(table),
    columnDefinitions: columns.length === 0 ? [] : [column, ...columns],
    rows: listAt(table, 'rows').map((row) => ({ ...asObject(row), cells: [type, ...listAt(row, 'cells')] })),
  };
}
