/** A length of time; the parts are added up. */
export interface Duration {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly milliseconds?: number;
}

const MS = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1_000, milliseconds: 1 } as const;

/** The length in milliseconds. */
export function durationMs(duration: Duration): number {
  return (Object.keys(MS) as (keyof typeof MS)[]).reduce(
    (sum, unit) => sum + (duration[unit] ?? 0) * MS[unit],
    0,
  );
}

/** In the largest units that fit: `1h30m`, `250ms`. */
export function durationText(totalMs: number): string {
  if (totalMs < 1_000) {
    return `${totalMs}ms`;
  }
  const parts: string[] = [];
  let restMs = totalMs;
  for (const [unit, letter] of [
    ['hours', 'h'],
    ['minutes', 'm'],
    ['seconds', 's'],
  ] as const) {
    const whole = unit === 'seconds' ? restMs / MS.seconds : Math.floor(restMs / MS[unit]);
    if (whole > 0) {
      parts.push(`${whole}${letter}`);
    }
    restMs %= MS[unit];
  }
  return parts.join('');
}
