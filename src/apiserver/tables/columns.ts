import type { GroupVersionResource } from '#api/resource-type.ts';
import { ageText } from './age.ts';
import type { TablePrinter } from './table.ts';

const DEFAULT_PRINTER: TablePrinter = {
  columns: [
    { name: 'Name', type: 'string', format: 'name', description: 'Name of the object', priority: 0 },
    { name: 'Age', type: 'string', description: 'Time since the object was created', priority: 0 },
  ],
  cells: ({ metadata }, nowMs) => [metadata.name, ageText(metadata.creationTimestamp, nowMs)],
};

const PRINTERS: ReadonlyMap<string, TablePrinter> = new Map();

/** The columns of a resource; name and age for those without any of their own. */
export function columnsOf({ group, resource }: GroupVersionResource): TablePrinter {
  return PRINTERS.get(group === '' ? resource : `${resource}.${group}`) ?? DEFAULT_PRINTER;
}
