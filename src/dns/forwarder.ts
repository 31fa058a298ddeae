import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import { HEADER_BYTES, rawRecords, type DnsQuery } from './dns-query.ts';
import { RCODES, RECORD_TYPES } from './dns-record.ts';
import type { UpstreamAddress, UpstreamTransport } from './upstream.ts';

export interface ForwarderDeps {
  readonly transport: UpstreamTransport;
  /** Asked in this order; the next one when one does not answer. */
  readonly servers: readonly UpstreamAddress[];
  readonly clock: Clock;
  readonly random: Random;
}

/** Answers kept, oldest dropped first. */
const CACHE_ENTRIES_MAX = 10_000;

/** Longest that an answer is kept, whatever it allows: kubeadm's `cache 30`. */
const CACHE_SECONDS_MAX = 30;

/** How long a failure of the servers is remembered, so that an outage does not multiply queries. */
const CACHE_SECONDS_FAILURE = 5;

/** Questions under way at once; more are answered SERVFAIL. */
const PENDING_MAX = 1_000;

interface CachedAnswer {
  readonly bytes: Buffer;
  readonly questionEnd: number;
  readonly ttlOffsets: readonly number[];
  readonly storedMs: number;
  readonly expiresMs: number;
}

/** Asks other name servers, and remembers what they said. The same question under way is asked once. */
export class Forwarder {
  readonly #deps: ForwarderDeps;
  readonly #cache = new Map<string, CachedAnswer>();
  readonly #pending = new Map<string, Promise<Buffer | undefined>>();

  constructor(deps: ForwarderDeps) {
    this.#deps = deps;
  }

  /** The servers' answer in the client's terms (id, spelling of the name); undefined when there is none. */
  async ask(bytes: Buffer, query: DnsQuery, protocol: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const key = cacheKey(bytes, query, protocol);
    const cached = this.#cached(key);
    if (cached !== undefined) {
      return personal(cached, bytes, query);
    }
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      if (this.#pending.size >= PENDING_MAX) {
        return undefined;
      }
      pending = this.#exchange(bytes, protocol).finally(() => this.#pending.delete(key));
      this.#pending.set(key, pending);
    }
    const answer = await pending;
    if (answer === undefined) {
      return undefined;
    }
    this.#remember(key, answer, query);
    return personal(answer, bytes, query);
  }

  async #exchange(bytes: Buffer, protocol: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const { servers, transport, random } = this.#deps;
    for (const server of servers) {
      const sent = Buffer.from(bytes);
      sent.writeUInt16BE(random.int(0x1_0000), 0);
      const answer = await transport.exchange(server, sent, protocol).catch(() => undefined);
      if (answer !== undefined && answer.length >= HEADER_BYTES && rcodeOf(answer) !== RCODES.SERVFAIL) {
        return answer;
      }
    }
    return undefined;
  }

  #cached(key: string): Buffer | undefined {
    const entry = this.#cache.get(key);
    if (entry === undefined) {
      return undefined;
    }
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs >= entry.expiresMs) {
      this.#cache.delete(key);
      return undefined;
    }
    const ageSeconds = Math.floor((nowMs - entry.storedMs) / 1000);
    const bytes = Buffer.from(entry.bytes);
    for (const offset of entry.ttlOffsets) {
      bytes.writeUInt32BE(Math.max(0, bytes.readUInt32BE(offset) - ageSeconds), offset);
    }
    return bytes;
  }

  #remember(key: string, answer: Buffer, { questionEnd }: DnsQuery): void {
    const records = rawRecords(answer, questionEnd)?.filter(({ type }) => type !== RECORD_TYPES.OPT);
    const isTruncated = (answer.readUInt16BE(2) & 0x0200) !== 0;
    if (records === undefined || isTruncated) {
      return;
    }
    const rcode = rcodeOf(answer);
    const isUsable = rcode === RCODES.NOERROR || rcode === RCODES.NXDOMAIN;
    const seconds = isUsable
      ? Math.min(CACHE_SECONDS_MAX, ...records.map(({ ttl }) => ttl))
      : CACHE_SECONDS_FAILURE;
    const storedMs = this.#deps.clock.monotonicMs();
    // Setting again would keep the old place in the order.
    this.#cache.delete(key);
    if (seconds > 0) {
      this.#cache.set(key, {
        bytes: answer,
        questionEnd,
        ttlOffsets: records.map(({ ttlOffset }) => ttlOffset),
        storedMs,
        expiresMs: storedMs + seconds * 1000,
      });
    }
    const oldest = this.#cache.size > CACHE_ENTRIES_MAX ? this.#cache.keys().next().value : undefined;
    if (oldest !== undefined) {
      this.#cache.delete(oldest);
    }
  }
}

function rcodeOf(answer: Buffer): number {
  return answer.readUInt16BE(2) & 15;
}

/** All of the query that shapes the answer: name, type, class, flags, and the EDNS record as it stands. */
function cacheKey(bytes: Buffer, query: DnsQuery, protocol: 'udp' | 'tcp'): string {
  const { name, type, class: kind } = query.question;
  const rest = bytes.toString('latin1', query.questionEnd);
  return `${protocol} ${type} ${kind} ${bytes.readUInt16BE(2)} ${name.toLowerCase()} ${rest}`;
}

function personal(answer: Buffer, bytes: Buffer, query: DnsQuery): Buffer {
  const own = Buffer.from(answer);
  own.writeUInt16BE(query.id, 0);
  // The same name, letter by letter in the client's case; some clients use the case as a password.
  bytes.copy(own, HEADER_BYTES, HEADER_BYTES, Math.min(query.questionEnd, own.length));
  return own;
}
