import { goJson } from './go-json.ts';
import { TabWriter, TABLE_LAYOUT } from '../tab-writer.ts';
import { listAt, numberAt, recordAt, sortedEntries, textAt, valueAt } from '../object-access.ts';

export interface TableOptions {
  readonly isWide: boolean;
  readonly hasHeaders: boolean;
  /** `-L`: labels that get a column of their own. */
  readonly labelColumns: readonly string[];
  readonly showsLabels: boolean;
  readonly withNamespace: boolean;
  /** `pod`, to print `pod/web`; empty to print `web`. */
  readonly kindPrefix: string;
}

interface Cells {
  readonly shown: readonly number[];
  readonly nameIndex: number;
}

/** Sets `Table` objects that the server made. Rows printed later stand below those before, without a header. */
export class TablePrinter {
  readonly #options: TableOptions;
  readonly #writer = new TabWriter(TABLE_LAYOUT);
  #headers = '';

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** Takes the rows of one table; the text comes with {@link flush}. */
  add(table: unknown, rows: readonly unknown[] = listAt(table, 'rows')): void {
    const columns = listAt(table, 'columnDefinitions');
    const { isWide, hasHeaders } = this.#options;
    const shown = columns.flatMap((column, index) =>
      isWide || (numberAt(column, 'priority') ?? 0) === 0 ? [index] : [],
    );
    const nameIndex = columns.findIndex(
      (column) => textAt(column, 'format') === 'name' && textAt(column, 'type') === 'string',
    );
    const headers = this.#headerLine(columns, shown);
    // An empty table sets no header: there is nothing below it. A watch sends no columns after the first.
    if (hasHeaders && columns.length > 0 && headers !== this.#headers) {
      this.#headers = headers;
      this.#writer.write(headers);
    }
    for (const row of rows) {
      this.#writer.write(this.#rowLine(row, { shown, nameIndex }));
    }
  }

  flush(): string {
    return this.#writer.flush();
  }

  #headerLine(columns: readonly unknown[], shown: readonly number[]): string {
    const { withNamespace, labelColumns, showsLabels } = this.#options;
    return `${[
      ...(withNamespace ? ['NAMESPACE'] : []),
      ...shown.map((index) => textAt(columns[index], 'name').toUpperCase()),
      ...labelColumns.map((label) => label.slice(label.lastIndexOf('/') + 1).toUpperCase()),
      ...(showsLabels ? ['LABELS'] : []),
    ].join('\t')}\n`;
  }

  #rowLine(row: unknown, { shown, nameIndex }: Cells): string {
    const { withNamespace, labelColumns, showsLabels, kindPrefix } = this.#options;
    const cells = listAt(row, 'cells');
    const labels = recordAt(row, 'object', 'metadata', 'labels');
    return `${[
      ...(withNamespace ? [textAt(row, 'object', 'metadata', 'namespace')] : []),
      ...shown.map((index) => {
        const text = cellText(cells[index]);
        return kindPrefix !== '' && index === nameIndex ? `${kindPrefix}/${text}` : text;
      }),
      ...labelColumns.map((label) => textAt(labels, label)),
      ...(showsLabels ? [labelsText(valueAt(labels))] : []),
    ].join('\t')}\n`;
  }
}

/** `app=web,tier=front`, or `<none>`. */
export function labelsText(labels: unknown): string {
  const entries = sortedEntries(labels);
  return entries.length === 0 ? '<none>' : entries.map(([key, value]) => `${key}=${String(value)}`).join(',');
}

/** A cell is one line: what comes after the first is cut off, and control characters that would move the columns too. One without a value is empty. */
function cellText(cell: unknown): string {
  if (cell === undefined || cell === null) {
    return '';
  }
  const text = typeof cell === 'string' ? cell : goJson(cell);
  const end = text.search(/[\f\n\r]/);
  return end < 0 ? text : `${text.slice(0, end)}...`;
}
