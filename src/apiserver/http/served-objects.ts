import type { ApiObject } from '#api/object.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import type { Served } from '../endpoints/api-call.ts';
import { columnsOf } from '../tables/columns.ts';
import type { TablePrinter } from '../tables/table.ts';

/** The object in the version that the client asked for. */
export function shown(object: ApiObject, { view }: Served): ApiObject {
  return view?.fromStorage(object) ?? object;
}

/** The resource in the version that the client asked for. */
export function infoOf({ storage, view }: Served): ResourceInfo {
  return view?.info ?? storage.strategy.info;
}

/** The columns of the resource in the version that the client asked for. */
export function printerOf({ storage, view }: Served): TablePrinter {
  const { custom, info } = view ?? storage.strategy;
  return custom?.printer ?? columnsOf(info);
}
