/** One line of a container's log file: `2026-01-01T00:00:00.000000000Z stdout F text`. */
export interface CriLine {
  /** RFC 3339 with nanoseconds, as written. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** The container's line goes on in the next one of the same stream. */
  readonly isPartial: boolean;
  /** Without a line end. */
  readonly text: Buffer;
}

const SPACE = 0x20;
const NEWLINE = 0x0a;

/** Undefined for what is not a log line. The text is a view into `line`. */
export function parseCriLine(line: Buffer): CriLine | undefined {
  const end = line.at(-1) === NEWLINE ? line.length - 1 : line.length;
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  if (first < 0 || second < 0) {
    return undefined;
  }
  const third = line.indexOf(SPACE, second + 1);
  const tagsEnd = third < 0 ? end : third;
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') {
    return undefined;
  }
  const tags = line.toString('latin1', second + 1, tagsEnd).split(':');
  return {
    time: line.toString('latin1', 0, first),
    stream,
    isPartial: tags[0] === 'P',
    text: line.subarray(Math.min(tagsEnd + 1, end), end),
  };
}
