import { RECORD_TYPES, type DnsQuestion } from './dns-record.ts';

/** A query as far as the server needs it. */
export interface DnsQuery {
  readonly id: number;
  readonly question: DnsQuestion & { readonly class: number };
  readonly opcode: number;
  readonly isRecursionDesired: boolean;
  /** Where the question ends in the message; the header and the question are repeated in the answer. */
  readonly questionEnd: number;
  /** Bytes of an answer that the client can take over UDP: 512, or what its EDNS record says. */
  readonly udpSizeMax: number;
  /** The client spoke EDNS, and the answer has to as well. */
  readonly hasEdns: boolean;
}

export const HEADER_BYTES = 12;

/** RFC 1035's limit, for clients that do not say another. */
const UDP_SIZE_DEFAULT = 512;

const FLAG_RESPONSE = 0x8000;
const FLAG_RECURSION_DESIRED = 0x0100;

/** Reads a query; undefined for what is none, or is cut off. Answers are not answered, or two servers would talk for ever. */
export function parseQuery(bytes: Buffer): DnsQuery | undefined {
  if (bytes.length < HEADER_BYTES) {
    return undefined;
  }
  const flags = bytes.readUInt16BE(2);
  const name = readName(bytes, HEADER_BYTES);
  if ((flags & FLAG_RESPONSE) !== 0 || bytes.readUInt16BE(4) !== 1 || name === undefined) {
    return undefined;
  }
  const questionEnd = name.end + 4;
  if (questionEnd > bytes.length) {
    return undefined;
  }
  const edns = findEdns(bytes, questionEnd);
  return {
    id: bytes.readUInt16BE(0),
    question: {
      name: name.text,
      type: bytes.readUInt16BE(name.end),
      class: bytes.readUInt16BE(name.end + 2),
    },
    opcode: (flags >> 11) & 15,
    isRecursionDesired: (flags & FLAG_RECURSION_DESIRED) !== 0,
    questionEnd,
    udpSizeMax: Math.max(UDP_SIZE_DEFAULT, edns?.class ?? 0),
    hasEdns: edns !== undefined,
  };
}

/** One resource record without its meaning. */
export interface RawRecord {
  readonly type: number;
  readonly class: number;
  readonly ttlOffset: number;
  readonly ttl: number;
}

/** The records after the question of any message; undefined when they are cut off. */
export function rawRecords(bytes: Buffer, questionEnd: number): readonly RawRecord[] | undefined {
  const count = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
  const records: RawRecord[] = [];
  let offset = questionEnd;
  for (let index = 0; index < count; index++) {
    const start = skipName(bytes, offset);
    if (start === undefined || start + 10 > bytes.length) {
      return undefined;
    }
    records.push({
      type: bytes.readUInt16BE(start),
      class: bytes.readUInt16BE(start + 2),
      ttlOffset: start + 4,
      ttl: bytes.readUInt32BE(start + 4),
    });
    offset = start + 10 + bytes.readUInt16BE(start + 8);
  }
  return offset <= bytes.length ? records : undefined;
}

function findEdns(bytes: Buffer, questionEnd: number): RawRecord | undefined {
  return rawRecords(bytes, questionEnd)?.find(({ type }) => type === RECORD_TYPES.OPT);
}

/** A name in a question is never compressed. */
function readName(bytes: Buffer, start: number): { readonly text: string; readonly end: number } | undefined {
  const labels: string[] = [];
  let offset = start;
  for (;;) {
    const length = bytes[offset];
    if (length === undefined || length > 63 || offset - start > 255) {
      return undefined;
    }
    if (length === 0) {
      return { text: labels.join('.'), end: offset + 1 };
    }
    labels.push(bytes.toString('latin1', offset + 1, offset + 1 + length));
    offset += 1 + length;
  }
}

function skipName(bytes: Buffer, start: number): number | undefined {
  for (let offset = start; ;) {
    const length = bytes[offset];
    if (length === undefined) {
      return undefined;
    }
    if (length >= 0xc0) {
      return offset + 2;
    }
    offset += 1 + length;
    if (length === 0) {
      return offset;
    }
  }
}
