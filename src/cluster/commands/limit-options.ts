import type { RequestLimits } from '#apiserver/api-server.ts';
import { IN_FLIGHT_DEFAULT } from '#apiserver/flow-control/max-in-flight.ts';
import { parseDurationMs } from '#api/time.ts';
import { UsageError } from './command-line.ts';
import type { GoFlags } from './go-flags.ts';

/** The options of `coracle up` about how much is served at a time, named as the API server's. */
export const LIMIT_OPTIONS = {
  'enable-priority-and-fairness': { type: 'string' },
  'max-requests-inflight': { type: 'string' },
  'max-mutating-requests-inflight': { type: 'string' },
  'request-timeout': { type: 'string' },
} as const;

export const LIMIT_HELP = `  --max-requests-inflight N --max-mutating-requests-inflight N
                           requests served at a time (default 400 and 200); their sum is what priority and fairness share out
  --enable-priority-and-fairness true|false
                           whether FlowSchemas decide who waits, or two counters (default true)
  --request-timeout T      how long a request may take that is no stream (default 1m)
`;

type LimitOptions = { readonly [K in keyof typeof LIMIT_OPTIONS]?: string | undefined };

/** @throws {UsageError} */
export function chooseLimits(options: LimitOptions): Partial<RequestLimits> {
  const priorityAndFairness = readBoolean(options, 'enable-priority-and-fairness') ?? true;
  const inFlight = {
    reading: readLimit(options, 'max-requests-inflight') ?? IN_FLIGHT_DEFAULT.reading,
    mutating: readLimit(options, 'max-mutating-requests-inflight') ?? IN_FLIGHT_DEFAULT.mutating,
  };
  if (priorityAndFairness && inFlight.reading + inFlight.mutating === 0) {
    throw new UsageError(
      '--max-requests-inflight plus --max-mutating-requests-inflight must be more than 0 with --enable-priority-and-fairness',
    );
  }
  const timeout = options['request-timeout'];
  const requestTimeoutMs = timeout === undefined ? undefined : parseDurationMs(timeout);
  if (timeout !== undefined && (requestTimeoutMs === undefined || requestTimeoutMs <= 0)) {
    throw new UsageError(`--request-timeout takes a duration as 1m30s, not ${JSON.stringify(timeout)}`);
  }
  return { priorityAndFairness, inFlight, ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }) };
}

/** As {@link chooseLimits}, from the flags of `coracle apiserver`. */
export function chooseLimitsByFlags(flags: GoFlags): Partial<RequestLimits> {
  return chooseLimits({
    'enable-priority-and-fairness': String(flags.isOn('enable-priority-and-fairness', true)),
    'max-requests-inflight': flags.text('max-requests-inflight'),
    'max-mutating-requests-inflight': flags.text('max-mutating-requests-inflight'),
    'request-timeout': flags.text('request-timeout'),
  });
}

function readBoolean(options: LimitOptions, name: keyof LimitOptions): boolean | undefined {
  const text = options[name];
  if (text !== undefined && text !== 'true' && text !== 'false') {
    throw new UsageError(`--${name} takes true or false, not ${JSON.stringify(text)}`);
  }
  return text === undefined ? undefined : text === 'true';
}

function readLimit(options: LimitOptions, name: keyof LimitOptions): number | undefined {
  const text = options[name];
  if (text === undefined) {
    return undefined;
  }
  if (!/^\d{1,9}$/.test(text)) {
    throw new UsageError(`--${name} takes a whole number, not ${JSON.stringify(text)}`);
  }
  return Number(text);
}
