import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { join } from 'node:path';
import { scratchDirectory, type BenchContext } from './bench.ts';
import { rounds } from './api-bench.ts';

/** Raw requests per second to etcd on the same disk: what the writes and reads of a run are held against. */
export interface EtcdAnchor {
  readonly put: number;
  readonly get: number;
  readonly version: string;
}

const PORT = 23_790;
const VALUE_BYTES = 1_536;

/** Undefined where this host has no `etcd`. */
export async function measureEtcd(context: BenchContext): Promise<EtcdAnchor | undefined> {
  const found = spawnSync('etcd', ['--version'], { encoding: 'utf8' });
  if (found.status !== 0) {
    return undefined;
  }
  using directory = scratchDirectory();
  const url = `http://127.0.0.1:${PORT}`;
  const peer = `http://127.0.0.1:${PORT + 1}`;
  const child = spawn(
    'etcd',
    [
      '--data-dir',
      join(directory.path, 'etcd'),
      '--log-level',
      'error',
      '--listen-client-urls',
      url,
      '--advertise-client-urls',
      url,
      '--listen-peer-urls',
      peer,
      '--initial-advertise-peer-urls',
      peer,
      '--initial-cluster',
      `default=${peer}`,
    ],
    { stdio: 'ignore' },
  );
  try {
    const sessions = await open(url, context.size.connections);
    const put = await throughput(context, sessions, 'Put', putRequest);
    const get = await throughput(context, sessions, 'Range', (number) => rangeRequest(number % 100));
    sessions.forEach((session) => session.destroy());
    return { put, get, version: /etcd Version: (\S+)/.exec(found.stdout)?.[1] ?? '' };
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

async function open(url: string, count: number): Promise<readonly ClientHttp2Session[]> {
  for (let tries = 0; ; tries++) {
    const session = connect(url);
    try {
      await once(session, 'connect');
      const rest = Array.from({ length: count - 1 }, () => connect(url));
      await call(session, 'Put', putRequest(0));
      return [session, ...rest];
    } catch (error) {
      session.destroy();
      if (tries > 100) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function throughput(
  context: BenchContext,
  sessions: readonly ClientHttp2Session[],
  method: string,
  bodyOf: (number: number) => Buffer,
): Promise<number> {
  const count = Math.ceil(context.size.requests / 4);
  const values = await rounds(
    { size: { ...context.size, rounds: Math.min(3, context.size.rounds) } },
    async () => {
      let next = 0;
      const startMs = performance.now();
      await Promise.all(
        sessions.map(async (session) => {
          while (next < count) {
            await call(session, method, bodyOf(next++));
          }
        }),
      );
      return (count * 1000) / (performance.now() - startMs);
    },
  );
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? NaN;
}

async function call(session: ClientHttp2Session, method: string, body: Buffer): Promise<void> {
  const stream = session.request({
    ':method': 'POST',
    ':path': `/etcdserverpb.KV/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  let status: string | undefined;
  stream.on('trailers', (trailers) => (status = String(trailers['grpc-status'])));
  stream.resume();
  stream.end(body);
  await once(stream, 'end');
  if (status !== '0') {
    throw new Error(`etcd answered with status ${status}`);
  }
}

function keyOf(number: number): Buffer {
  return Buffer.from(`/bench/${number}`);
}

/** The two fields every gRPC client sends first: key and value. */
function putRequest(number: number): Buffer {
  const value = Buffer.alloc(VALUE_BYTES, 'v');
  const length = Buffer.from([0x12, (VALUE_BYTES & 0x7f) | 0x80, VALUE_BYTES >> 7]);
  return framed([Buffer.from([0x0a, keyOf(number).length]), keyOf(number), length, value]);
}

function rangeRequest(number: number): Buffer {
  return framed([Buffer.from([0x0a, keyOf(number).length]), keyOf(number)]);
}

function framed(parts: readonly Buffer[]): Buffer {
  const message = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
