import { alignedText, DESCRIPTION_LAYOUT } from '../tab-writer.ts';

/** Collects a description: lines at a depth, their cells aligned once all are there. */
export class DescriptionWriter {
  #text = '';

  /** Adds text at a depth of two blanks each; tabs end cells, and line ends are the caller's. */
  write(depth: number, text: string): void {
    this.#text += '  '.repeat(depth) + text;
  }

  /** Adds a line. */
  line(depth: number, text: string): void {
    this.write(depth, `${text}\n`);
  }

  /** `Name:\tvalue` at a depth. */
  field(depth: number, name: string, value: string | number | boolean): void {
    this.line(depth, `${name}:\t${value}`);
  }

  /** Unaligned, tabs and all. */
  rawText(): string {
    return this.#text;
  }

  text(): string {
    return alignedText(DESCRIPTION_LAYOUT, this.#text);
  }
}
