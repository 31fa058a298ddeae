import { status as grpcStatus } from '@grpc/grpc-js';
import { assert } from '#base/assert.ts';
import { utf8Encode } from '#base/bytes.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { TaskGroup } from '#base/task-group.ts';
import { rangeOf } from '../key-history.ts';
import {
  CompactedError,
  FutureRevisionError,
  LeaseNotFoundError,
  StoreClosedError,
  StoreWriteError,
} from '../store.ts';
import { WatchHub } from '../watch-hub.ts';
import { EtcdCallError, EtcdChannel } from './etcd-channel.ts';
import { entryOf, wireRange } from './etcd-entries.ts';
import { EtcdFeed } from './etcd-feed.ts';
import { COMPARE, COMPARE_RESULT, COMPARE_TARGET, RANGE_REQUEST, REQUEST_OP } from './messages.ts';
import { DELETE_RANGE, LEASE_GRANT, LEASE_LEASES, COMPACT, PUT, RANGE, STATUS, TXN } from './methods.ts';
import { watchStream } from './watch-stream.ts';
import { WriteOrder } from './write-order.ts';
import type {
  CreateOutcome,
  DeleteOutcome,
  KeyValue,
  LeaseId,
  ListOptions,
  ListResult,
  Revision,
  Store,
  StoreStatus,
  UpdateOutcome,
  WatchBatch,
  WatchOptions,
  WriteOptions,
} from '../store.ts';
import type { EtcdTls } from './etcd-channel.ts';
import type { Compare, RangeResponse, RequestOp, TxnResponse } from './messages.ts';

/** Entries asked for at a time where the caller wants all: a message stays of a size both ends can hold. */
const PAGE_ENTRIES = 1_000;

/** How often another number is tried for a lease when another program was faster. */
const LEASE_ATTEMPTS = 16;

export interface EtcdStoreOptions {
  /** `http://host:port` or `https://…`, one for each member. */
  readonly endpoints: readonly string[];
  readonly tls?: EtcdTls | undefined;
  readonly clock: Clock;
  readonly log?: Logger | undefined;
}

interface Answer {
  readonly revision: Revision;
  readonly done: boolean;
  /** What the key holds when the condition did not hold. */
  readonly current: KeyValue | undefined;
  readonly response: TxnResponse;
}

/** The store that a real etcd keeps, so that several API servers share it. Reads are linearizable. */
export class EtcdStore implements Store {
  readonly #channel: EtcdChannel;
  readonly #tasks: TaskGroup;
  readonly #writes = new WriteOrder();
  readonly #hub: WatchHub;
  readonly #feed: EtcdFeed;
  #lastLease: LeaseId;
  #isClosed = false;

  private constructor(
    { clock, log }: EtcdStoreOptions,
    channel: EtcdChannel,
    { revision, lastLease }: { readonly revision: Revision; readonly lastLease: LeaseId },
  ) {
    this.#channel = channel;
    this.#lastLease = lastLease;
    this.#tasks = new TaskGroup((task, error) => log?.error('store task failed', { task, error }));
    this.#feed = new EtcdFeed(
      {
        channel,
        clock,
        log,
        onEvents: (events, newest) => this.#hub.publish(events, newest),
        onGap: () => this.#hub.fallBack(),
      },
      revision,
    );
    this.#hub = new WatchHub(this.#feed, clock);
    this.#tasks.spawn('etcd feed', (signal) => this.#feed.run(signal));
  }

  /**
   * Connects to the first member that answers.
   *
   * @throws {StoreUnavailableError} none does
   */
  static async open(options: EtcdStoreOptions): Promise<EtcdStore> {
    const channel = new EtcdChannel(options);
    try {
      const { leases, header } = await channel.call(LEASE_LEASES, {}, true);
      const lastLease = leases.reduce(
        (last, { id }) => (Number.isSafeInteger(id) ? Math.max(last, id) : last),
        0,
      );
      const revision = header?.revision ?? 0;
      return new EtcdStore(options, channel, { revision, lastLease });
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  async currentRevision(): Promise<Revision> {
    return revisionOf(await this.#range({ ...wireKey('\0'), countOnly: true }));
  }

  async get(key: string, options: { readonly revision?: Revision } = {}): Promise<KeyValue | undefined> {
    const { kvs } = await this.#range({ ...wireKey(key), revision: options.revision ?? 0 });
    return kvs[0] === undefined ? undefined : entryOf(kvs[0]);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    const wanted = options.limit === undefined || options.limit <= 0 ? Infinity : options.limit;
    const items: KeyValue[] = [];
    let { revision, after } = options;
    for (;;) {
      const page = await this.#range({
        ...wireRange(rangeOf(prefix, after)),
        limit: Math.min(wanted - items.length, PAGE_ENTRIES),
        revision: revision ?? 0,
      });
      revision ??= revisionOf(page);
      for (const kv of page.kvs) {
        items.push(entryOf(kv));
      }
      after = items.at(-1)?.key ?? after;
      const remaining = page.count - page.kvs.length;
      if (remaining === 0 || items.length >= wanted) {
        return { items, revision, hasMore: remaining > 0, remaining };
      }
    }
  }

  async count(prefix: string): Promise<number> {
    const { count } = await this.#range({ ...wireRange(rangeOf(prefix)), countOnly: true });
    return count;
  }

  async create(key: string, value: Uint8Array, options: WriteOptions = {}): Promise<CreateOutcome> {
    const answer = await this.#txn(
      key,
      modRevisionIs(key, 0),
      putOp(key, value, options.lease),
      options.lease,
    );
    if (answer.done) {
      return { kind: 'created', revision: answer.revision };
    }
    assert(answer.current !== undefined, 'a key that cannot be created exists');
    return { kind: 'exists', current: answer.current };
  }

  async update(
    key: string,
    value: Uint8Array,
    expected: Revision | undefined,
    options: WriteOptions = {},
  ): Promise<UpdateOutcome> {
    const { done, revision, current } = await this.#txn(
      key,
      isAt(key, expected),
      putOp(key, value, options.lease),
      options.lease,
    );
    if (done) {
      return { kind: 'updated', revision };
    }
    return current === undefined ? { kind: 'missing' } : { kind: 'conflict', current };
  }

  async delete(key: string, expected?: Revision): Promise<DeleteOutcome> {
    const op = REQUEST_OP.of({
      deleteRange: DELETE_RANGE.request.of({ key: utf8Encode(key), prevKv: true }),
    });
    const { done, revision, current, response } = await this.#txn(key, isAt(key, expected), op);
    if (!done) {
      return current === undefined ? { kind: 'missing' } : { kind: 'conflict', current };
    }
    const previous = response.responses[0]?.deleteRange?.prevKvs[0];
    assert(previous !== undefined, 'etcd tells what it deleted');
    return { kind: 'deleted', revision, previous: entryOf(previous) };
  }

  async *watch(prefix: string, options: WatchOptions, signal: AbortSignal): AsyncGenerator<WatchBatch, void> {
    this.#checkOpen();
    // The feed may be a moment behind a write whose answer the caller has seen.
    if (options.after > this.#feed.committedRevision) {
      const newest = await this.currentRevision();
      if (options.after > newest) {
        throw new FutureRevisionError(newest);
      }
      await this.#feed.reached(options.after, AbortSignal.any([signal, this.#tasks.signal]));
    }
    yield* this.#hub.watch(prefix, options, signal);
  }

  async grantLease(ttlSeconds: number): Promise<LeaseId> {
    this.#checkOpen();
    for (let attempt = 1; ; attempt++) {
      const id = ++this.#lastLease;
      try {
        await this.#channel.call(LEASE_GRANT, { ttl: ttlSeconds, id }, false);
        return id;
      } catch (error) {
        if (!isRefusal(error, 'lease already exists') || attempt === LEASE_ATTEMPTS) {
          throw asWriteError(error);
        }
        const { leases } = await this.#channel.call(LEASE_LEASES, {}, true);
        this.#lastLease = leases.reduce(
          (last, { id: taken }) => (Number.isSafeInteger(taken) ? Math.max(last, taken) : last),
          this.#lastLease,
        );
      }
    }
  }

  async compact(revision: Revision): Promise<void> {
    this.#checkOpen();
    try {
      await this.#channel.call(COMPACT, { revision, physical: true }, true);
    } catch (error) {
      if (isRefusal(error, 'future revision')) {
        throw new FutureRevisionError(await this.currentRevision());
      }
      if (!isRefusal(error, 'has been compacted')) {
        throw asWriteError(error);
      }
    }
    this.#feed.noteCompacted(revision);
  }

  async status(): Promise<StoreStatus> {
    this.#checkOpen();
    const [all, { leases }, { dbSize }, compactedRevision] = await Promise.all([
      this.#range({ ...wireRange(rangeOf('')), countOnly: true }),
      this.#channel.call(LEASE_LEASES, {}, true),
      this.#channel.call(STATUS, {}, true),
      this.#compactedRevision(),
    ]);
    return {
      revision: revisionOf(all),
      compactedRevision,
      keys: all.count,
      sizeBytes: dbSize,
      leases: leases.length,
      watchers: this.#hub.size,
    };
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      await this.#writes.settle();
      this.#hub.close();
      await this.#tasks.close();
      this.#channel.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) {
      throw new StoreClosedError();
    }
  }

  async #range(request: Partial<ReturnType<typeof RANGE_REQUEST.of>>): Promise<RangeResponse> {
    this.#checkOpen();
    try {
      return await this.#channel.call(RANGE, request, true);
    } catch (error) {
      if (isRefusal(error, 'has been compacted')) {
        throw new CompactedError(await this.#compactedRevision());
      }
      if (isRefusal(error, 'future revision')) {
        throw new FutureRevisionError(await this.currentRevision());
      }
      throw error;
    }
  }

  /** Does `op` if the condition holds, and reads the key if not. */
  #txn(key: string, condition: Compare, op: RequestOp, lease: LeaseId = 0): Promise<Answer> {
    this.#checkOpen();
    assert(key.isWellFormed(), 'a key has a UTF-8 form');
    return this.#writes.run(key, async () => {
      const otherwise = REQUEST_OP.of({ range: RANGE_REQUEST.of(wireKey(key)) });
      try {
        const response = await this.#channel.call(
          TXN,
          { compare: [condition], success: [op], failure: [otherwise] },
          false,
        );
        const current = response.responses[0]?.range?.kvs[0];
        return {
          revision: revisionOf(response),
          done: response.succeeded,
          current: current === undefined ? undefined : entryOf(current),
          response,
        };
      } catch (error) {
        throw isRefusal(error, 'lease not found') ? new LeaseNotFoundError(lease) : asWriteError(error);
      }
    });
  }

  /** etcd tells how far it is compacted only to a watch that comes too late. */
  async #compactedRevision(): Promise<Revision> {
    const stop = new AbortController();
    try {
      for await (const { newest, events } of watchStream(this.#channel, rangeOf(''), 1, stop.signal)) {
        // A watch stands first and is refused a moment later. Once it tells the first change, it is not refused.
        if (newest <= 1 || events.length > 0) {
          break;
        }
      }
      return 0;
    } catch (error) {
      if (error instanceof CompactedError) {
        return error.compactedRevision;
      }
      throw error;
    }
  }
}

function wireKey(key: string): { readonly key: Uint8Array } {
  return { key: utf8Encode(key) };
}

function revisionOf({ header }: Pick<RangeResponse, 'header'>): Revision {
  assert(header !== undefined, 'every answer of etcd has a header');
  return header.revision;
}

function modRevisionIs(key: string, modRevision: Revision): Compare {
  return COMPARE.of({ ...wireKey(key), target: COMPARE_TARGET.MOD, modRevision });
}

/** At the expected revision; without one, anywhere at all. */
function isAt(key: string, expected: Revision | undefined): Compare {
  return expected === undefined
    ? { ...modRevisionIs(key, 0), result: COMPARE_RESULT.NOT_EQUAL }
    : // A key that is absent stands at zero, which no caller may take for a state to build on.
      modRevisionIs(key, expected === 0 ? -1 : expected);
}

function putOp(key: string, value: Uint8Array, lease: LeaseId = 0): RequestOp {
  return REQUEST_OP.of({ put: PUT.request.of({ ...wireKey(key), value, lease }) });
}

function isRefusal(error: unknown, words: string): error is EtcdCallError {
  return error instanceof EtcdCallError && error.details.includes(words);
}

/** etcd refused: too large, no space, not allowed. */
function asWriteError(error: unknown): unknown {
  return error instanceof EtcdCallError && error.status !== grpcStatus.UNAUTHENTICATED
    ? new StoreWriteError(error.message, { cause: error })
    : error;
}
