import { isIP, isIPv4, isIPv6 } from 'node:net';
import { parseTime } from '#api/time.ts';
import { dnsLabelProblems, dnsSubdomainProblems } from '#api/names.ts';

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const HOSTNAME =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DURATION = /^[+-]?(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h))+$/;
const WORD_DURATION =
  /^\d+\s*(?:ns|us|µs|ms|s|m|h|d|w|nanoseconds?|microseconds?|milliseconds?|seconds?|minutes?|hours?|days?|weeks?)$/i;

/** The formats of strings that are checked, as upstream's list has them; others are ignored. */
const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: (text) => /^[0-9a-f]{24}$/i.test(text),
  uri: (text) => URL.canParse(text) || /^\/\S*$/.test(text),
  email: (text) => /^[^\s@<>]+@[^\s@<>]+$/.test(text),
  hostname: (text) => HOSTNAME.test(text),
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: (text) =>
    /^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$|^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$/i.test(text),
  uuid: (text) => UUID.test(text),
  uuid3: (text) => isUuidOf(text, '3'),
  uuid4: (text) => isUuidOf(text, '4'),
  uuid5: (text) => isUuidOf(text, '5'),
  hexcolor: (text) => /^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  rgbcolor: (text) => /^rgb\(\s*\d{1,3}%?\s*,\s*\d{1,3}%?\s*,\s*\d{1,3}%?\s*\)$/.test(text),
  byte: (text) => text !== '' && BASE64.test(text),
  date: isDate,
  duration: (text) => text === '0' || DURATION.test(text) || WORD_DURATION.test(text),
  'date-time': isDateTime,
  datetime: isDateTime,
  'k8s-short-name': (text) => dnsLabelProblems(text).length === 0,
  'k8s-long-name': (text) => dnsSubdomainProblems(text).length === 0,
};

/** False only for a text that does not have a known format. */
export function hasFormat(text: string, format: string): boolean {
  return Object.hasOwn(FORMATS, format) ? (FORMATS[format]?.(text) ?? true) : true;
}

/** Limits of the formats of whole numbers, inclusive. */
export function fitsNumberFormat(value: number | bigint, format: string): boolean {
  return format === 'int32' ? value >= -(2 ** 31) && value < 2 ** 31 : true;
}

function isUuidOf(text: string, version: string): boolean {
  return UUID.test(text) && text.replaceAll('-', '').charAt(12) === version;
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  const family = isIP(address);
  return (
    rest.length === 0 && family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
  );
}

function isDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && isDateTime(`${text}T00:00:00Z`);
}

function isDateTime(text: string): boolean {
  return parseTime(text) !== undefined;
}

/** Formats that upstream knows and that are not checked here, or that anything has. */
const UNCHECKED: ReadonlySet<string> = new Set(['isbn', 'isbn10', 'isbn13', 'creditcard', 'ssn', 'password']);
const NUMBER_FORMATS: Readonly<Record<string, readonly string[]>> = {
  integer: ['int32', 'int64'],
  number: ['float', 'double'],
};

/** Whether values of the type can have the format; other formats say nothing. */
export function isKnownFormat(format: string, type: string): boolean {
  if (type === '' || type === 'string') {
    const plain = format.replaceAll('-', '');
    return UNCHECKED.has(plain) || Object.keys(FORMATS).some((known) => known.replaceAll('-', '') === plain);
  }
  return NUMBER_FORMATS[type]?.includes(format) ?? false;
}
