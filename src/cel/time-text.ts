import { Duration, EvaluationError, Timestamp, fitsInt } from './value.ts';

const NANOS_PER_SECOND = 1_000_000_000n;

/** Nanoseconds of each unit in the text of a duration. */
const UNIT_NANOS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: NANOS_PER_SECOND,
  m: 60n * NANOS_PER_SECOND,
  h: 3_600n * NANOS_PER_SECOND,
};

export const DurationText = {
  /** Reads `1h2m3.5s`, with a sign in front; the bare `0` needs no unit. */
  parse(text: string): Duration | EvaluationError {
    const failure = new EvaluationError(`time: invalid duration ${JSON.stringify(text)}`);
    const isNegative = text.startsWith('-');
    const unsigned = text.replace(/^[+-]/, '');
    if (unsigned === '0') {
      return new Duration(0n);
    }
    if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(unsigned)) {
      return failure;
    }
    let nanos = 0n;
    for (const [, whole = '', fraction = '', unit = ''] of unsigned.matchAll(
      /(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g,
    )) {
      const unitNanos = UNIT_NANOS[unit] ?? 0n;
      nanos += BigInt(whole === '' ? '0' : whole) * unitNanos;
      nanos += (BigInt(fraction === '' ? '0' : fraction) * unitNanos) / 10n ** BigInt(fraction.length);
    }
    const signed = isNegative ? -nanos : nanos;
    return fitsInt(signed) ? new Duration(signed) : failure;
  },

  /** Seconds with as many decimals as needed: `90s`, `0.001s`. */
  format({ nanos }: Duration): string {
    const magnitude = nanos < 0n ? -nanos : nanos;
    const fraction = (magnitude % NANOS_PER_SECOND).toString().padStart(9, '0').replace(/0+$/, '');
    const whole = `${nanos < 0n ? '-' : ''}${magnitude / NANOS_PER_SECOND}`;
    return fraction === '' ? `${whole}s` : `${whole}.${fraction}s`;
  },
};

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
export const TIMESTAMP_SECONDS_MIN = -62_135_596_800;
export const TIMESTAMP_SECONDS_MAX = 253_402_300_799;

export const TimestampText = {
  /** Reads RFC 3339 with any offset; the year is 1 to 9999. */
  parse(text: string): Timestamp | EvaluationError {
    const match = RFC_3339.exec(text);
    const seconds = match === null ? undefined : secondsOf(match);
    if (match === null || seconds === undefined) {
      return new EvaluationError(`invalid timestamp ${JSON.stringify(text)}`);
    }
    return new Timestamp(seconds, Number((match[7] ?? '').padEnd(9, '0')), offsetOf(match));
  },

  /** Reads `2026-01-31` as its first moment. */
  parseDate(text: string): Timestamp | EvaluationError {
    return TimestampText.parse(`${text}T00:00:00Z`);
  },

  format({ seconds, nanos, offsetMinutes }: Timestamp): string {
    const [whole = ''] = new Date((seconds + offsetMinutes * 60) * 1000).toISOString().split('.');
    const fraction = nanos.toString().padStart(9, '0').replace(/0+$/, '');
    return `${whole}${fraction === '' ? '' : `.${fraction}`}${zoneText(offsetMinutes)}`;
  },
};

function zoneText(offsetMinutes: number): string {
  if (offsetMinutes === 0) {
    return 'Z';
  }
  const magnitude = Math.abs(offsetMinutes);
  const [hours, minutes] = [Math.floor(magnitude / 60), magnitude % 60].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${offsetMinutes < 0 ? '-' : '+'}${hours ?? ''}:${minutes ?? ''}`;
}

function offsetOf(match: RegExpExecArray): number {
  return (match[8] === '-' ? -1 : 1) * (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0));
}

function secondsOf(match: RegExpExecArray): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day that does not exist has rolled over into the next month.
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  const offsetHours = Number(match[9] ?? 0);
  const offsetMinutes = Number(match[10] ?? 0);
  if (!exists || hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59) {
    return undefined;
  }
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offsetOf(match) * 60;
  return seconds >= TIMESTAMP_SECONDS_MIN && seconds <= TIMESTAMP_SECONDS_MAX ? seconds : undefined;
}
