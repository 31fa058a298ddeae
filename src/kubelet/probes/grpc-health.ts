import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { describeError } from '#base/log.ts';
import type { ProbeOutcome } from './prober.ts';

/** The method of the gRPC health-checking protocol. */
const CHECK_PATH = '/grpc.health.v1.Health/Check';
const SERVING_STATUS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
const CODE_NOT_FOUND = '5';
const CODE_UNIMPLEMENTED = '12';
/** A message starts with one byte (compressed or not) and four of length. */
const FRAME_HEADER_BYTES = 5;

export interface GrpcHealthTarget {
  readonly host: string;
  readonly port: number;
  readonly service: string;
  readonly timeoutMs: number;
}

/** Asks a gRPC server without TLS whether a service is serving. Never throws. */
export async function checkGrpcHealth(target: GrpcHealthTarget, signal: AbortSignal): Promise<ProbeOutcome> {
  const { host, port, timeoutMs } = target;
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const session = connect(`http://${address}`);
  const close = (): void => session.destroy();
  signal.addEventListener('abort', close, { once: true });
  try {
    const { status, message, body } = await call(session, target);
    return verdict(address, status, message, body);
  } catch (error) {
    const why = signal.aborted ? 'context deadline exceeded' : describeError(error);
    return {
      result: 'failure',
      output: `timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: ${why}`,
    };
  } finally {
    signal.removeEventListener('abort', close);
    session.destroy();
  }
}

interface Answer {
  readonly status: string;
  readonly message: string;
  readonly body: Buffer;
}

function call(session: ClientHttp2Session, { service }: GrpcHealthTarget): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  session.on('error', reject);
  session.on('close', () => reject(new Error('connection closed')));
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: CHECK_PATH,
    'content-type': 'application/grpc',
    'user-agent': 'kube-probe/1.36',
    te: 'trailers',
  });
  const chunks: Buffer[] = [];
  let trailers: IncomingHttpHeaders = {};
  stream.on('error', reject);
  // An answer without a body carries its status in the first headers.
  stream.on('response', (headers) => {
    trailers = { ...trailers, ...headers };
  });
  stream.on('trailers', (headers) => {
    trailers = { ...trailers, ...headers };
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => {
    const status = headerText(trailers, 'grpc-status');
    resolve({ status, message: headerText(trailers, 'grpc-message'), body: Buffer.concat(chunks) });
  });
  stream.end(encodeRequest(service));
  return promise;
}

function headerText(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

/** `HealthCheckRequest { string service = 1 }`. */
function encodeRequest(service: string): Buffer {
  const text = Buffer.from(service);
  const message =
    text.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a]), varint(text.length), text]);
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) {
    bytes.push((rest & 0x7f) | 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** `HealthCheckResponse { ServingStatus status = 1 }`. */
function verdict(address: string, status: string, message: string, body: Buffer): ProbeOutcome {
  if (status === CODE_UNIMPLEMENTED || status === CODE_NOT_FOUND) {
    const what =
      status === CODE_UNIMPLEMENTED
        ? 'error: this server does not implement the grpc health protocol (grpc.health.v1.Health)'
        : 'service unhealthy (responded with "SERVICE_UNKNOWN")';
    return { result: 'failure', output: message === '' ? what : `${what}: ${message}` };
  }
  if (status !== '0') {
    return {
      result: 'failure',
      output: `error: health rpc probe failed with address "${address}": ${message}`,
    };
  }
  // An absent field is zero: UNKNOWN.
  const value = body[FRAME_HEADER_BYTES] === 0x08 ? (body[FRAME_HEADER_BYTES + 1] ?? 0) : 0;
  const serving = SERVING_STATUS[value] ?? 'UNKNOWN';
  return serving === 'SERVING'
    ? { result: 'success', output: '' }
    : { result: 'failure', output: `service unhealthy (responded with "${serving}")` };
}
