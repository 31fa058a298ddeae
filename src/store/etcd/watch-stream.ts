import { status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { CompactedError } from '../store.ts';
import { EtcdCallError } from './etcd-channel.ts';
import { eventOf, wireRange } from './etcd-entries.ts';
import { WATCH } from './methods.ts';
import type { KeyRange } from '../key-history.ts';
import type { Revision, StoreEvent } from '../store.ts';
import type { EtcdChannel } from './etcd-channel.ts';

/** What one stretch of a watch said. The first one, without events, says that the watch stands. */
export interface WatchStretch {
  readonly events: readonly StoreEvent[];
  /** etcd's newest revision when it said so. */
  readonly newest: Revision;
}

/**
 * Follows one range of keys from `start` on, until the reader stops or `signal` fires. Stretches never
 * split a revision. Reads no faster than its reader; what waits, waits in etcd.
 *
 * @throws {CompactedError} `start` is older than the last compaction
 * @throws {EtcdCallError}  the stream broke; go on from what was seen
 */
export async function* watchStream(
  channel: EtcdChannel,
  range: KeyRange,
  start: Revision,
  signal: AbortSignal,
): AsyncGenerator<WatchStretch, void> {
  const { stream, member } = channel.open(WATCH);
  const cancel = (): void => stream.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    stream.write({
      create: { ...CREATE_DEFAULTS, ...wireRange(range), startRevision: start },
    });
    let parts: StoreEvent[] = [];
    for await (const message of stream) {
      // Typed by grpc-js as anything at all.
      const { header, canceled, compactRevision, cancelReason, fragment, events } = message as ReturnType<
        typeof WATCH.response.of
      >;
      if (canceled) {
        throw compactRevision > 0
          ? new CompactedError(compactRevision)
          : new EtcdCallError({ code: status.ABORTED, details: `watch canceled: ${cancelReason}` });
      }
      parts.push(...events.map(eventOf).filter((event) => event !== undefined));
      if (!fragment) {
        yield { events: parts, newest: header?.revision ?? 0 };
        parts = [];
      }
    }
  } catch (error) {
    if (signal.aborted) {
      return;
    }
    if (isServiceError(error)) {
      channel.failOver(member);
      throw new EtcdCallError(error);
    }
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
    stream.on('error', () => undefined);
    stream.cancel();
  }
}

const CREATE_DEFAULTS = {
  progressNotify: false,
  filters: [],
  prevKv: true,
  watchId: 0,
  fragment: true,
};

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'details' in error && 'code' in error && typeof error.code === 'number';
}
