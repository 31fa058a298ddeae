import { parseIp } from '#base/ip.ts';
import { HEADER_BYTES, type DnsQuery } from './dns-query.ts';
import { RCODES, RECORD_TYPES, type DnsRecord, type Rcode } from './dns-record.ts';

export interface DnsResponse {
  readonly rcode: Rcode;
  /** The answer comes from who is responsible for the zone. */
  readonly isAuthoritative: boolean;
  readonly answers?: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
  readonly additionals?: readonly DnsRecord[];
}

const CLASS_IN = 1;
const FLAG_RESPONSE = 0x8000;
const FLAG_AUTHORITATIVE = 0x0400;
const FLAG_TRUNCATED = 0x0200;
const FLAG_RECURSION_DESIRED = 0x0100;
const FLAG_RECURSION_AVAILABLE = 0x0080;

/** What this server takes over UDP itself, as recommended since 2020: fits into one packet everywhere. */
const OWN_UDP_SIZE = 1232;

const EDNS_BYTES = 11;

/**
 * The wire form of an answer. Records that do not fit into `sizeMax` bytes are left out, and the client is told
 * to ask again over TCP.
 *
 * @param bytes the query's own bytes, whose question is repeated
 */
export function encodeResponse(
  bytes: Buffer,
  query: DnsQuery,
  response: DnsResponse,
  sizeMax: number,
): Buffer {
  const writer = new MessageWriter(bytes, query.questionEnd, query.hasEdns ? sizeMax - EDNS_BYTES : sizeMax);
  const answers = writer.section(response.answers ?? []);
  const authorities = writer.section(response.authorities ?? []);
  const isTruncated = writer.isFull;
  // What was not asked for may be missing without a word.
  const additionals = writer.section(response.additionals ?? []);
  const flags =
    FLAG_RESPONSE |
    (query.opcode << 11) |
    (response.isAuthoritative ? FLAG_AUTHORITATIVE : 0) |
    (isTruncated ? FLAG_TRUNCATED : 0) |
    (query.isRecursionDesired ? FLAG_RECURSION_DESIRED : 0) |
    FLAG_RECURSION_AVAILABLE |
    RCODES[response.rcode];
  return writer.finish(flags, [answers, authorities, additionals], query.hasEdns);
}

class MessageWriter {
  readonly #bytes: Buffer;
  #length: number;
  readonly #limit: number;
  /** Where names that were written before begin, by their text. */
  readonly #names = new Map<string, number>();
  isFull = false;

  constructor(query: Buffer, questionEnd: number, limit: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(limit, questionEnd) + EDNS_BYTES);
    query.copy(this.#bytes, 0, 0, questionEnd);
    this.#length = questionEnd;
    this.#limit = limit;
    this.#rememberName(query.toString('latin1', HEADER_BYTES, questionEnd - 4));
  }

  /** Writes records until one does not fit; returns how many were written. */
  section(records: readonly DnsRecord[]): number {
    let count = 0;
    for (const record of records) {
      const start = this.#length;
      if (this.isFull || !this.#record(record)) {
        this.#length = start;
        this.isFull = true;
        break;
      }
      count += 1;
    }
    return count;
  }

  finish(flags: number, counts: readonly [number, number, number], hasEdns: boolean): Buffer {
    if (hasEdns) {
      this.#bytes.fill(0, this.#length, this.#length + EDNS_BYTES);
      this.#bytes.writeUInt16BE(RECORD_TYPES.OPT, this.#length + 1);
      this.#bytes.writeUInt16BE(OWN_UDP_SIZE, this.#length + 3);
      this.#length += EDNS_BYTES;
    }
    this.#bytes.writeUInt16BE(flags, 2);
    this.#bytes.writeUInt16BE(1, 4);
    this.#bytes.writeUInt16BE(counts[0], 6);
    this.#bytes.writeUInt16BE(counts[1], 8);
    this.#bytes.writeUInt16BE(counts[2] + (hasEdns ? 1 : 0), 10);
    return this.#bytes.subarray(0, this.#length);
  }

  #record(record: DnsRecord): boolean {
    if (!this.#name(record.name) || !this.#fits(10)) {
      return false;
    }
    this.#uint16(RECORD_TYPES[record.type]);
    this.#uint16(CLASS_IN);
    this.#uint32(record.ttl);
    const lengthAt = this.#length;
    this.#length += 2;
    if (!this.#data(record)) {
      return false;
    }
    this.#bytes.writeUInt16BE(this.#length - lengthAt - 2, lengthAt);
    return true;
  }

  #data(record: DnsRecord): boolean {
    switch (record.type) {
      case 'A':
      case 'AAAA':
        return this.#address(record.data);
      case 'TXT':
        return this.#text(record.data);
      case 'SRV': {
        const { priority, weight, port, target } = record.data;
        if (!this.#fits(6)) {
          return false;
        }
        [priority, weight, port].forEach((value) => this.#uint16(value));
        // RFC 2782: the target of a service record is not compressed.
        return this.#name(target, false);
      }
      case 'SOA': {
        const { primary, mailbox, serial, refresh, retry, expire, minimum } = record.data;
        if (!this.#name(primary) || !this.#name(mailbox) || !this.#fits(20)) {
          return false;
        }
        [serial, refresh, retry, expire, minimum].forEach((value) => this.#uint32(value));
        return true;
      }
      default:
        return this.#name(record.data);
    }
  }

  #address(text: string): boolean {
    const ip = parseIp(text);
    const size = ip?.family === 6 ? 16 : 4;
    if (ip === undefined || !this.#fits(size)) {
      return false;
    }
    for (let index = size - 1, rest = ip.value; index >= 0; index--, rest >>= 8n) {
      this.#bytes[this.#length + index] = Number(rest & 255n);
    }
    this.#length += size;
    return true;
  }

  #text(text: string): boolean {
    const size = Math.min(255, Buffer.byteLength(text));
    if (!this.#fits(1 + size)) {
      return false;
    }
    this.#bytes[this.#length] = size;
    this.#bytes.write(text, this.#length + 1, size);
    this.#length += 1 + size;
    return true;
  }

  #name(name: string, mayPoint = true): boolean {
    for (let rest = name; rest !== '';) {
      const known = mayPoint ? this.#names.get(rest.toLowerCase()) : undefined;
      if (known !== undefined) {
        if (!this.#fits(2)) {
          return false;
        }
        this.#uint16(0xc000 | known);
        return true;
      }
      const dot = rest.indexOf('.');
      const label = dot < 0 ? rest : rest.slice(0, dot);
      if (label.length > 63 || !this.#fits(1 + label.length)) {
        return false;
      }
      if (this.#length < 0x4000 && !this.#names.has(rest.toLowerCase())) {
        this.#names.set(rest.toLowerCase(), this.#length);
      }
      this.#bytes[this.#length] = label.length;
      this.#bytes.write(label, this.#length + 1, 'latin1');
      this.#length += 1 + label.length;
      rest = dot < 0 ? '' : rest.slice(dot + 1);
    }
    if (!this.#fits(1)) {
      return false;
    }
    this.#bytes[this.#length] = 0;
    this.#length += 1;
    return true;
  }

  /** The question's name stands in the message already, uncompressed. */
  #rememberName(wire: string): void {
    const labels: { readonly text: string; readonly at: number }[] = [];
    for (let offset = 0; offset < wire.length - 1; offset += 1 + wire.charCodeAt(offset)) {
      const end = offset + 1 + wire.charCodeAt(offset);
      labels.push({ text: wire.slice(offset + 1, end).toLowerCase(), at: HEADER_BYTES + offset });
    }
    for (const [index, { at }] of labels.entries()) {
      const name = labels
        .slice(index)
        .map(({ text }) => text)
        .join('.');
      this.#names.set(name, at);
    }
  }

  #fits(size: number): boolean {
    return this.#length + size <= this.#limit;
  }

  #uint16(value: number): void {
    this.#bytes.writeUInt16BE(value, this.#length);
    this.#length += 2;
  }

  #uint32(value: number): void {
    this.#bytes.writeUInt32BE(value >>> 0, this.#length);
    this.#length += 4;
  }
}
