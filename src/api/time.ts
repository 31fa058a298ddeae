const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;
/** What {@link formatTime} writes and every month has: most times, and they need no calendar. */
const PLAIN_TIME = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;
const CANONICAL_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/**
 * Milliseconds since the epoch of an RFC 3339 time, or undefined when the text is none.
 * Offsets are accepted; leap seconds, like Go, are not.
 */
export function parseTime(text: string): number | undefined {
  if (PLAIN_TIME.test(text)) {
    return Date.parse(text);
  }
  const micros = parseMicros(text);
  return micros === undefined ? undefined : Math.floor(micros / 1000);
}

/** `2026-01-02T03:04:05Z`: the form of `Time` on the wire, whole seconds, cut and not rounded. */
export function formatTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/** `2026-01-02T03:04:05.000006Z`: the form of `MicroTime`. */
export function formatMicroTime(epochMs: number): string {
  return formatMicros(Math.floor(epochMs * 1000));
}

/** The wire form of a `Time` that a client sent, or undefined when it is not a time. */
export function canonicalTime(text: string): string | undefined {
  if (PLAIN_TIME.test(text)) {
    return text;
  }
  const epochMs = parseTime(text);
  if (epochMs === undefined) {
    return undefined;
  }
  return CANONICAL_TIME.test(text) ? text : formatTime(epochMs);
}

/** The wire form of a `MicroTime` that a client sent, or undefined when it is not a time. */
export function canonicalMicroTime(text: string): string | undefined {
  const micros = parseMicros(text);
  return micros === undefined ? undefined : formatMicros(micros);
}

/** A float holds microseconds exactly until the year 2255, and no API time is later. */
function parseMicros(text: string): number | undefined {
  const match = RFC3339.exec(text);
  if (match === null) {
    return undefined;
  }
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match;
  const fields = [year, month, day, hour, minute, second].map(Number);
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = fields;
  const isLeap = (y % 4 === 0 && y % 100 !== 0) || y % 400 === 0;
  const dayMax = mo === 2 && !isLeap ? 28 : (DAYS[mo - 1] ?? 0);
  if (d < 1 || d > dayMax || h > 23 || mi > 59 || s > 59) {
    return undefined;
  }
  const epochMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const micros = Number(fraction.padEnd(6, '0').slice(0, 6));
  return (epochMs - offsetMs(zone)) * 1000 + micros;
}

function offsetMs(zone: string): number {
  if (zone === 'Z') {
    return 0;
  }
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

function formatMicros(micros: number): string {
  const epochSeconds = Math.floor(micros / 1_000_000);
  const rest = micros - epochSeconds * 1_000_000;
  return `${new Date(epochSeconds * 1000).toISOString().slice(0, 19)}.${String(rest).padStart(6, '0')}Z`;
}

const DURATION_UNITS_NANOS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const DURATION = /^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;

/** Nanoseconds of a duration in Go's form (`1h2m3.5s`), or undefined when the text is none. */
export function parseDurationNanos(text: string): bigint | undefined {
  if (/^[-+]?0$/.test(text)) {
    return 0n;
  }
  if (!DURATION.test(text)) {
    return undefined;
  }
  let nanos = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(
    /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g,
  )) {
    const size = DURATION_UNITS_NANOS[unit] ?? 0n;
    nanos += BigInt(whole === '' ? '0' : whole) * size;
    nanos += (BigInt(fraction === '' ? '0' : fraction) * size) / 10n ** BigInt(fraction.length);
  }
  return text.startsWith('-') ? -nanos : nanos;
}

/** Milliseconds of a duration in Go's form, or undefined when the text is none. */
export function parseDurationMs(text: string): number | undefined {
  const nanos = parseDurationNanos(text);
  return nanos === undefined ? undefined : Number(nanos) / 1e6;
}

/** Go's form of a duration: `1h0m0s`, `1.5s`, `250ms`, `0s`. */
export function formatDurationNanos(nanos: bigint): string {
  if (nanos === 0n) {
    return '0s';
  }
  const sign = nanos < 0n ? '-' : '';
  const magnitude = nanos < 0n ? -nanos : nanos;
  if (magnitude < 1_000_000_000n) {
    const [unit, places] = magnitude < 1000n ? ['ns', 0] : magnitude < 1_000_000n ? ['µs', 3] : ['ms', 6];
    return `${sign}${decimal(magnitude, places)}${unit}`;
  }
  const hours = magnitude / 3_600_000_000_000n;
  const minutes = (magnitude / 60_000_000_000n) % 60n;
  const seconds = decimal(magnitude % 60_000_000_000n, 9);
  const head = hours > 0n ? `${hours}h${minutes}m` : minutes > 0n ? `${minutes}m` : '';
  return `${sign}${head}${seconds}s`;
}

/** `decimal(1500n, 3)` is `1.5`. */
function decimal(value: bigint, places: number): string {
  if (places === 0) {
    return `${value}`;
  }
  const digits = String(value).padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return `${digits.slice(0, -places)}${fraction === '' ? '' : `.${fraction}`}`;
}
