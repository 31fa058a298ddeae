import { isBetterHigher, type Row } from './row.ts';

/** A row as one JSON line. */
export interface Recorded {
  readonly name: string;
  readonly unit: Row['unit'];
  readonly median: number;
  readonly worst: number;
  readonly rounds: number;
  readonly target?: number;
  /** The median over that of raw etcd in the same run: what stays the same on a slower machine. */
  readonly anchorRatio?: number;
}

/** A row may be this much worse than its baseline. */
const DROP_MAX = 0.1;

/**
 * One sentence for each row that is worse than in the baseline. Rows held against etcd in both runs are compared
 * by that ratio, the others by their value.
 */
export function drops(now: readonly Recorded[], baselineText: string): readonly string[] {
  const baseline = new Map(
    baselineText
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Recorded)
      .map((row) => [row.name, row]),
  );
  return now.flatMap((row) => {
    const before = baseline.get(row.name);
    if (before === undefined) {
      return [];
    }
    const gain = gainOf(row, before);
    return gain >= 1 - DROP_MAX
      ? []
      : [`${row.name}: ${((1 - gain) * 100).toFixed(0)} % worse than the baseline`];
  });
}

function gainOf(row: Recorded, before: Recorded): number {
  if (row.anchorRatio !== undefined && before.anchorRatio !== undefined) {
    return row.anchorRatio / before.anchorRatio;
  }
  return isBetterHigher(row) ? row.median / before.median : before.median / row.median;
}
