import type { ApiCall, ApiResult } from '../endpoints/api-call.ts';
import type { Passage, RequestLimiter } from '../flow-control/request-limiter.ts';
import { sendsInitialEvents } from '../flow-control/work-estimate.ts';
import type { Responder } from './responder.ts';

export const TOO_MANY_REQUESTS = 429;

/** Turns a request away in upstream's words. Clients read the header and come back. */
export function rejectOverload(responder: Responder, { retryAfterSeconds }: Passage): number {
  responder.sendWithHeaders(
    TOO_MANY_REQUESTS,
    { 'retry-after': String(retryAfterSeconds), 'x-content-type-options': 'nosniff' },
    'Too many requests, please try again later.\n',
  );
  return TOO_MANY_REQUESTS;
}

type WatchResult = Extract<ApiResult, { kind: 'watch' }>;

/** A watch gives its seat back once it has sent what was there when it began; then it counts as a watcher. */
export function seatedWatch(
  result: WatchResult,
  { info, query }: ApiCall,
  { limiter, passage }: { readonly limiter: RequestLimiter; readonly passage: Passage },
): WatchResult {
  const ignored = sendsInitialEvents(query) ? 1 : 0;
  return { ...result, batches: followed(result.batches, limiter.watching(info, query), ignored, passage) };
}

/** @param seated batches that are sent before the seat is given back */
async function* followed<T>(
  batches: AsyncIterable<T>,
  end: () => void,
  seated: number,
  passage: Passage,
): AsyncGenerator<T> {
  let sent = 0;
  try {
    if (seated === 0) {
      passage.leave();
    }
    for await (const batch of batches) {
      yield batch;
      sent += 1;
      if (sent >= seated) {
        passage.leave();
      }
    }
  } finally {
    end();
  }
}
