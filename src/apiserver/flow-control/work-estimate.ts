import { isTrue, type RequestInfo } from '../request-info.ts';
import type { WorkEstimate } from './queue-set.ts';

/** How many objects a resource has, and their average size. Undefined while that is not known. */
export type ResourceStats = (
  info: RequestInfo,
) => { readonly count: number; readonly averageBytes: number } | undefined;

export interface EstimateDeps {
  readonly stats: ResourceStats;
  /** Watches that a change by this request would be sent to. */
  readonly watchersOf: (info: RequestInfo) => number;
}

const BYTES_PER_SEAT = 100_000;
/** What a list from memory is counted for at most: it is written as it is read. */
const STREAMED_BYTES_MAX = 1_000_000;
const LIST_SEATS_MAX = 100;
const MUTATING_SEATS_MAX = 10;
const WATCHERS_PER_SEAT = 10;
/** What telling ten watchers of a change takes. */
const TELLING_MS = 5;

const ONE_SEAT: WorkEstimate = { seats: 1, finalSeats: 0, lingerMs: 0 };

/** Part of a level's seats that one request may have; see {@link seatsPerRequest}. */
const REQUEST_SHARE = 0.15;

/** The most seats one request of a level is given, lest it wait long for them all to be free. */
export function seatsPerRequest(nominalSeats: number, handSize: number): number {
  const share = Math.ceil(nominalSeats * REQUEST_SHARE);
  return Math.max(1, Math.min(share, Math.floor(nominalSeats / handSize)));
}

/**
 * Guesses what a request costs: lists by the bytes they touch, writes by the watchers they wake.
 *
 * @param seatsMax what the level allows one request; undefined for no limit of the level's own
 */
export function estimateWork(
  info: RequestInfo,
  query: URLSearchParams,
  seatsMax: number | undefined,
  deps: EstimateDeps,
): WorkEstimate {
  switch (info.verb) {
    case 'list':
    case 'watch':
      return estimateList(info, query, Math.min(seatsMax ?? LIST_SEATS_MAX, LIST_SEATS_MAX), deps);
    case 'create':
    case 'update':
    case 'patch':
    case 'delete':
      return estimateWrite(info, Math.min(seatsMax ?? MUTATING_SEATS_MAX, MUTATING_SEATS_MAX), deps);
    default:
      return ONE_SEAT;
  }
}

/** A watch that begins with all objects is a list until they are sent; another one costs next to nothing. */
export function sendsInitialEvents(query: URLSearchParams): boolean {
  const asked = query.get('sendInitialEvents');
  const version = query.get('resourceVersion') ?? '';
  return asked === null ? version === '' || version === '0' : isTrue(asked);
}

function estimateList(
  info: RequestInfo,
  query: URLSearchParams,
  seatsMax: number,
  { stats }: EstimateDeps,
): WorkEstimate {
  const isWatch = info.verb === 'watch';
  if (seatsMax === 1 || (isWatch && !sendsInitialEvents(query) && !isLegacy(query))) {
    return ONE_SEAT;
  }
  const known = stats(info);
  if (known === undefined) {
    return ONE_SEAT;
  }
  const limit = Number(query.get('limit') ?? 0);
  const limited = limit > 0 && limit < known.count ? limit : known.count;
  const isFromMemory = isWatch || !isFromStorage(query);
  const hasSelector = (query.get('labelSelector') ?? '') !== '' || (query.get('fieldSelector') ?? '') !== '';
  const objects =
    info.name !== '' ? 1 : hasSelector && !isFromMemory ? Math.max(limited, known.count / 2) : limited;
  const bytes = objects * known.averageBytes;
  const seats = Math.ceil((isFromMemory ? Math.min(bytes, STREAMED_BYTES_MAX) : bytes) / BYTES_PER_SEAT);
  return { seats: Math.min(Math.max(seats, 1), seatsMax), finalSeats: 0, lingerMs: 0 };
}

function isLegacy(query: URLSearchParams): boolean {
  const version = query.get('resourceVersion') ?? '';
  return version === '' || version === '0';
}

/** Pages, and the past, are not what a cache holds. */
function isFromStorage(query: URLSearchParams): boolean {
  const version = query.get('resourceVersion') ?? '';
  return (
    (query.get('continue') ?? '') !== '' ||
    (Number(query.get('limit') ?? 0) > 0 && version !== '0') ||
    query.get('resourceVersionMatch') === 'Exact'
  );
}

function estimateWrite(info: RequestInfo, seatsMax: number, { watchersOf }: EstimateDeps): WorkEstimate {
  // Tokens change nothing that anybody watches.
  if (info.resource === 'serviceaccounts' && info.subresource === 'token') {
    return ONE_SEAT;
  }
  const watchers = watchersOf(info);
  if (watchers < WATCHERS_PER_SEAT) {
    return ONE_SEAT;
  }
  const wanted = Math.ceil(watchers / WATCHERS_PER_SEAT);
  const finalSeats = Math.min(wanted, seatsMax);
  // The same work by fewer seats takes longer.
  return { seats: 1, finalSeats, lingerMs: (wanted * TELLING_MS) / finalSeats };
}
