import type { ApiObject } from '#api/object.ts';
import { ageText, durationText } from '../age.ts';
import type { Column, TablePrinter } from '../table.ts';

/** A column and how its cell is made. */
export interface ColumnOf<T> {
  readonly name: string;
  readonly type?: Column['type'];
  readonly isWide?: boolean;
  readonly cell: (object: T, nowMs: number) => unknown;
}

/** A printer from columns; every table starts with the object's name. */
export function printer<T extends ApiObject>(columns: readonly ColumnOf<T>[]): TablePrinter {
  const all: readonly ColumnOf<T>[] = [{ name: 'Name', cell: ({ metadata }) => metadata.name }, ...columns];
  return {
    columns: all.map(({ name, type = 'string', isWide = false }, index) => ({
      name,
      type,
      ...(index === 0 ? { format: 'name' } : {}),
      description: '',
      priority: isWide ? 1 : 0,
    })),
    // A table is made only of objects of the printer's own kind.
    cells: (object, nowMs) => all.map(({ cell }) => cell(object as unknown as T, nowMs)),
  };
}

export const AGE: ColumnOf<ApiObject> = {
  name: 'Age',
  cell: ({ metadata }, nowMs) => ageText(metadata.creationTimestamp, nowMs),
};

/** What stands where there is nothing to show. */
export const NONE = '<none>';
export const UNSET = '<unset>';

/** `a=1,b=2` in the order of the keys. */
export function mapText(map: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(map ?? {});
  return entries.length === 0
    ? NONE
    : entries
        .toSorted(([left], [right]) => (left < right ? -1 : 1))
        .map(([key, value]) => `${key}=${value}`)
        .join(',');
}

export function orNone(text: string | undefined): string {
  return text === undefined || text === '' ? NONE : text;
}

/** The first few of a list, and how many more there are. */
export function someOf(items: readonly string[], most: number): string {
  if (items.length === 0) {
    return NONE;
  }
  const shown = items.slice(0, most).join(',');
  return items.length > most ? `${shown} + ${items.length - most} more...` : shown;
}

/** Names and images of a template's containers, for the wide columns of workloads. */
export function containersOf(containers: readonly { readonly name: string; readonly image?: string }[]): {
  names: string;
  images: string;
} {
  return {
    names: containers.map(({ name }) => name).join(','),
    images: containers.map(({ image = '' }) => image).join(','),
  };
}

export { ageText, durationText };
