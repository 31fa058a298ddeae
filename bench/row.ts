/** One measured line of the table. */
export interface Row {
  readonly name: string;
  readonly unit: '/s' | 'ms' | 'MB' | 'KiB' | '%';
  /** One per round, in the order they were taken. */
  readonly values: readonly number[];
  /** What DESIGN asks for, in the row's unit. */
  readonly target?: number;
  /** For durable writes and reads: the same count of raw puts or gets to etcd, in the same run. */
  readonly anchor?: 'put' | 'get';
}

export function isBetterHigher({ unit }: Pick<Row, 'unit'>): boolean {
  return unit === '/s';
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

export function worst(row: Row): number {
  return isBetterHigher(row) ? Math.min(...row.values) : Math.max(...row.values);
}

/** How many times as good as `target`; 1 is just reached. */
export function share(row: Row, target: number): number {
  return isBetterHigher(row) ? median(row.values) / target : target / median(row.values);
}

export function formatValue(value: number, unit: Row['unit']): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits })} ${unit}`;
}
