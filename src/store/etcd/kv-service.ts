import { status } from '@grpc/grpc-js';
import { EMPTY_BYTES } from '#base/bytes.ts';
import { textOf } from './message.ts';
import { rangeOfWire, wireEntry } from './etcd-entries.ts';
import {
  DELETE_RANGE_RESPONSE,
  type HEADER_ONLY,
  PUT_RESPONSE,
  RANGE_RESPONSE,
  REQUEST_OP,
  RESPONSE_OP,
  SORT_DESCEND,
  SORT_TARGET,
  TXN_RESPONSE,
} from './messages.ts';
import { RefusedCallError, compacted, invalid, leaseNotFound } from './server-status.ts';
import { holds } from './compare.ts';
import type { KeyValue, Revision } from '../store.ts';
import type { StoreTransaction, TransactionalStore } from '../transactional-store.ts';
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  RequestOp,
  ResponseHeader,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from './messages.ts';

/** As etcd's own limit. */
const TXN_OPS_MAX = 128;

/** etcd's KV service over a store. */
export class KvService {
  readonly #store: TransactionalStore;
  readonly #header: () => Promise<ResponseHeader>;

  constructor(store: TransactionalStore, header: () => Promise<ResponseHeader>) {
    this.#store = store;
    this.#header = header;
  }

  async range(request: RangeRequest): Promise<RangeResponse> {
    checkKey(request.key);
    const range = rangeOfWire(request.key, request.rangeEnd);
    const isPlain = !isSorted(request) && !isFiltered(request);
    const { items, remaining } = await this.#store.listRange(range, {
      ...(request.revision > 0 ? { revision: request.revision } : {}),
      limit: request.countOnly ? 1 : isPlain ? request.limit : 0,
    });
    const header = await this.#header();
    return { ...answerOf(request, items, items.length + remaining), header };
  }

  async put(request: PutRequest): Promise<PutResponse> {
    const { responses, header } = await this.#apply([REQUEST_OP.of({ put: request })]);
    return { ...PUT_RESPONSE.of(responses[0]?.put ?? {}), header };
  }

  async deleteRange(request: DeleteRangeRequest): Promise<DeleteRangeResponse> {
    const { responses, header } = await this.#apply([REQUEST_OP.of({ deleteRange: request })]);
    return { ...DELETE_RANGE_RESPONSE.of(responses[0]?.deleteRange ?? {}), header };
  }

  async txn({ compare, success, failure }: TxnRequest): Promise<TxnResponse> {
    if (Math.max(compare.length, success.length, failure.length) > TXN_OPS_MAX) {
      throw invalid('too many operations in txn request');
    }
    checkOps(success);
    checkOps(failure);
    const { succeeded, applied } = await this.#store.transact((txn) => {
      const isMet = compare.every((condition) => holds(condition, txn));
      return { succeeded: isMet, applied: applyAll(isMet ? success : failure, txn) };
    });
    const header = await this.#headerOf(applied);
    const responses = applied.responses.map((response) => withHeader(response, header));
    return TXN_RESPONSE.of({ header, succeeded, responses });
  }

  async compact({ revision }: { readonly revision: number }): Promise<ReturnType<typeof HEADER_ONLY.of>> {
    if (revision <= (await this.#store.status()).compactedRevision) {
      throw compacted();
    }
    await this.#store.compact(revision);
    return { header: await this.#header() };
  }

  async #apply(ops: readonly RequestOp[]): Promise<{
    readonly responses: readonly ResponseOp[];
    readonly header: ResponseHeader;
  }> {
    checkOps(ops);
    const applied = await this.#store.transact((txn) => applyAll(ops, txn));
    return { responses: applied.responses, header: await this.#headerOf(applied) };
  }

  /** Says the revision of what was written, also when others have written since. */
  async #headerOf({ revision }: Applied): Promise<ResponseHeader> {
    const header = await this.#header();
    return revision === undefined ? header : { ...header, revision };
  }
}

interface Applied {
  readonly responses: readonly ResponseOp[];
  /** Undefined when nothing was written. */
  readonly revision: Revision | undefined;
}

/** Upstream's API server looks for the revision of a deletion here, not at the transaction's own header. */
function withHeader({ range, put, deleteRange }: ResponseOp, header: ResponseHeader): ResponseOp {
  return {
    range: range && { ...range, header },
    put: put && { ...put, header },
    deleteRange: deleteRange && { ...deleteRange, header },
  };
}

function checkKey(key: Uint8Array): void {
  if (key.length === 0) {
    throw invalid('key is not provided');
  }
}

/** @throws {RefusedCallError} what can be told from the request alone */
function checkOps(ops: readonly RequestOp[]): void {
  const written = new Set<string>();
  for (const { range, put, deleteRange } of ops) {
    const request = range ?? put ?? deleteRange;
    if (request === undefined) {
      throw new RefusedCallError(status.UNIMPLEMENTED, 'a transaction inside a transaction is not supported');
    }
    checkKey(request.key);
    if (range !== undefined && range.revision > 0) {
      throw new RefusedCallError(status.UNIMPLEMENTED, 'a transaction reads the newest revision only');
    }
    if (put !== undefined) {
      const key = textOf(put.key);
      if (written.has(key)) {
        throw invalid('duplicate key given in txn request');
      }
      written.add(key);
      checkPut(put);
    }
  }
}

function checkPut({ ignoreValue, value, ignoreLease, lease }: PutRequest): void {
  if (ignoreValue && value.length > 0) {
    throw invalid('value is provided');
  }
  if (ignoreLease && lease !== 0) {
    throw invalid('lease is provided');
  }
}

/** Everything is checked before the first write: a transaction that is refused has changed nothing. */
function applyAll(ops: readonly RequestOp[], txn: StoreTransaction): Applied {
  for (const { put, range, deleteRange } of ops) {
    const ranged = range ?? deleteRange;
    if (ranged !== undefined) {
      rangeOfWire(ranged.key, ranged.rangeEnd);
    }
    if (put !== undefined) {
      checkPutNow(put, txn);
    }
  }
  const before = txn.revision;
  const responses = ops.map((op) => applyOne(op, txn));
  return { responses, revision: txn.revision === before ? undefined : txn.revision };
}

function checkPutNow(put: PutRequest, txn: StoreTransaction): void {
  if (put.lease !== 0 && !txn.isLeaseUsable(put.lease)) {
    throw leaseNotFound();
  }
  if ((put.ignoreValue || put.ignoreLease) && txn.get(textOf(put.key)) === undefined) {
    throw invalid('key not found');
  }
}

function applyOne({ range, put, deleteRange }: RequestOp, txn: StoreTransaction): ResponseOp {
  if (range !== undefined) {
    const items = txn.range(rangeOfWire(range.key, range.rangeEnd));
    return RESPONSE_OP.of({ range: answerOf(range, items, items.length) });
  }
  if (put !== undefined) {
    return RESPONSE_OP.of({ put: applyPut(put, txn) });
  }
  return RESPONSE_OP.of(deleteRange === undefined ? {} : { deleteRange: applyDelete(deleteRange, txn) });
}

function applyPut(put: PutRequest, txn: StoreTransaction): PutResponse {
  const key = textOf(put.key);
  const previous = txn.get(key);
  const value = put.ignoreValue && previous !== undefined ? previous.value : put.value;
  const lease = put.ignoreLease && previous !== undefined ? previous.lease : put.lease;
  // The store keeps the value: it must not share memory with the whole request.
  txn.put(key, Buffer.from(value), lease);
  return PUT_RESPONSE.of(put.prevKv && previous !== undefined ? { prevKv: wireEntry(previous) } : {});
}

function applyDelete(
  { key, rangeEnd, prevKv }: DeleteRangeRequest,
  txn: StoreTransaction,
): DeleteRangeResponse {
  const gone = txn.range(rangeOfWire(key, rangeEnd));
  for (const entry of gone) {
    txn.delete(entry.key);
  }
  return DELETE_RANGE_RESPONSE.of({ deleted: gone.length, prevKvs: prevKv ? gone.map(wireEntry) : [] });
}

function isSorted({ sortOrder, sortTarget }: RangeRequest): boolean {
  return sortOrder === SORT_DESCEND || sortTarget !== SORT_TARGET.KEY;
}

function isFiltered(request: RangeRequest): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return minModRevision + maxModRevision + minCreateRevision + maxCreateRevision > 0;
}

/** @param count keys in the whole range */
function answerOf(request: RangeRequest, items: readonly KeyValue[], count: number): RangeResponse {
  if (request.countOnly) {
    return RANGE_RESPONSE.of({ count });
  }
  const kept = isFiltered(request) ? items.filter((entry) => passes(request, entry)) : items;
  const sorted = isSorted(request) ? kept.toSorted((a, b) => compareBy(request, a, b)) : kept;
  const page = request.limit > 0 ? sorted.slice(0, request.limit) : sorted;
  const kvs = page.map((entry) => wireEntry(request.keysOnly ? { ...entry, value: EMPTY_BYTES } : entry));
  const total = isFiltered(request) ? kept.length : count;
  return RANGE_RESPONSE.of({ kvs, more: request.limit > 0 && total > page.length, count });
}

function passes(request: RangeRequest, { modRevision, createRevision }: KeyValue): boolean {
  const isWithin = (value: number, min: number, max: number): boolean =>
    (min === 0 || value >= min) && (max === 0 || value <= max);
  return (
    isWithin(modRevision, request.minModRevision, request.maxModRevision) &&
    isWithin(createRevision, request.minCreateRevision, request.maxCreateRevision)
  );
}

function compareBy({ sortTarget, sortOrder }: RangeRequest, left: KeyValue, right: KeyValue): number {
  const sign = sortOrder === SORT_DESCEND ? -1 : 1;
  switch (sortTarget) {
    case SORT_TARGET.VERSION:
      return sign * (left.version - right.version);
    case SORT_TARGET.CREATE:
      return sign * (left.createRevision - right.createRevision);
    case SORT_TARGET.MOD:
      return sign * (left.modRevision - right.modRevision);
    case SORT_TARGET.VALUE:
      return sign * Buffer.compare(left.value, right.value);
    default:
      return sign * Buffer.compare(Buffer.from(left.key), Buffer.from(right.key));
  }
}
