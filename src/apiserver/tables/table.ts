import type { ApiObject } from '#api/object.ts';
import type { ListMeta, Table } from '#api/types/meta.v1.ts';
import { partialMetadata } from './partial-metadata.ts';

/** One column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description: string;
  /** 0 is always shown; higher ones with `-o wide` only. */
  readonly priority: number;
}

/** How one kind looks in a table. */
export interface TablePrinter {
  readonly columns: readonly Column[];
  /** One cell per column. `nowMs` is the time ages count to. */
  cells(object: ApiObject, nowMs: number): readonly unknown[];
}

export interface TableOptions {
  /** What each row carries of its object: `None`, `Metadata` (the default) or `Object`. */
  readonly includeObject: string;
  readonly nowMs: number;
  /** Leaves the column definitions out; a watch sends them once. */
  readonly noHeaders: boolean;
}

/** The table form of objects of one resource, with upstream's columns and cells. */
export function tableOf(
  printer: TablePrinter,
  objects: readonly ApiObject[],
  metadata: ListMeta,
  options: TableOptions,
): Table {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: options.noHeaders
      ? null
      : printer.columns.map((column) => ({ format: '', ...column })),
    rows: objects.map((object) => ({
      cells: printer.cells(object, options.nowMs),
      ...rowObject(object, options.includeObject),
    })),
  } as unknown as Table;
}

function rowObject(object: ApiObject, include: string): object {
  switch (include) {
    case 'None':
      return {};
    case 'Object':
      return { object };
    default:
      return { object: partialMetadata(object) };
  }
}
