import type { ClusterRecords } from './cluster-records.ts';
import type { DnsQuery } from './dns-query.ts';
import { RCODES, type Rcode } from './dns-record.ts';
import { encodeResponse } from './dns-response.ts';
import type { Forwarder } from './forwarder.ts';
import { resolve, startOfAuthority, type Resolution, type ZoneOptions } from './resolve.ts';
import { followAlias } from './follow-alias.ts';

export interface AnswerDeps {
  readonly records: ClusterRecords;
  readonly forwarder: Forwarder;
  /** False until the local copies are complete; before that no name may be called missing. */
  readonly isReady: () => boolean;
  readonly zoneOptions: () => ZoneOptions;
}

/** Largest message over TCP: its length travels in two bytes. */
const TCP_SIZE_MAX = 65_535;

const CLASS_IN = 1;
const OPCODE_QUERY = 0;

/** The answer to one query, at once when it is known here. */
export function answer(
  deps: AnswerDeps,
  bytes: Buffer,
  query: DnsQuery,
  protocol: 'udp' | 'tcp',
): Buffer | Promise<Buffer> {
  const sizeMax = protocol === 'tcp' ? TCP_SIZE_MAX : query.udpSizeMax;
  const plain = (rcode: Rcode): Buffer =>
    encodeResponse(bytes, query, { rcode, isAuthoritative: false }, sizeMax);
  if (query.opcode !== OPCODE_QUERY) {
    return plain('NOTIMP');
  }
  const options = deps.zoneOptions();
  const resolution: Resolution =
    query.question.class === CLASS_IN ? resolve(query.question, deps.records, options) : { kind: 'forward' };
  if (resolution.kind === 'forward') {
    return deps.forwarder.ask(bytes, query, protocol).then((forwarded) => forwarded ?? plain('SERVFAIL'));
  }
  if (!deps.isReady()) {
    return plain('SERVFAIL');
  }
  if (resolution.kind === 'alias') {
    return followAlias(deps.forwarder, query, resolution).then((answers) =>
      encodeResponse(bytes, query, { rcode: 'NOERROR', isAuthoritative: true, answers }, sizeMax),
    );
  }
  const isMissing = resolution.kind === 'missing';
  const answers = isMissing ? [] : resolution.answers;
  return encodeResponse(
    bytes,
    query,
    {
      rcode: isMissing ? 'NXDOMAIN' : 'NOERROR',
      isAuthoritative: true,
      answers,
      authorities: answers.length === 0 ? [startOfAuthority(options)] : [],
      additionals: isMissing ? [] : resolution.additionals,
    },
    sizeMax,
  );
}

/** Name of a message's response code, for metrics. */
export function rcodeName(message: Buffer): string {
  const code = (message[3] ?? 0) & 15;
  return RCODE_NAMES.get(code) ?? String(code);
}

const RCODE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(RCODES).map(([name, code]) => [code, name]),
);
