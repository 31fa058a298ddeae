import type { UserInfo } from '../authn/user.ts';
import type { RequestInfo } from '../request-info.ts';

/** What a limiter may know of a request. */
export interface LimitedRequest {
  readonly info: RequestInfo;
  readonly user: UserInfo;
  readonly query: URLSearchParams;
}

/** The client of a request. A signal would do as well, but costs as much as serving a small request. */
export interface ClientPresence {
  /** Calls back once the client has gone, unless the returned function was called by then. */
  onGone(callback: () => void): () => void;
}

/** A request that was let through, or was not. */
export interface Passage {
  readonly isRejected: boolean;
  /** Seconds that a client that was refused shall stay away. */
  readonly retryAfterSeconds: number;
  /** For the answer, whatever it is. */
  readonly headers: Readonly<Record<string, string>>;
  /** To be called once the answer is out, or a watch has sent its first objects. Safe to call again. */
  leave(): void;
}

/** Decides whether and when requests are served. */
export interface RequestLimiter {
  /** At once where there is room; a promise where the request has to wait. */
  admit(request: LimitedRequest, client: ClientPresence): Passage | Promise<Passage>;
  /** Counts an open watch until the returned function is called. */
  watching(info: RequestInfo, query: URLSearchParams): () => void;
  close(): void;
}

const NO_HEADERS: Readonly<Record<string, string>> = {};
const UNLIMITED: Passage = {
  isRejected: false,
  retryAfterSeconds: 0,
  headers: NO_HEADERS,
  leave: () => undefined,
};

const LONG_RUNNING_SUBRESOURCES: ReadonlySet<string> = new Set([
  'attach',
  'exec',
  'proxy',
  'log',
  'portforward',
]);

/** Requests that may last as long as they like. */
export function isLongRunning(info: RequestInfo): boolean {
  return (
    info.verb === 'watch' ||
    info.verb === 'proxy' ||
    (info.isResource && LONG_RUNNING_SUBRESOURCES.has(info.subresource)) ||
    info.path.startsWith('/debug/pprof/')
  );
}

/** Lets everything through: for streams, which are not counted. */
export function unlimitedPassage(): Passage {
  return UNLIMITED;
}

/** The passage of a request that was turned away. */
export function refusal(retryAfterSeconds: number, headers = NO_HEADERS): Passage {
  return { isRejected: true, retryAfterSeconds, headers, leave: () => undefined };
}

const READING: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

export function isMutating({ verb }: RequestInfo): boolean {
  return !READING.has(verb);
}
