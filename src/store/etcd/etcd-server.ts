import { once } from 'node:events';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type {
  MethodDefinition,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedHandleCall,
  sendUnaryData,
} from '@grpc/grpc-js';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { TaskGroup } from '#base/task-group.ts';
import { EtcdFront, type EtcdServerTls } from './etcd-front.ts';
import { KvService } from './kv-service.ts';
import { LeaseService } from './lease-service.ts';
import {
  ALARM,
  COMPACT,
  DEFRAGMENT,
  DELETE_RANGE,
  LEASE_GRANT,
  LEASE_KEEP_ALIVE,
  LEASE_LEASES,
  LEASE_REVOKE,
  LEASE_TIME_TO_LIVE,
  MEMBER_LIST,
  PUT,
  RANGE,
  SNAPSHOT,
  STATUS,
  TXN,
  WATCH,
} from './methods.ts';
import { refusalOf } from './server-status.ts';
import { SNAPSHOT_RESPONSE, STATUS_RESPONSE } from './messages.ts';
import { snapshotOf } from './snapshot.ts';
import { WatchSession } from './watch-session.ts';
import type { Revision } from '../store.ts';
import type { TransactionalStore } from '../transactional-store.ts';
import type { MessageOf } from './message.ts';
import type { ResponseHeader, WatchRequest, WatchResponse } from './messages.ts';
import type { Method } from './methods.ts';

/** The version whose behaviour is offered; clients look for features by it. */
const VERSION = '3.5.21';

/** One cluster of one member, which always leads. Any numbers but zero will do. */
const CLUSTER_ID = 0xc0_7a_c1_e0n;
const MEMBER_ID = 0xc0_7a_c1_e1n;
const RAFT_TERM = 1n;

/** As etcd's default: a request may have a little more than the 1.5 MiB a value may have. */
const REQUEST_BYTES_MAX = 2 * 1024 * 1024;

export type { EtcdServerTls } from './etcd-front.ts';

export interface EtcdServerDeps {
  readonly store: TransactionalStore;
  readonly clock: Clock;
  readonly log: Logger;
}

type Unary<Request, Response> = (request: Request) => Promise<Response>;

/** A store's etcd face: the v3 gRPC API as far as etcdctl and upstream's API server use it. */
export class EtcdServer implements AsyncDisposable {
  readonly #deps: EtcdServerDeps;
  readonly #tasks: TaskGroup;
  readonly #server = new Server({
    'grpc.max_receive_message_length': REQUEST_BYTES_MAX,
    'grpc.max_send_message_length': -1,
  });
  readonly #injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
  readonly #front: EtcdFront;
  #clientUrls: string[] = [];

  constructor(deps: EtcdServerDeps) {
    this.#deps = deps;
    this.#tasks = TaskGroup.logging(deps.log);
    this.#front = new EtcdFront({
      serveGrpc: (socket) => this.#injector.injectConnection(socket),
      serveHttp: (path) => this.#serveHttp(path),
    });
    const header = (): Promise<ResponseHeader> => this.#header();
    const kv = new KvService(deps.store, header);
    const lease = new LeaseService(deps.store, deps.clock, header);
    this.#serve(RANGE, (request) => kv.range(request));
    this.#serve(PUT, (request) => kv.put(request));
    this.#serve(DELETE_RANGE, (request) => kv.deleteRange(request));
    this.#serve(TXN, (request) => kv.txn(request));
    this.#serve(COMPACT, (request) => kv.compact(request));
    this.#serve(LEASE_GRANT, (request) => lease.grant(request));
    this.#serve(LEASE_REVOKE, (request) => lease.revoke(request));
    this.#serve(LEASE_TIME_TO_LIVE, (request) => lease.timeToLive(request));
    this.#serve(LEASE_LEASES, () => lease.list());
    this.#serve(MEMBER_LIST, () => this.#members());
    this.#serve(STATUS, () => this.#status());
    this.#serve(ALARM, async () => ({ header: await header() }));
    // LMDB gives space back to itself; there is nothing to do.
    this.#serve(DEFRAGMENT, async () => ({ header: await header() }));
    this.#serveStreams(lease);
  }

  /**
   * Listens on one more address and returns its port.
   *
   * @throws {Error} the address is taken
   */
  async listen(host: string, port: number, tls?: EtcdServerTls): Promise<number> {
    const address = host.includes(':') ? `[${host}]` : host;
    const bound = await this.#front.listen(host, port, tls);
    this.#clientUrls.push(`${tls === undefined ? 'http' : 'https'}://${address}:${bound}`);
    return bound;
  }

  /** Ends every stream. The store is its owner's to close. */
  async close(): Promise<void> {
    this.#injector.destroy();
    this.#server.forceShutdown();
    await this.#front.close();
    await this.#tasks.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What etcd answers beside gRPC: whether it is well, and its version. */
  async #serveHttp(path: string): Promise<string | undefined> {
    switch (path) {
      case '/health':
        await this.#deps.store.currentRevision();
        return '{"health":"true","reason":""}';
      case '/livez':
      case '/readyz':
        await this.#deps.store.currentRevision();
        return 'ok\n';
      case '/version':
        return JSON.stringify({ etcdserver: VERSION, etcdcluster: '3.5.0' });
      default:
        return undefined;
    }
  }

  async #header(): Promise<ResponseHeader> {
    return headerAt(await this.#deps.store.currentRevision());
  }

  async #members(): Promise<MessageOf<(typeof MEMBER_LIST)['response']>> {
    const member = { id: MEMBER_ID, name: 'coracle', peerUrls: [], isLearner: false };
    return { header: await this.#header(), members: [{ ...member, clientUrls: this.#clientUrls }] };
  }

  async #status(): Promise<MessageOf<typeof STATUS_RESPONSE>> {
    const { revision, sizeBytes } = await this.#deps.store.status();
    return STATUS_RESPONSE.of({
      header: headerAt(revision),
      version: VERSION,
      dbSize: sizeBytes,
      dbSizeInUse: sizeBytes,
      leader: MEMBER_ID,
      raftIndex: BigInt(revision),
      raftAppliedIndex: BigInt(revision),
      raftTerm: RAFT_TERM,
    });
  }

  #serveStreams(lease: LeaseService): void {
    const { store, clock } = this.#deps;
    this.#add(WATCH, { requestStream: true, responseStream: true }, (call: Duplex<typeof WATCH>) =>
      this.#tasks.spawn('watch', async (signal) => {
        // On close the connections are gone too, which ends the session.
        if (!signal.aborted) {
          await new WatchSession({ store, clock, header: headerAt }, call as WatchCall).run();
        }
      }),
    );
    this.#add(
      LEASE_KEEP_ALIVE,
      { requestStream: true, responseStream: true },
      (call: Duplex<typeof LEASE_KEEP_ALIVE>) =>
        this.#tasks.spawn('keep alive', () => keepAlive(lease, call)),
    );
    this.#add(SNAPSHOT, { requestStream: false, responseStream: true }, (call: Outgoing<typeof SNAPSHOT>) =>
      this.#tasks.spawn('snapshot', () => this.#snapshot(call)),
    );
  }

  async #snapshot(call: Outgoing<typeof SNAPSHOT>): Promise<void> {
    const header = await this.#header();
    try {
      for await (const blob of snapshotOf(this.#deps.store)) {
        if (call.cancelled) {
          return;
        }
        if (!call.write(SNAPSHOT_RESPONSE.of({ header, blob, version: VERSION }))) {
          await Promise.race([once(call, 'drain'), once(call, 'cancelled')]);
        }
      }
      call.end();
    } catch (error) {
      call.emit('error', refusalOf(error));
    }
  }

  #serve<Request extends object, Response extends object>(
    method: Method<Request, Response>,
    answer: Unary<Request, Response>,
  ): void {
    this.#add(
      method,
      { requestStream: false, responseStream: false },
      (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>) =>
        void answer(call.request).then(
          (response) => done(null, response),
          (error: unknown) => done(refusalOf(error)),
        ),
    );
  }

  #add<Request extends object, Response extends object>(
    { path, request, response }: Method<Request, Response>,
    streams: Pick<MethodDefinition<Request, Response>, 'requestStream' | 'responseStream'>,
    handler: UntypedHandleCall,
  ): void {
    const definition: MethodDefinition<Request, Response> = {
      path,
      ...streams,
      requestSerialize: (message) => request.encode(message),
      requestDeserialize: (bytes) => request.decode(bytes),
      responseSerialize: (message) => response.encode(message),
      responseDeserialize: (bytes) => response.decode(bytes),
    };
    this.#server.addService({ call: definition }, { call: handler });
  }
}

type Duplex<M> =
  M extends Method<infer Request, infer Response> ? ServerDuplexStream<Request, Response> : never;
type Outgoing<M> =
  M extends Method<infer Request, infer Response> ? ServerWritableStream<Request, Response> : never;
type WatchCall = ServerDuplexStream<WatchRequest, Partial<WatchResponse>>;

function headerAt(revision: Revision): ResponseHeader {
  return { clusterId: CLUSTER_ID, memberId: MEMBER_ID, revision, raftTerm: RAFT_TERM };
}

async function keepAlive(lease: LeaseService, call: Duplex<typeof LEASE_KEEP_ALIVE>): Promise<void> {
  try {
    for await (const request of call) {
      // Typed by grpc-js as anything at all. Answers are few: no more than the client asks for.
      call.write(await lease.keepAlive(request as { readonly id: number }));
    }
    call.end();
  } catch (error) {
    if (!call.cancelled) {
      call.emit('error', refusalOf(error));
    }
  }
}
