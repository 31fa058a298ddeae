/** How a {@link TabWriter} sets its columns. */
export interface TabLayout {
  /** Columns are at least so wide, padding included. */
  readonly widthMin: number;
  readonly padding: number;
  /** A column stays as wide as it ever was, so that what a watch prints later stands below what came before. */
  readonly remembersWidths?: boolean;
}

/** What tables of objects are set in. */
export const TABLE_LAYOUT: TabLayout = { widthMin: 6, padding: 3, remembersWidths: true };
/** What descriptions are set in. */
export const DESCRIPTION_LAYOUT: TabLayout = { widthMin: 0, padding: 2 };

/**
 * Aligns text by elastic tab stops: a cell ends with a tab, and the cells of neighbouring lines at the same place make a
 * column as wide as its widest cell. A line without a cell there ends the column.
 */
export class TabWriter {
  readonly #layout: TabLayout;
  readonly #lines: string[][] = [[]];
  #widthsSeen: number[] = [];

  constructor(layout: TabLayout) {
    this.#layout = layout;
  }

  write(text: string): void {
    const [first = '', ...rest] = text.split('\n');
    this.#append(first);
    for (const line of rest) {
      this.#lines.push([]);
      this.#append(line);
    }
  }

  /** Everything written so far, aligned; the writer is empty afterwards. */
  flush(): string {
    const widths: number[] = [];
    const out: string[] = [];
    this.#format(0, this.#lines.length, widths, out);
    this.#lines.splice(0, this.#lines.length, []);
    return out.join('\n');
  }

  #append(text: string): void {
    const line = this.#lines.at(-1) ?? [];
    const [first = '', ...rest] = text.split('\t');
    line[Math.max(line.length - 1, 0)] = (line.at(-1) ?? '') + first;
    line.push(...rest);
  }

  /** The last cell of a line is not part of a column, because no tab ends it. */
  #format(start: number, end: number, widths: number[], out: string[]): void {
    const column = widths.length;
    for (let row = start; row < end; row++) {
      if (column >= this.#cellsOf(row)) {
        out.push(this.#lineText(row, widths));
        continue;
      }
      let last = row;
      let width = this.#layout.widthMin;
      for (; last < end && column < this.#cellsOf(last); last++) {
        const cell = this.#lines[last]?.[column] ?? '';
        width = Math.max(width, widthOf(cell) + this.#layout.padding);
      }
      if (this.#layout.remembersWidths === true) {
        width = Math.max(width, this.#widthsSeen[column] ?? 0);
        this.#widthsSeen[column] = width;
      }
      this.#format(row, last, [...widths, width], out);
      row = last - 1;
    }
  }

  #cellsOf(row: number): number {
    return (this.#lines[row]?.length ?? 1) - 1;
  }

  #lineText(row: number, widths: readonly number[]): string {
    const cells = this.#lines[row] ?? [];
    return cells
      .map((cell, index) =>
        index === cells.length - 1
          ? cell
          : cell + ' '.repeat(Math.max((widths[index] ?? 0) - widthOf(cell), 0)),
      )
      .join('');
  }
}

/** Columns count characters, not bytes and not the cells of a terminal. */
function widthOf(text: string): number {
  let width = 0;
  for (const _character of text) {
    width += 1;
  }
  return width;
}

/** Rows of cells, aligned as a description would align them, one line each. */
export function alignedText(layout: TabLayout, text: string): string {
  const writer = new TabWriter(layout);
  writer.write(text);
  return writer.flush();
}
