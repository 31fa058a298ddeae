import { compareText, listAt, sortedEntries, textAt } from '../object-access.ts';
import type { DescriptionWriter } from './description-writer.ts';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Sat, 21 Nov 2026 06:16:39 +0000`, in the zone of this machine; `<unset>`-like text is the caller's. */
export function timeText(timestamp: string): string {
  const epochMs = Date.parse(timestamp);
  if (Number.isNaN(epochMs)) {
    return 'Mon, 01 Jan 0001 00:00:00 +0000';
  }
  const date = new Date(epochMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.trunc(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${DAYS[date.getDay()] ?? ''}, ${two(date.getDate())} ${MONTHS[date.getMonth()] ?? ''} ${date.getFullYear()}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`;
}

/** How long ago, in at most two units; `<unknown>` for a time that is not there. */
export function ageText(timestamp: string, nowMs: number): string {
  const epochMs = Date.parse(timestamp);
  return Number.isNaN(epochMs) ? '<unknown>' : durationText(nowMs - epochMs);
}

/** A duration in at most two units: seconds alone up to two minutes, then coarser and coarser. */
export function durationText(durationMs: number): string {
  const seconds = Math.trunc(durationMs / 1000);
  if (seconds < -1) {
    return '<invalid>';
  }
  if (seconds < 120) {
    return `${Math.max(seconds, 0)}s`;
  }
  const [minutes, hours, days] = [60, 3600, 86_400].map((unit) => Math.trunc(seconds / unit));
  const [m = 0, h = 0, d = 0] = [minutes, hours, days];
  if (m < 10) {
    return twoUnits(m, 'm', seconds % 60, 's');
  }
  if (m < 180) {
    return `${m}m`;
  }
  if (h < 8) {
    return twoUnits(h, 'h', m % 60, 'm');
  }
  if (h < 48) {
    return `${h}h`;
  }
  if (h < 192) {
    return twoUnits(d, 'd', h % 24, 'h');
  }
  if (d < 730) {
    return `${d}d`;
  }
  const years = Math.trunc(d / 365);
  return d < 2920 ? twoUnits(years, 'y', d % 365, 'd') : `${years}y`;
}

function twoUnits(value: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${value}${unit}` : `${value}${unit}${rest}${restUnit}`;
}

/** `Labels:` with one label a line. */
export function writeLabels(writer: DescriptionWriter, title: string, labels: unknown, indent = ''): void {
  const entries = sortedEntries(labels);
  const lines = entries.map(([key, value]) => `${key}=${String(value)}`);
  writeMultiline(writer, title, lines, indent);
}

/** A title and one value a line, `<none>` without any. */
export function writeMultiline(
  writer: DescriptionWriter,
  title: string,
  lines: readonly string[],
  indent = '',
): void {
  const [first = '<none>', ...rest] = lines;
  writer.line(0, `${indent}${title}:\t${first}`);
  for (const line of rest) {
    // The first cell of a line below is empty; the column makes up for the indent.
    writer.line(0, `\t${line}`);
  }
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Longer annotations stand below their key, cut off. */
const ANNOTATION_MAX = 140;

export function writeAnnotations(writer: DescriptionWriter, annotations: unknown, indent = ''): void {
  const entries = sortedEntries(annotations).filter(([key]) => key !== LAST_APPLIED);
  writer.write(0, `${indent}Annotations:\t`);
  if (entries.length === 0) {
    writer.write(0, '<none>\n');
  }
  for (const [index, [key, raw]] of entries.entries()) {
    const value = String(raw).replace(/\n$/, '');
    const start = index === 0 ? '' : `${indent}\t`;
    if (value.length + key.length + 2 <= ANNOTATION_MAX && !value.includes('\n')) {
      writer.write(0, `${start}${key}: ${value}\n`);
      continue;
    }
    writer.write(0, `${start}${key}:\n`);
    for (const line of value.split('\n')) {
      const shown = line.length > ANNOTATION_MAX - 2 ? `${line.slice(0, ANNOTATION_MAX - 2)}...` : line;
      writer.write(0, `${indent}\t  ${shown}\n`);
    }
  }
}

export function writeTolerations(writer: DescriptionWriter, tolerations: unknown, indent = ''): void {
  const lines = (Array.isArray(tolerations) ? (tolerations as readonly unknown[]) : []).map((each) => {
    const [key, value, effect] = [textAt(each, 'key'), textAt(each, 'value'), textAt(each, 'effect')];
    const head = `${key}${value === '' ? '' : `=${value}`}${effect === '' ? '' : `:${effect}`}`;
    const isExists = textAt(each, 'operator') === 'Exists' && value === '';
    const seconds = textAt(each, 'tolerationSeconds');
    return `${head}${isExists ? `${head === '' ? '' : ' '}op=Exists` : ''}${seconds === '' ? '' : ` for ${seconds}s`}`;
  });
  writeMultiline(writer, 'Tolerations', lines, indent);
}

/** `Controlled By:` when a controller owns the object. */
export function writeController(writer: DescriptionWriter, object: unknown): void {
  const owner = listAt(object, 'metadata', 'ownerReferences').find(
    (each) => textAt(each, 'controller') === 'true',
  );
  if (owner !== undefined) {
    writer.field(0, 'Controlled By', `${textAt(owner, 'kind')}/${textAt(owner, 'name')}`);
  }
}

/** `app=web,tier in (a,b)` of a selector object; `<unset>` without one. */
export function selectorText(selector: unknown): string {
  const equal = sortedEntries(valueOf(selector, 'matchLabels')).map(([key, value]) => ({
    key,
    text: `${key}=${String(value)}`,
  }));
  const others = listAt(selector, 'matchExpressions').map((each) => {
    const key = textAt(each, 'key');
    const values = listAt(each, 'values').map(String).toSorted(compareText).join(',');
    const operator = textAt(each, 'operator');
    const text =
      operator === 'Exists'
        ? key
        : operator === 'DoesNotExist'
          ? `!${key}`
          : `${key} ${operator.toLowerCase()} (${values})`;
    return { key, text };
  });
  const all = [...equal, ...others].toSorted((left, right) => compareText(left.key, right.key));
  return selector === undefined
    ? '<unset>'
    : all.length === 0
      ? '<none>'
      : all.map(({ text }) => text).join(',');
}

/** `a=1,b=2` of a map, `<none>` when it is empty. */
export function mapText(map: unknown): string {
  const entries = sortedEntries(map);
  return entries.length === 0 ? '<none>' : entries.map(([key, value]) => `${key}=${String(value)}`).join(',');
}

export function boolText(value: unknown): string {
  return value === true ? 'True' : 'False';
}

function valueOf(source: unknown, key: string): unknown {
  return typeof source === 'object' && source !== null ? Reflect.get(source, key) : undefined;
}
