import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Service } from '#api/types/core.v1.ts';
import { RESOURCES, isServedByDefault, type ResourceInfo } from '#api/resource-table.ts';
import {
  APISERVICE,
  CUSTOM_RESOURCE_DEFINITION,
  SERVICE,
  VALIDATING_ADMISSION_POLICY,
} from '#api/types/resources.ts';
import { defined } from '#base/assert.ts';
import type { Clock } from '#base/clock.ts';
import type { Cidr } from '#base/ip.ts';
import type { Logger } from '#base/log.ts';
import { Gauge, type MetricsRegistry } from '#base/metrics.ts';
import { onNextTurn } from '#base/next-turn.ts';
import type { Random } from '#base/random.ts';
import { TaskGroup } from '#base/task-group.ts';
import type { Store } from '#store/store.ts';
import { AdmissionChain } from './admission/admission-chain.ts';
import type { AdmissionPlugin } from './admission/admission.ts';
import { PolicyStatusController } from './admission/policies/policy-status-controller.ts';
import type { ServiceResolver } from './admission/webhooks/service-resolver.ts';
import { aggregatedResources, type AggregatedResources } from './aggregation/aggregated-resources.ts';
import { ApiAggregator } from './aggregation/api-aggregator.ts';
import { AutoRegistration } from './aggregation/auto-registration.ts';
import type { Auditor } from './audit/auditor.ts';
import { LoopbackAudit } from './audit/loopback-audit.ts';
import { Impersonation } from './authn/impersonation.ts';
import type { Authenticator } from './authn/user.ts';
import type { Authorizer } from './authz/authorizer.ts';
import { Compactor } from './compactor.ts';
import type { EncryptionAtRest } from './encryption/encryption-at-rest.ts';
import { DefinitionController } from './crd/definition-controller.ts';
import type { ApiCall, ApiResult } from './endpoints/api-call.ts';
import { ApiHandler, type VirtualHandler } from './endpoints/api-handler.ts';
import { HealthChecks } from './endpoints/health.ts';
import { NodeDirectory } from './endpoints/node-directory.ts';
import { createNonResource } from './endpoints/non-resource.ts';
import { upgradePodStream } from './endpoints/subresources/pod-connect.ts';
import { isProxyCall, upgradeProxy } from './endpoints/subresources/proxy.ts';
import { ConfigKeeper } from './flow-control/config-keeper.ts';
import { FlowController, QUEUE_WAIT_PART } from './flow-control/flow-controller.ts';
import { IN_FLIGHT_DEFAULT, MaxInFlight, type InFlightLimits } from './flow-control/max-in-flight.ts';
import type { RequestLimiter } from './flow-control/request-limiter.ts';
import { ResourceSizes } from './flow-control/resource-sizes.ts';
import { HttpServer, type Disturb } from './http/http-server.ts';
import type { ObjectReader } from './object-reader.ts';
import { OpenApi, type DescriptionLoader } from './openapi/openapi.ts';
import { Registry } from './registry/registry.ts';
import { ServiceAllocators } from './registry/kinds/services.ts';
import { RequestMetrics } from './request-metrics.ts';

export interface ApiServerDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly serviceCidr: Cidr;
  readonly nodePorts: { readonly first: number; readonly size: number };
  readonly aggregation?: AggregationOptions | undefined;
  /** Left out, everything is stored as it is. */
  readonly encryption?: EncryptionAtRest | undefined;
  /** Left out, nothing is recorded. Closed by its owner, after the server. */
  readonly auditor?: Auditor | undefined;
  /** Upstream's defaults when left out. */
  readonly limits?: Partial<RequestLimits> | undefined;
  /** Texts for the kinds in OpenAPI documents; left out, there are none. */
  readonly loadDescriptions?: DescriptionLoader | undefined;
}

/** How much is served at a time, and for how long. */
export interface RequestLimits {
  /** Whether FlowSchemas and PriorityLevelConfigurations decide; else two counters do. */
  readonly priorityAndFairness: boolean;
  readonly inFlight: InFlightLimits;
  readonly requestTimeoutMs: number;
}

/** Some ten reads, or a few writes. */
const TURN_MS = 1;

const LIMITS_DEFAULT: RequestLimits = {
  priorityAndFairness: true,
  inFlight: IN_FLIGHT_DEFAULT,
  requestTimeoutMs: 60_000,
};

export interface AggregationOptions {
  /** The certificate by which this server shows itself to extension servers. */
  readonly frontProxyClient?: { readonly certificatePem: string; readonly keyPem: string };
  /** Finds extension servers; by the endpoints of their Services when left out. */
  readonly services?: ServiceResolver;
  /** Keep an APIService for each group and version this server answers itself. */
  readonly registersLocal: boolean;
}

/** The parts that read the cluster's own state; built on the server's mirrors. */
export interface ApiServerSecurity {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly admission: readonly AdmissionPlugin[];
  readonly virtual: ReadonlyMap<string, VirtualHandler>;
  /** Paths such as `/openid/v1/jwks`. */
  readonly paths: ReadonlyMap<string, (serverAddress: string) => ApiResult>;
}

/** Builds what decides about requests on top of the registry it reads from; called once, before the server starts. */
export type SecurityFactory = (
  reader: ObjectReader,
  registry: Registry,
  tools: Pick<ApiServerDeps, 'log' | 'metrics'>,
) => ApiServerSecurity;

/** One API server over one store. `start` before anything is asked of it. */
export class ApiServer implements AsyncDisposable {
  readonly handler: ApiHandler;
  /** Serves components in this process: what they do is recorded too, where anything is. */
  readonly local: Pick<ApiHandler, 'handle'>;
  readonly registry: Registry;
  readonly health = new HealthChecks();
  /** Nodes that can be reached for logs and streams register here. */
  readonly nodes = new NodeDirectory();
  readonly #deps: ApiServerDeps;
  readonly #security: ApiServerSecurity;
  readonly #virtual: Map<string, VirtualHandler>;
  /** Virtual resources that discovery lists. */
  readonly #shown: ResourceInfo[] = [];
  readonly #tasks: TaskGroup;
  readonly #allocators: ServiceAllocators;
  readonly #requestMetrics: RequestMetrics;
  readonly #aggregator: ApiAggregator;
  readonly #limits: RequestLimits;
  #limiter: RequestLimiter | undefined;
  #http: HttpServer | undefined;
  #address = '';
  #isStarted = false;

  constructor(deps: ApiServerDeps, secure: SecurityFactory) {
    this.#deps = deps;
    this.#limits = { ...LIMITS_DEFAULT, ...deps.limits };
    this.#tasks = TaskGroup.logging(deps.log);
    this.#allocators = new ServiceAllocators({
      cidr: deps.serviceCidr,
      portRange: deps.nodePorts,
      random: deps.random,
    });
    this.#requestMetrics = new RequestMetrics(deps.metrics);
    let plugins = new AdmissionChain([]);
    // Admission reads what the registry mirrors, and the registry's writes go through admission.
    const admission: Pick<AdmissionChain, 'handles' | 'admit' | 'validate'> = {
      handles: (operation, resource, subresource) => plugins.handles(operation, resource, subresource),
      admit: (attributes) => plugins.admit(attributes),
      validate: (attributes) => plugins.validate(attributes),
    };
    this.registry = new Registry(
      { ...deps, admission },
      {
        allocators: this.#allocators,
        services: deps.aggregation?.services,
      },
    );
    this.#security = secure(this.registry.mirrors, this.registry, deps);
    this.#virtual = new Map(this.#security.virtual);
    plugins = new AdmissionChain(this.#security.admission);
    this.#aggregator = this.#createAggregator();
    this.handler = this.#createHandler();
    const { auditor, clock, random } = deps;
    this.local =
      auditor === undefined
        ? this.handler
        : new LoopbackAudit((call) => this.handler.handle(call), { auditor, clock, random });
    this.#addHealthChecks();
  }

  /** Reads what has to be in memory, and starts to follow it. */
  async start(): Promise<void> {
    await this.registry.mirrors.start(this.#tasks);
    this.#tasks.spawn('custom resource definitions', (signal) => this.#definitions().run(signal));
    this.#tasks.spawn('type checking of policies', (signal) => this.#policies().run(signal));
    this.#aggregator.start();
    this.#registerLocal();
    const services = this.registry.storage(SERVICE);
    if (services !== undefined) {
      const { items } = await services.deps.store.list(services.prefix);
      for (const entry of items) {
        // Every object in the storage of services is a service.
        this.#allocators.adopt(services.view(entry).object as unknown as Service);
      }
    }
    this.#tasks.spawn('compaction', (signal) => new Compactor(this.#deps).run(signal));
    this.#isStarted = true;
  }

  /**
   * Opens the HTTPS port and returns its number.
   *
   * @throws {Error} `EADDRINUSE` when the port is taken
   */
  async listen(options: {
    host: string;
    port: number;
    cert: string;
    key: string;
    clientCa: string;
    advertise: string;
    disturb?: Disturb;
    /** For how long requests wait and take; the server's own when left out. Real where that is virtual and clients are not. */
    trafficClock?: Clock;
  }): Promise<number> {
    const { authenticator, authorizer } = this.#security;
    const trafficClock = options.trafficClock ?? this.#deps.clock;
    const limiter = this.#createLimiter(trafficClock);
    this.#limiter = limiter;
    this.#http = new HttpServer(
      {
        handler: this.handler,
        authenticator,
        impersonation: new Impersonation(authorizer),
        upgrade: (call, connection) => this.#upgrade(call, connection),
        limiter,
        auditor: this.#deps.auditor,
        disturb: options.disturb,
        requestTimeoutMs: this.#limits.requestTimeoutMs,
        metrics: this.#requestMetrics,
        clock: this.#deps.clock,
        trafficClock,
        random: this.#deps.random,
        log: this.#deps.log,
      },
      options,
    );
    const port = await this.#http.listen(options.host, options.port);
    this.#address = `${options.advertise}:${port}`;
    return port;
  }

  /**
   * Serves a resource that stores nothing, by `group/resource`: what another component in this process answers.
   *
   * @param shown how discovery lists it; left out, it does not
   */
  serveVirtual(path: string, handler: VirtualHandler, shown?: ResourceInfo): void {
    this.#virtual.set(path, handler);
    if (shown !== undefined) {
      this.#shown.push(shown);
    }
  }

  /** What extension servers have. */
  get aggregated(): AggregatedResources {
    return aggregatedResources(this.#aggregator.versions());
  }

  /** Stops serving; the store is the caller's to close. */
  async close(): Promise<void> {
    this.#isStarted = false;
    await this.#http?.close();
    this.#limiter?.close();
    this.#security.admission.forEach((plugin) => plugin.close?.());
    this.registry.custom[Symbol.dispose]();
    await this.#tasks.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #upgrade(
    call: ApiCall,
    connection: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  ): Promise<void> {
    await this.handler.askOthers(call);
    this.handler.authorize(call);
    const remote = this.#aggregator.find(call.info);
    if (remote !== undefined) {
      await this.#aggregator.upgrade(remote, call, connection);
      return;
    }
    if (isProxyCall(call)) {
      await upgradeProxy(this.handler.proxy, await this.handler.admitConnection(call), connection);
      return;
    }
    // A WebSocket comes as a GET, but running a command is no reading.
    const creation = { ...call, info: { ...call.info, verb: 'create' } };
    await this.handler.askOthers(creation);
    this.handler.authorize(creation);
    await upgradePodStream(this.handler.podConnect, await this.handler.admitConnection(call), connection);
  }

  /** Components in this process are not limited: their own workers are all there is of them. */
  #createLimiter(trafficClock: Clock): RequestLimiter {
    const { inFlight, priorityAndFairness, requestTimeoutMs } = this.#limits;
    if (!priorityAndFairness) {
      return new MaxInFlight(inFlight);
    }
    const { clock, log, metrics, store } = this.#deps;
    const sizes = new ResourceSizes({ registry: this.registry, store, clock, tasks: this.#tasks });
    const controller = new FlowController(
      {
        reader: this.registry.mirrors,
        clock: trafficClock,
        metrics,
        stats: (info) => sizes.statsOf(info),
        onNextTurn,
      },
      {
        serverSeats: inFlight.reading + inFlight.mutating,
        queueWaitMs: requestTimeoutMs * QUEUE_WAIT_PART,
        turnMs: TURN_MS,
      },
    );
    const keeper = new ConfigKeeper({
      handle: (call) => this.local.handle(call),
      reader: this.registry.mirrors,
      isDangling: (schema) => controller.isDangling(schema),
      clock,
      log,
    });
    this.#tasks.spawn('objects of flow control', (signal) => keeper.run(signal));
    this.health.add('poststarthook/priority-and-fairness-config-producer', () => keeper.isEnsured);
    return controller;
  }

  #createAggregator(): ApiAggregator {
    const { clock, random, log, metrics, aggregation } = this.#deps;
    return new ApiAggregator({
      registry: this.registry,
      clock,
      random,
      log,
      metrics,
      tasks: this.#tasks,
      services: aggregation?.services,
      credential: aggregation?.frontProxyClient,
    });
  }

  #registerLocal(): void {
    const { clock, log, aggregation } = this.#deps;
    if (aggregation?.registersLocal === true) {
      const storage = defined(this.registry.storage(APISERVICE), 'storage of APIServices');
      const registration = new AutoRegistration({ storage, reader: this.registry.mirrors, clock, log });
      this.#tasks.spawn('registration of local APIs', (signal) => registration.run(signal));
      this.health.add('autoregister-completion', () => registration.isComplete);
    }
  }

  #createHandler(): ApiHandler {
    const builtIn = RESOURCES.filter(isServedByDefault);
    const { custom } = this.registry;
    const stored = { resources: () => [...builtIn, ...custom.resources()] };
    const discovery = {
      // What another server answers in their place shows its own.
      resources: () => [
        ...stored.resources(),
        ...this.#shown.filter((info) => !this.#aggregator.isRemote(info)),
      ],
    };
    const openapi = new OpenApi(
      { ...stored, schemaOf: (info) => custom.schemaOf(info) },
      this.#deps.loadDescriptions ?? (() => Promise.resolve({})),
    );
    custom.onChange(() => openapi.reset());
    const nonResource = createNonResource({
      discovery,
      aggregator: this.#aggregator,
      health: this.health,
      metrics: this.#deps.metrics,
      openapi: (path) => openapi.serve(path),
      serverAddress: () => this.#address,
      extra: this.#security.paths,
    });
    const { authorizer } = this.#security;
    return new ApiHandler({
      registry: this.registry,
      authorizer,
      nodes: this.nodes,
      clock: this.#deps.clock,
      random: this.#deps.random,
      virtual: this.#virtual,
      aggregator: this.#aggregator,
      nonResource,
    });
  }

  #policies(): PolicyStatusController {
    const { clock, log } = this.#deps;
    return new PolicyStatusController({
      policies: defined(this.registry.storage(VALIDATING_ADMISSION_POLICY), 'storage of policies'),
      reader: this.registry.mirrors,
      kinds: async () => (await import('./registry/kind-schemas.ts')).kindSchemas(this.registry),
      clock,
      log,
    });
  }

  #definitions(): DefinitionController {
    const { clock, log } = this.#deps;
    const { custom, mirrors: reader } = this.registry;
    const definitions = defined(this.registry.storage(CUSTOM_RESOURCE_DEFINITION), 'storage of definitions');
    return new DefinitionController({ definitions, custom, reader, clock, log });
  }

  #addHealthChecks(): void {
    const { store, metrics, encryption } = this.#deps;
    if (encryption?.hasPlugins === true) {
      this.health.add('kms-providers', () => encryption.isHealthy());
    }
    this.health.add('ping', () => true);
    this.health.add('log', () => true);
    this.health.add('etcd', async () => (await store.currentRevision()) > 0);
    this.health.add('poststarthook/start-mirrors', () => this.#isStarted);
    this.health.add('informer-sync', () => this.#isStarted, true);
    this.health.add('shutdown', () => this.#isStarted, true);
    metrics.register(
      new Gauge({ name: 'process_resident_memory_bytes', help: 'Resident memory size in bytes.' }, () =>
        process.memoryUsage.rss(),
      ),
    );
  }
}
