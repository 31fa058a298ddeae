import { isIPv4 } from 'node:net';
import { utf8Decode, utf8Encode } from '../bytes.ts';
import { children, contextTag, decode, encode, sequence } from './der.ts';

/** What a certificate stands for besides its subject. */
export interface SubjectAltNames {
  readonly dnsNames: readonly string[];
  /** IPv4 or IPv6 in text form; IPv6 in its canonical short form when read. */
  readonly ipAddresses: readonly string[];
  readonly emailAddresses?: readonly string[];
  readonly uris?: readonly string[];
}

const EMAIL = contextTag(1, false);
const DNS = contextTag(2, false);
const URI = contextTag(6, false);
const IP = contextTag(7, false);

export function encodeSubjectAltNames(names: SubjectAltNames): Uint8Array {
  return sequence(
    ...names.dnsNames.map((name) => encode(DNS, utf8Encode(name))),
    ...names.ipAddresses.map((address) => encode(IP, ipBytes(address))),
    ...(names.emailAddresses ?? []).map((address) => encode(EMAIL, utf8Encode(address))),
    ...(names.uris ?? []).map((uri) => encode(URI, utf8Encode(uri))),
  );
}

/** @throws {DerError} when the bytes are not such a list */
export function decodeSubjectAltNames(der: Uint8Array): Required<SubjectAltNames> {
  const names = {
    dnsNames: [] as string[],
    ipAddresses: [] as string[],
    emailAddresses: [] as string[],
    uris: [] as string[],
  };
  for (const { tag, content } of children(decode(der))) {
    switch (tag) {
      case DNS:
        names.dnsNames.push(utf8Decode(content));
        break;
      case EMAIL:
        names.emailAddresses.push(utf8Decode(content));
        break;
      case URI:
        names.uris.push(utf8Decode(content));
        break;
      case IP:
        names.ipAddresses.push(ipText(content));
        break;
      default:
    }
  }
  return names;
}

function ipBytes(address: string): Uint8Array {
  if (isIPv4(address)) {
    return Uint8Array.from(address.split('.').map(Number));
  }
  const [head = '', tail] = canonicalIpv6(address).split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return Uint8Array.from(
    [...left, ...zeros, ...right].flatMap((group) => [
      Number.parseInt(group, 16) >> 8,
      Number.parseInt(group, 16) & 0xff,
    ]),
  );
}

function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) {
    return bytes.join('.');
  }
  const groups = Array.from({ length: bytes.length / 2 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  return canonicalIpv6(groups.join(':'));
}

/** The URL parser knows the canonical form, embedded IPv4 included. */
function canonicalIpv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}
