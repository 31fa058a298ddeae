import { status } from '@grpc/grpc-js';
import { ProtobufError } from '#base/protobuf-wire.ts';
import { CompactedError, FutureRevisionError, LeaseNotFoundError, StoreWriteError } from '../store.ts';
import { LeaseExistsError } from '../transactional-store.ts';

/** A refusal in etcd's words, which its clients compare. */
export class RefusedCallError extends Error {
  override readonly name = 'RefusedCallError';
  /** gRPC's, under the name grpc-js looks for. */
  readonly code: status;
  readonly details: string;

  constructor(code: status, words: string) {
    super(words);
    this.code = code;
    this.details = `etcdserver: ${words}`;
  }
}

export const COMPACTED_WORDS = 'mvcc: required revision has been compacted';

export function compacted(): RefusedCallError {
  return new RefusedCallError(status.OUT_OF_RANGE, COMPACTED_WORDS);
}

export function leaseNotFound(): RefusedCallError {
  return new RefusedCallError(status.NOT_FOUND, 'requested lease not found');
}

export function invalid(words: string): RefusedCallError {
  return new RefusedCallError(status.INVALID_ARGUMENT, words);
}

/** What a client is told about an error of the store. */
export function refusalOf(error: unknown): RefusedCallError {
  if (error instanceof RefusedCallError) {
    return error;
  }
  if (error instanceof CompactedError) {
    return compacted();
  }
  if (error instanceof FutureRevisionError) {
    return new RefusedCallError(status.OUT_OF_RANGE, 'mvcc: required revision is a future revision');
  }
  if (error instanceof LeaseNotFoundError) {
    return leaseNotFound();
  }
  if (error instanceof LeaseExistsError) {
    return new RefusedCallError(status.FAILED_PRECONDITION, 'lease already exists');
  }
  if (error instanceof StoreWriteError) {
    return new RefusedCallError(status.RESOURCE_EXHAUSTED, `mvcc: database space exceeded: ${error.message}`);
  }
  if (error instanceof ProtobufError) {
    return invalid(`keys are UTF-8 text here: ${error.message}`);
  }
  return new RefusedCallError(status.INTERNAL, error instanceof Error ? error.message : String(error));
}
