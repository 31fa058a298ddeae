import { connect, type ClientHttp2Session } from 'node:http2';
import { once } from 'node:events';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { ApiBench } from './api-bench.ts';
import type { BenchContext, Workload } from './bench.ts';
import type { Row } from './row.ts';

const CORE = '/api/v1/namespaces/default';
const LARGE_BYTES = 50_000;
const WATCHES_PER_CONNECTION = 100;
const CONNECTIONS = 10;
const SLOW_READERS = 10;
/** A reader takes what has come every so often: some megabytes a second. */
const READ_PAUSE_MS = 5;
const READ_MS = 10_000;
const SAMPLE_MS = 200;
/** For the server to come to rest, and its collector with it. */
const REST_MS = 3_000;

/** What clients that take their time cost the server in memory. */
export const memory: Workload = { name: 'memory', run };

async function run(context: BenchContext): Promise<readonly Row[]> {
  await using bench = await ApiBench.start();
  const { largeObjects } = context.size;
  const rows: Row[] = [
    { name: 'memory of an idle watch', unit: 'KiB', target: 8, values: [await idleWatchKib(bench)] },
  ];
  await bench.order({
    kind: 'requests',
    method: 'POST',
    path: `${CORE}/configmaps`,
    body: JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'large-{n}' },
      data: { text: 'x'.repeat(LARGE_BYTES) },
    }),
    connections: 8,
    ...bench.take(largeObjects),
  });
  rows.push({
    name: `memory of ${SLOW_READERS} slow readers of ${((largeObjects * LARGE_BYTES) / 1e6).toFixed(0)} MB`,
    unit: 'MB',
    target: 20,
    values: [await slowReadersMb(bench)],
  });
  context.note('memory of slow clients');
  return rows;
}

/** Many watches on few HTTP/2 connections, as client-go has them. */
async function idleWatchKib(bench: ApiBench): Promise<number> {
  const path = `${CORE}/secrets?watch=true&resourceVersion=0`;
  const sessions: ClientHttp2Session[] = [];
  const open = async (): Promise<void> => {
    const session = connect(`https://127.0.0.1:${bench.endpoint.port}`, {
      ...bench.endpoint,
      servername: 'localhost',
    });
    sessions.push(session);
    for (let index = 0; index < WATCHES_PER_CONNECTION; index++) {
      const stream = session.request({ ':path': path, accept: 'application/json' });
      stream.on('error', () => stream.destroy());
      await once(stream, 'response');
      stream.resume();
    }
  };
  // What the first watches need is not only theirs: code is compiled, and the heap finds its size.
  for (let connection = 0; connection < CONNECTIONS; connection++) {
    await open();
  }
  await pause(REST_MS);
  const beforeMb = bench.serverResidentMb();
  for (let connection = 0; connection < CONNECTIONS; connection++) {
    await open();
  }
  await pause(REST_MS);
  const usedMb = bench.serverResidentMb() - beforeMb;
  sessions.forEach((session) => session.destroy());
  return Math.max((usedMb * 1024) / (CONNECTIONS * WATCHES_PER_CONNECTION), 0.01);
}

/** The most that the server grows by while readers read a large list as slowly as they like. */
async function slowReadersMb(bench: ApiBench): Promise<number> {
  await pause(REST_MS);
  const beforeMb = bench.serverResidentMb();
  const readers: TLSSocket[] = [];
  for (let index = 0; index < SLOW_READERS; index++) {
    const socket = connectTls({ host: '127.0.0.1', ...bench.endpoint, servername: 'localhost' });
    readers.push(socket);
    await once(socket, 'secureConnect');
    const timers = setInterval(() => socket.resume(), READ_PAUSE_MS);
    socket.on('data', () => socket.pause());
    socket.on('close', () => clearInterval(timers));
    socket.write(`GET ${CORE}/configmaps HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  }
  let mostMb = 0;
  for (const endMs = performance.now() + READ_MS; performance.now() < endMs;) {
    await pause(SAMPLE_MS);
    mostMb = Math.max(mostMb, bench.serverResidentMb() - beforeMb);
  }
  readers.forEach((socket) => socket.destroy());
  return Math.max(mostMb, 0.01);
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
