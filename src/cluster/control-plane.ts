import type { DescriptionLoader } from '#apiserver/openapi/openapi.ts';
import type { UserInfo } from '#apiserver/authn/user.ts';
import type { EncryptionAtRest } from '#apiserver/encryption/encryption-at-rest.ts';
import type { Auditor } from '#apiserver/audit/auditor.ts';
import {
  ApiServer,
  type AggregationOptions,
  type RequestLimits,
  type SecurityFactory,
} from '#apiserver/api-server.ts';
import type { Clock } from '#base/clock.ts';
import { Cidr } from '#base/ip.ts';
import { defined } from '#base/assert.ts';
import type { Logger } from '#base/log.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import type { Random } from '#base/random.ts';
import { Client } from '#client/client.ts';
import type { Transport } from '#client/transport.ts';
import type { Store } from '#store/store.ts';
import { createBootstrapObjects } from './bootstrap-objects.ts';
import { reconcileRbac } from './bootstrap-rbac.ts';
import { LoopbackTransport } from './loopback-transport.ts';

export interface ControlPlaneDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  /** Left out, everything is stored as it is. */
  readonly encryption?: EncryptionAtRest | undefined;
}

/** Stands between a component and the API server: to watch what goes on, or to disturb it. */
export type Carry = (transport: Transport, user: UserInfo) => Transport;

export interface ControlPlaneOptions {
  /** Addresses of services; upstream's kubeadm default is 10.96.0.0/12. */
  readonly serviceCidr: string;
  /** True for the store of an earlier cluster of this very version: what every cluster has is there. */
  readonly hasBootstrapObjects?: boolean;
  /** Ports of services on nodes; upstream's 30000-32767 when left out. */
  readonly nodePorts?: { readonly first: number; readonly size: number };
  /** Wraps the transport of every component. */
  readonly carry?: Carry;
  readonly aggregation?: AggregationOptions;
  readonly limits?: Partial<RequestLimits>;
  /** Left out, nothing is recorded. Closed by whoever made it. */
  readonly auditor?: Auditor | undefined;
  /** Left out, the kinds in OpenAPI documents have no descriptions. */
  readonly loadDescriptions?: DescriptionLoader;
}

export const SERVICE_CIDR_DEFAULT = '10.96.0.0/12';
/** Upstream's `--service-node-port-range`: 30000-32767. */
const NODE_PORTS = { first: 30_000, size: 2_768 };

/** The server's own identity: what it does to itself (bootstrap objects, `default/kubernetes`). */
const SELF: UserInfo = {
  name: 'system:apiserver',
  groups: ['system:masters', 'system:authenticated'],
  extra: {},
};

/** An API server with its store and the objects every cluster starts with. */
export class ControlPlane implements AsyncDisposable {
  readonly server: ApiServer;
  readonly serviceCidr: Cidr;
  /** Acts as the server itself. Components use {@link clientOf} with an identity of their own. */
  readonly client: Client;
  readonly #store: Store;
  readonly #carry: Carry;

  private constructor(server: ApiServer, store: Store, serviceCidr: Cidr, carry: Carry) {
    this.server = server;
    this.#store = store;
    this.#carry = carry;
    this.serviceCidr = serviceCidr;
    this.client = this.clientOf(SELF, 'kube-apiserver');
  }

  static async start(
    deps: ControlPlaneDeps,
    options: ControlPlaneOptions,
    secure: SecurityFactory,
  ): Promise<ControlPlane> {
    const serviceCidr = defined(Cidr.parse(options.serviceCidr), 'a service CIDR');
    const { nodePorts = NODE_PORTS, aggregation, limits, auditor, loadDescriptions } = options;
    const server = new ApiServer(
      { ...deps, serviceCidr, nodePorts, aggregation, limits, auditor, loadDescriptions },
      secure,
    );
    const plane = new ControlPlane(
      server,
      deps.store,
      serviceCidr,
      options.carry ?? ((transport) => transport),
    );
    await server.start();
    if (options.hasBootstrapObjects !== true) {
      await createBootstrapObjects(plane.client);
      await reconcileRbac(plane.client);
    }
    return plane;
  }

  /** A transport within this process for an identity; `userAgent` names the component. */
  transportOf(user: UserInfo, userAgent: string): Transport {
    return this.#carry(new LoopbackTransport(this.server.local, user, userAgent), user);
  }

  clientOf(user: UserInfo, userAgent: string): Client {
    return new Client(this.transportOf(user, userAgent), userAgent);
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.#store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
