import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { familyOfIp } from '#base/ip.ts';
import type { Logger } from '#base/log.ts';
import { Counter, type MetricsRegistry } from '#base/metrics.ts';
import type { Random } from '#base/random.ts';
import { TaskGroup } from '#base/task-group.ts';
import type { Informers } from '#client/lister.ts';
import { answer, rcodeName, type AnswerDeps } from './answer.ts';
import { InformerRecords } from './cluster-records.ts';
import { parseQuery } from './dns-query.ts';
import { RECORD_TYPES } from './dns-record.ts';
import { Forwarder } from './forwarder.ts';
import { framed, SocketUpstream, type UpstreamAddress, type UpstreamTransport } from './upstream.ts';

export interface DnsServerOptions {
  /**
   * Where to listen, each over UDP and TCP. Never the wildcard behind a packet filter that rewrites addresses: the
   * reply would leave from another address than the query came to, and be lost.
   */
  readonly addresses: readonly string[];
  /** 53; 0 picks one that is free on the first address. */
  readonly port?: number;
  /** `cluster.local` when left out. */
  readonly zone?: string;
  /** The cluster IP of the DNS service, told as the address of the zone's name server. */
  readonly serviceIps?: readonly string[];
  /** Other name servers for all names outside the zone (see `nameserversOf`). */
  readonly upstreams: readonly UpstreamAddress[];
}

export interface DnsServerDeps {
  /** Not started yet: the server adds indexes. */
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  /** Left out: sockets. */
  readonly upstream?: UpstreamTransport;
}

/** kubeadm's setting; CoreDNS's own default is 5. */
const TTL_SECONDS = 30;

const TCP_CONNECTIONS_MAX = 1_000;

/** A connection without a complete query for this long is closed. */
const TCP_IDLE_MS = 10_000;

/** Queries of one connection that wait for their answers; further ones are left in the socket. */
const TCP_PENDING_MAX = 64;

/** The cluster's name server. */
export class DnsServer {
  readonly #deps: DnsServerDeps;
  readonly #options: DnsServerOptions;
  readonly #answering: AnswerDeps;
  readonly #tasks: TaskGroup;
  readonly #udp: UdpSocket[] = [];
  readonly #tcp: Server[] = [];
  readonly #connections = new Set<Socket>();
  readonly #requests: Counter;
  readonly #responses: Counter;
  #port = 0;
  #isReady = false;

  constructor(deps: DnsServerDeps, options: DnsServerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#tasks = TaskGroup.logging(deps.log);
    const zone = (options.zone ?? 'cluster.local').toLowerCase();
    const serverIps = options.serviceIps ?? options.addresses;
    this.#answering = {
      records: new InformerRecords(deps.informers),
      forwarder: new Forwarder({
        transport: deps.upstream ?? new SocketUpstream(deps.clock),
        servers: options.upstreams,
        clock: deps.clock,
        random: deps.random,
      }),
      isReady: () => this.#isReady,
      zoneOptions: () => ({
        zone,
        ttl: TTL_SECONDS,
        serverIps,
        serial: Math.floor(deps.clock.nowMs() / 1000),
      }),
    };
    this.#requests = deps.metrics.register(
      new Counter({ name: 'coredns_dns_requests_total', help: 'Queries', labels: ['proto', 'type'] }),
    );
    this.#responses = deps.metrics.register(
      new Counter({ name: 'coredns_dns_responses_total', help: 'Answers', labels: ['proto', 'rcode'] }),
    );
  }

  /** The port in use, once {@link start} has returned. */
  get port(): number {
    return this.#port;
  }

  /**
   * Listens. Until the informers have synced, names of the zone are answered SERVFAIL, never "missing".
   *
   * @throws {Error} an address is taken or not this host's
   */
  async start(): Promise<void> {
    this.#port = this.#options.port ?? 53;
    for (const address of this.#options.addresses) {
      await this.#listenTcp(address);
      await this.#listenUdp(address);
    }
    this.#tasks.spawn('wait for the first lists', async (signal) => {
      await this.#deps.informers.whenSynced(signal);
      this.#isReady = true;
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#udp) {
      socket.close();
    }
    const closed = this.#tcp.map((server) => new Promise((resolve) => server.close(resolve)));
    for (const connection of this.#connections) {
      connection.destroy();
    }
    await Promise.all(closed);
    await this.#tasks.close();
  }

  async #listenUdp(address: string): Promise<void> {
    const socket = createSocket({
      type: familyOfIp(address) === 6 ? 'udp6' : 'udp4',
      ipv6Only: familyOfIp(address) === 6,
    });
    socket.on('message', (bytes, peer) => {
      const reply = (message: Buffer): void => {
        // A client that is gone, or a socket that closes, is none of our trouble.
        socket.send(message, peer.port, peer.address, () => undefined);
      };
      this.#answer(bytes, 'udp', reply);
    });
    socket.bind(this.#port, address);
    await once(socket, 'listening');
    socket.on('error', (error) => this.#deps.log.warn('DNS socket', { address, error }));
    this.#udp.push(socket);
  }

  async #listenTcp(address: string): Promise<void> {
    const server = createServer({ noDelay: true }, (connection) => this.#serveConnection(connection));
    server.maxConnections = TCP_CONNECTIONS_MAX;
    server.listen({ host: address, port: this.#port, ipv6Only: true });
    await once(server, 'listening');
    const bound = server.address();
    // UDP has to use the port that the first TCP listener was given.
    this.#port = typeof bound === 'object' && bound !== null ? bound.port : this.#port;
    this.#tcp.push(server);
  }

  #serveConnection(connection: Socket): void {
    this.#connections.add(connection);
    let idle = this.#deps.clock.schedule(TCP_IDLE_MS, () => connection.destroy());
    let received: Buffer = Buffer.alloc(0);
    let pending = 0;
    const takeQueries = (): void => {
      while (pending < TCP_PENDING_MAX && received.length >= 2) {
        const end = 2 + received.readUInt16BE(0);
        if (received.length < end) {
          break;
        }
        const bytes = received.subarray(2, end);
        received = received.subarray(end);
        pending += 1;
        idle.cancel();
        idle = this.#deps.clock.schedule(TCP_IDLE_MS, () => connection.destroy());
        const isQuery = this.#answer(bytes, 'tcp', (message) => {
          pending -= 1;
          connection.write(framed(message));
          takeQueries();
        });
        if (!isQuery) {
          connection.destroy();
          return;
        }
      }
      if (pending >= TCP_PENDING_MAX) {
        connection.pause();
      } else {
        connection.resume();
      }
    };
    connection.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      takeQueries();
    });
    // The close event follows, and is all that matters.
    connection.on('error', () => undefined);
    connection.on('close', () => {
      idle.cancel();
      this.#connections.delete(connection);
    });
  }

  /** Calls `reply` once, now or later; false for what is no query, which gets no answer. */
  #answer(bytes: Buffer, protocol: 'udp' | 'tcp', reply: (message: Buffer) => void): boolean {
    const query = parseQuery(bytes);
    if (query === undefined) {
      return false;
    }
    this.#requests.inc([protocol, TYPE_NAMES.get(query.question.type) ?? 'other']);
    const send = (message: Buffer): void => {
      this.#responses.inc([protocol, rcodeName(message)]);
      reply(message);
    };
    const answered = answer(this.#answering, bytes, query, protocol);
    if (answered instanceof Promise) {
      this.#tasks.spawn('forward a query', async () => send(await answered));
    } else {
      send(answered);
    }
    return true;
  }
}

const TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(RECORD_TYPES).map(([name, number]) => [number, name]),
);
