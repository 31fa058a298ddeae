import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { familyOfIp } from '#base/ip.ts';

/** Another name server. */
export interface UpstreamAddress {
  readonly ip: string;
  readonly port: number;
}

/** Carries one query to one server. */
export interface UpstreamTransport {
  /**
   * Returns the server's answer, which carries the query's id.
   *
   * @throws {UpstreamError} no answer within the time, or none at all
   */
  exchange(server: UpstreamAddress, query: Buffer, protocol: 'udp' | 'tcp'): Promise<Buffer>;
}

export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly code = 'dns/upstream';
}

/** Long enough for a distant server, short enough to try the next before a client gives up (5 s usually). */
const TIMEOUT_MS = 2_000;

/** A socket per query, so that the kernel draws a new source port each time and a forger has to guess it. */
export class SocketUpstream implements UpstreamTransport {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  exchange(server: UpstreamAddress, query: Buffer, protocol: 'udp' | 'tcp'): Promise<Buffer> {
    return protocol === 'udp' ? this.#udp(server, query) : this.#tcp(server, query);
  }

  #udp({ ip, port }: UpstreamAddress, query: Buffer): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const socket = createSocket(familyOfIp(ip) === 6 ? 'udp6' : 'udp4');
    const timer = this.#clock.schedule(TIMEOUT_MS, () => reject(new UpstreamError(`${ip} does not answer`)));
    socket.on('error', (cause) => reject(new UpstreamError(`ask ${ip}`, { cause })));
    socket.on('message', (answer) => {
      // A forged or late answer is not the end of the wait for the right one.
      if (answer.length >= 2 && answer.readUInt16BE(0) === query.readUInt16BE(0)) {
        resolve(answer);
      }
    });
    // Connected, so that the kernel drops what does not come from that server.
    socket.connect(port, ip, () => socket.send(query));
    return promise.finally(() => {
      timer.cancel();
      socket.close();
    });
  }

  #tcp({ ip, port }: UpstreamAddress, query: Buffer): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const socket = connect({ host: ip, port });
    const timer = this.#clock.schedule(TIMEOUT_MS, () => reject(new UpstreamError(`${ip} does not answer`)));
    let received: Buffer = Buffer.alloc(0);
    socket.on('error', (cause) => reject(new UpstreamError(`ask ${ip}`, { cause })));
    socket.on('close', () => reject(new UpstreamError(`${ip} hung up`)));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const size = received.length >= 2 ? received.readUInt16BE(0) : undefined;
      if (size !== undefined && received.length >= 2 + size) {
        resolve(received.subarray(2, 2 + size));
      }
    });
    socket.write(framed(query));
    return promise.finally(() => {
      timer.cancel();
      socket.destroy();
    });
  }
}

/** A message as it travels over TCP: its length in two bytes first. */
export function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(2 + message.length);
  frame.writeUInt16BE(message.length, 0);
  message.copy(frame, 2);
  return frame;
}

/**
 * The name servers a host uses, as its `resolv.conf` lists them.
 *
 * @param ownIps addresses of this server, which are left out: a query would go round for ever
 */
export function nameserversOf(resolvConf: string, ownIps: readonly string[]): readonly UpstreamAddress[] {
  return resolvConf
    .split('\n')
    .flatMap((line) => /^\s*nameserver\s+([^\s#;]+)/.exec(line)?.[1] ?? [])
    .filter((ip) => familyOfIp(ip) !== undefined && !ownIps.includes(ip))
    .map((ip) => ({ ip, port: 53 }));
}
