import { connect } from 'node:net';
import { checkGrpcHealth } from './grpc-health.ts';
import { httpGet, type HttpAnswer, type HttpGet } from './http-get.ts';

/** How the node's agent reaches what its containers serve. */
export interface NodeNetwork {
  /** One GET as probes and hooks do it. Errors have the codes of sockets: `ECONNREFUSED` and the like. */
  httpGet(target: HttpGet, signal: AbortSignal): Promise<HttpAnswer>;
  /** Resolves when a TCP connection was accepted; it is closed again. */
  connect(host: string, port: number, signal: AbortSignal): Promise<void>;
  readonly checkGrpcHealth: typeof checkGrpcHealth;
}

/** This machine's. */
export const SYSTEM_NETWORK: NodeNetwork = {
  httpGet,
  connect: (host, port, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect({ host, port, signal });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
    return promise;
  },
  checkGrpcHealth,
};
