// The load generator, a process of its own beside the server: takes orders as JSON lines, answers each with one.
import { createInterface } from 'node:readline';
import { KeepAlive, requestText, type Endpoint, type RequestText } from './keep-alive.ts';

/** `{n}` in path and body stands for the number of the request, from `first` on; `{m}` for its last three digits. */
export interface RequestsOrder extends RequestText {
  readonly kind: 'requests';
  readonly connections: number;
  readonly first: number;
  readonly count: number;
}

/** Opens watches and counts what they bring while objects are created. */
export interface FanOutOrder extends RequestText {
  readonly kind: 'fan-out';
  readonly watchPath: string;
  readonly watchers: number;
  readonly connections: number;
  readonly first: number;
  readonly count: number;
}

/** Sends one request and hands back its body. */
export interface OnceOrder extends RequestText {
  readonly kind: 'once';
}

/** Creates objects and waits until a watch has shown so many lines with `needle`. */
export interface UntilSeenOrder extends RequestText {
  readonly kind: 'until-seen';
  readonly watchPath: string;
  readonly needle: string;
  /** How often it is to be seen; once for each request when left out. */
  readonly wanted?: number;
  readonly connections: number;
  readonly first: number;
  readonly count: number;
}

export type LoadOrder = RequestsOrder | FanOutOrder | OnceOrder | UntilSeenOrder;

export interface LoadReport {
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Bytes of the last answer's body. */
  readonly length: number;
  readonly body: string;
}

const endpoint = JSON.parse(process.argv[2] ?? '{}') as Endpoint;
let kept: KeepAlive[] = [];

async function connections(count: number): Promise<readonly KeepAlive[]> {
  kept = kept.filter(({ isOpen }) => isOpen);
  while (kept.length < count) {
    kept.push(await KeepAlive.open(endpoint));
  }
  return kept.slice(0, count);
}

async function sendAll(
  order: RequestText & { readonly connections: number; readonly first: number; readonly count: number },
): Promise<LoadReport> {
  const open = await connections(order.connections);
  const end = order.first + order.count;
  const durations = new Float64Array(order.count);
  let next = order.first;
  let length = 0;
  const startMs = performance.now();
  await Promise.all(
    open.map(async (connection) => {
      while (next < end) {
        const number = next++;
        const text = requestText({
          ...order,
          path: numbered(order.path, number),
          ...(order.body === undefined ? {} : { body: numbered(order.body, number) }),
        });
        const sentMs = performance.now();
        const answer = await connection.request(text);
        if (answer.status >= 300) {
          throw new Error(`${order.method} ${order.path} was answered ${answer.status}: ${answer.body}`);
        }
        length = answer.length;
        durations[number - order.first] = performance.now() - sentMs;
      }
    }),
  );
  const seconds = (performance.now() - startMs) / 1000;
  durations.sort();
  const percentile = (share: number): number => durations[Math.floor(share * (order.count - 1))] ?? 0;
  return { seconds, p50Ms: percentile(0.5), p99Ms: percentile(0.99), length, body: '' };
}

function numbered(text: string, number: number): string {
  return text.replaceAll('{n}', String(number)).replaceAll('{m}', String(number % 1000));
}

/** Counts a needle in a stream of pieces; one cut in two by a piece's end is found too. */
function needleCounter(needle: string): (piece: Buffer) => number {
  const bytes = Buffer.from(needle);
  let tail: Buffer = Buffer.alloc(0);
  return (piece) => {
    const seam = Buffer.concat([tail, piece.subarray(0, bytes.length - 1)]);
    let found = seam.includes(bytes) ? 1 : 0;
    for (let at = piece.indexOf(bytes); at >= 0; at = piece.indexOf(bytes, at + bytes.length)) {
      found += 1;
    }
    tail =
      piece.length >= bytes.length - 1
        ? piece.subarray(piece.length - bytes.length + 1)
        : seam.subarray(1 - bytes.length);
    return found;
  };
}

async function watchUntil(
  order: FanOutOrder | UntilSeenOrder,
  {
    watchers,
    needle,
    wanted = watchers * order.count,
  }: { readonly watchers: number; readonly needle: string; readonly wanted?: number | undefined },
): Promise<LoadReport> {
  const done = Promise.withResolvers<void>();
  let seen = 0;
  let opened = 0;
  const allOpen = Promise.withResolvers<void>();
  await connections(order.connections);
  const watches: KeepAlive[] = [];
  for (let index = 0; index < watchers; index++) {
    const connection = await KeepAlive.open(endpoint);
    const count = needleCounter(needle);
    let isOpen = false;
    connection.stream(requestText({ method: 'GET', path: order.watchPath }), (piece) => {
      if (!isOpen) {
        isOpen = true;
        opened += 1;
        if (opened === watchers) {
          allOpen.resolve();
        }
      }
      seen += count(piece);
      if (seen >= wanted) {
        done.resolve();
      }
    });
    watches.push(connection);
  }
  await allOpen.promise;
  const startMs = performance.now();
  const report = await sendAll(order);
  await done.promise;
  const seconds = (performance.now() - startMs) / 1000;
  watches.forEach((connection) => connection.close());
  return { ...report, seconds };
}

async function sendOnce(order: OnceOrder): Promise<LoadReport> {
  const [connection] = await connections(1);
  const startMs = performance.now();
  const answer = await connection?.request(requestText(order), true);
  if (answer === undefined || answer.status >= 300) {
    throw new Error(`${order.method} ${order.path} was answered ${answer?.status}: ${answer?.body}`);
  }
  const durationMs = performance.now() - startMs;
  return { ...answer, seconds: durationMs / 1000, p50Ms: durationMs, p99Ms: durationMs };
}

function perform(order: LoadOrder): Promise<LoadReport> {
  switch (order.kind) {
    case 'requests':
      return sendAll(order);
    case 'fan-out':
      return watchUntil(order, { watchers: order.watchers, needle: '}\n' });
    case 'until-seen':
      return watchUntil(order, { watchers: 1, needle: order.needle, wanted: order.wanted });
    case 'once':
      return sendOnce(order);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await perform(JSON.parse(line) as LoadOrder))}\n`);
}
process.exit(0);
