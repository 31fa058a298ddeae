/** Where in the source, both from zero, in code points. */
export interface Location {
  readonly line: number;
  readonly column: number;
}

/** One thing wrong with an expression, as the parser or the checker found it. */
export interface CelIssue {
  readonly message: string;
  readonly location: Location;
}

/** Longer lines are not repeated in messages. */
const SNIPPET_LENGTH_MAX = 16_384;

/** An expression's text with its line starts; offsets count code points, as upstream's positions do. */
export class Source {
  readonly codePoints: readonly string[];
  readonly #lineStarts: number[] = [0];

  constructor(text: string) {
    this.codePoints = Array.from(text);
    for (const [index, character] of this.codePoints.entries()) {
      if (character === '\n') {
        this.#lineStarts.push(index + 1);
      }
    }
  }

  locate(offset: number): Location {
    let line = 0;
    while (line + 1 < this.#lineStarts.length && (this.#lineStarts[line + 1] ?? 0) <= offset) {
      line++;
    }
    return { line, column: offset - (this.#lineStarts[line] ?? 0) };
  }

  line(index: number): string {
    const start = this.#lineStarts[index] ?? this.codePoints.length;
    const next = this.#lineStarts[index + 1];
    return this.codePoints.slice(start, next === undefined ? undefined : next - 1).join('');
  }
}

/** The issues in source order, each with its line and a caret under the place. */
export function displayIssues(issues: readonly CelIssue[], source: Source): string {
  return [...issues]
    .sort((a, b) => a.location.line - b.location.line || a.location.column - b.location.column)
    .map((issue) => displayIssue(issue, source))
    .join('\n');
}

function displayIssue({ message, location }: CelIssue, source: Source): string {
  const head = `ERROR: <input>:${location.line + 1}:${location.column + 1}: ${message}`;
  const snippet = source.line(location.line).replaceAll('\t', ' ');
  if (snippet.length > SNIPPET_LENGTH_MAX) {
    return head;
  }
  // A character of several bytes is taken to be two columns wide, so its dot and caret are the wide ones.
  const isWide = (character: string | undefined): boolean => (character?.codePointAt(0) ?? 0) > 0x7f;
  const characters = Array.from(snippet);
  const dots = characters.slice(0, location.column).map((character) => (isWide(character) ? '\uff0e' : '.'));
  const caret = isWide(characters[location.column]) ? '\uff3e' : '^';
  return `${head}\n | ${snippet}\n | ${dots.join('')}${caret}`;
}
