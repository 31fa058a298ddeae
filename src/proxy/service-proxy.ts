import type { Service } from '#api/types/core.v1.ts';
import type { EndpointSlice } from '#api/types/discovery.v1.ts';
import { objectKey } from '#api/object.ts';
import { ENDPOINT_SLICE, NODE, SERVICE } from '#api/types/resources.ts';
import type { Clock } from '#base/clock.ts';
import { familyOfIp } from '#base/ip.ts';
import type { Logger } from '#base/log.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import { TaskGroup } from '#base/task-group.ts';
import type { Informer, Informers } from '#client/lister.ts';
import type { ProxyNode } from './endpoint-pools.ts';
import type { Nft } from './nft.ts';
import type { NftFamily, NftTable, NftTransaction } from './nft-transaction.ts';
import { proxyMetrics, type ProxyMetrics } from './proxy-metrics.ts';
import { NO_RULES } from './rules.ts';
import { RulesetModel } from './ruleset-model.ts';
import { planService, type RulesContext } from './service-rules.ts';

export interface ServiceProxyOptions {
  /** This node; its endpoints are the local ones. */
  readonly nodeName: string;
  /** Which families to serve is read from here. */
  readonly nodeIps: readonly string[];
  /** Keeps the tables of several clusters on one host apart; letters, digits and dashes. */
  readonly instanceId: string;
  readonly serviceCidrs: readonly string[];
  /** Ranges of pod addresses; what comes from elsewhere is masqueraded on its way to a cluster IP. */
  readonly clusterCidrs: readonly string[];
  /** Local addresses on which node ports are served; every one but loopback when left out. */
  readonly nodePortCidrs?: readonly string[];
  /** Serve node ports on 127.0.0.1 too; the caller has set the `route_localnet` sysctl. */
  readonly hasLocalhostNodePorts?: boolean;
}

export interface ServiceProxyDeps {
  readonly informers: Informers;
  readonly nft: Nft;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
}

/** Least time between the starts of two transactions. The first after a pause is sent at once. */
const SYNC_INTERVAL_MS_MIN = 50;

/** How often the proxy looks whether its table is still there: firewall services like to flush everything. */
const PROBE_INTERVAL_MS = 30_000;

const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;

/** Name of the index of EndpointSlices by `namespace/name` of their service. */
const BY_SERVICE = 'kubernetes.io/service-name';

interface FamilyTable {
  readonly table: NftTable;
  readonly family: NftFamily;
  readonly model: RulesetModel;
}

function tableName(instanceId: string): string {
  return `coracle-${instanceId}`;
}

/** Removes the tables of a proxy that was killed. */
export async function removeProxyTables(nft: Nft, instanceId: string): Promise<void> {
  const tables = (['ip', 'ip6'] as const).map((family) => ({ family, name: tableName(instanceId) }));
  await nft.apply(
    tables.map((table) => ({ table, operations: [{ op: 'add-table' }, { op: 'delete-table' }] })),
  );
}

/**
 * Keeps the kernel's packet filter in step with Services and EndpointSlices.
 *
 * Changes mark services; a loop plans the marked ones anew, and sends what differs as one transaction. While
 * a transaction is under way further changes gather for the next. The first transaction, and the one after
 * a refusal, replaces the whole table in one step, so that nothing is assumed about what the kernel has.
 */
export class ServiceProxy {
  readonly #deps: ServiceProxyDeps;
  readonly #options: ServiceProxyOptions;
  readonly #metrics: ProxyMetrics;
  readonly #tables: readonly FamilyTable[];
  readonly #tasks: TaskGroup;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #handlers = new DisposableStack();
  /** Services to plan anew. */
  readonly #marked = new Set<string>();
  /** When the pods behind the marked services changed, as the endpoint slice controller wrote it down. */
  #triggersMs: number[] = [];
  #isComplete = false;
  #wake = Promise.withResolvers<void>();
  readonly #firstSync = Promise.withResolvers<void>();

  constructor(deps: ServiceProxyDeps, options: ServiceProxyOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#metrics = proxyMetrics(deps.metrics);
    this.#tasks = TaskGroup.logging(deps.log);
    this.#tables = familiesOf(options.nodeIps).map((family) => ({
      family,
      table: { family, name: tableName(options.instanceId) },
      model: new RulesetModel({
        family,
        serviceCidrs: options.serviceCidrs.filter((cidr) => isOfFamily(cidr, family)),
        hasLocalhostNodePorts: options.hasLocalhostNodePorts ?? false,
        ...(options.nodePortCidrs === undefined
          ? {}
          : { nodePortCidrs: options.nodePortCidrs.filter((cidr) => isOfFamily(cidr, family)) }),
      }),
    }));
    this.#services = deps.informers.of(SERVICE);
    this.#slices = deps.informers.of(ENDPOINT_SLICE);
    this.#slices.addIndex(BY_SERVICE, (slice) => {
      const service = serviceOf(slice);
      return service === undefined ? [] : [service];
    });
  }

  /** Begins to watch and to write. The informers are started by the caller, before or after. */
  start(): void {
    this.#watch();
    this.#tasks.spawn('service proxy', (signal) => this.#run(signal));
  }

  /** Resolves when the rules for all services known at the start are in the kernel. */
  whenSynced(): Promise<void> {
    return this.#firstSync.promise;
  }

  /** Stops watching. The rules stay, so that services work on while the program restarts. */
  async close(): Promise<void> {
    this.#handlers.dispose();
    await this.#tasks.close();
  }

  /** Stops, and takes the tables away. */
  async destroy(): Promise<void> {
    await this.close();
    await this.#deps.nft.apply(
      this.#tables.map(({ table }) => ({
        table,
        operations: [{ op: 'add-table' }, { op: 'delete-table' }],
      })),
    );
  }

  #watch(): void {
    const { informers } = this.#deps;
    const onService = (service: Service): void => {
      this.#metrics.serviceChanges.inc();
      this.#mark(objectKey(service));
    };
    const onSlice = (slice: EndpointSlice): void => {
      const service = serviceOf(slice);
      if (service !== undefined) {
        this.#metrics.endpointChanges.inc();
        this.#noteTrigger(slice);
        this.#mark(service);
      }
    };
    this.#handlers.use(
      this.#services.addHandler({
        onAdd: onService,
        onUpdate: (_, service) => onService(service),
        onDelete: onService,
      }),
    );
    this.#handlers.use(
      this.#slices.addHandler({
        onAdd: onSlice,
        onUpdate: (before, slice) => {
          if (serviceOf(before) !== serviceOf(slice)) {
            onSlice(before);
          }
          onSlice(slice);
        },
        onDelete: onSlice,
      }),
    );
    this.#handlers.use(
      informers.of(NODE, { fieldSelector: `metadata.name=${this.#options.nodeName}` }).addHandler({
        onAdd: () => this.#markAll(),
        onUpdate: (before, node) => {
          if (zoneOf(before) !== zoneOf(node)) {
            this.#markAll();
          }
        },
      }),
    );
  }

  #mark(service: string): void {
    this.#marked.add(service);
    this.#metrics.lastQueued.set(this.#deps.clock.nowMs() / 1000);
    this.#wake.resolve();
  }

  #markAll(): void {
    for (const service of this.#services.list()) {
      this.#mark(objectKey(service));
    }
  }

  #noteTrigger(slice: EndpointSlice): void {
    const changedAt = slice.metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'];
    // Before the first full synchronisation it would measure how long this program was away.
    if (changedAt !== undefined && this.#isComplete) {
      this.#triggersMs.push(Date.parse(changedAt));
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { informers, clock, log } = this.#deps;
    await informers.whenSynced(signal);
    for (let retryMs = RETRY_MS_MIN; !signal.aborted;) {
      this.#wake = Promise.withResolvers<void>();
      try {
        await this.#sync();
        retryMs = RETRY_MS_MIN;
      } catch (error) {
        this.#isComplete = false;
        this.#metrics.failures.inc();
        log.error('packet filter refused the service rules', { error, retryMs });
        await clock.sleep(retryMs, signal);
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
        continue;
      }
      this.#firstSync.resolve();
      await clock.sleep(SYNC_INTERVAL_MS_MIN, signal);
      if (!(await this.#waitForMark(signal))) {
        await this.#probe();
      }
    }
  }

  /** Waits for a change; false when it is time to look after the table instead. */
  async #waitForMark(signal: AbortSignal): Promise<boolean> {
    if (this.#marked.size > 0) {
      return true;
    }
    const timer = new AbortController();
    const marked = this.#wake.promise.then(() => true);
    const timedOut = this.#deps.clock
      .sleep(PROBE_INTERVAL_MS, AbortSignal.any([signal, timer.signal]))
      .then(() => false)
      // Ends the wait both when the group closes and when a mark came first.
      .catch(() => true);
    const isMarked = await Promise.race([marked, timedOut]);
    timer.abort();
    return isMarked;
  }

  async #sync(): Promise<void> {
    const { clock, nft } = this.#deps;
    const startMs = clock.monotonicMs();
    const isFull = !this.#isComplete;
    const services = isFull ? this.#allServices() : [...this.#marked];
    const triggersMs = this.#triggersMs;
    this.#marked.clear();
    this.#triggersMs = [];
    for (const service of services) {
      this.#plan(service);
    }
    const transactions = this.#tables
      .map(({ table, model }): NftTransaction => ({
        table,
        operations: isFull ? model.takeAll() : model.takeChanges(),
      }))
      .filter(({ operations }) => operations.length > 0);
    if (transactions.length > 0) {
      await nft.apply(transactions);
    }
    this.#isComplete = true;
    const seconds = (clock.monotonicMs() - startMs) / 1000;
    this.#metrics.syncSeconds.observe(seconds);
    (isFull ? this.#metrics.fullSyncSeconds : this.#metrics.partialSyncSeconds).observe(seconds);
    this.#metrics.lastSync.set(clock.nowMs() / 1000);
    for (const triggerMs of triggersMs) {
      this.#metrics.programmingSeconds.observe(Math.max(0, clock.nowMs() - triggerMs) / 1000);
    }
  }

  /** Those that are there, and those that still have rules but may be gone. */
  #allServices(): readonly string[] {
    const known = this.#services.list().map((service) => objectKey(service));
    return [...new Set([...known, ...this.#tables.flatMap(({ model }) => model.owners())])];
  }

  #plan(key: string): void {
    const service = this.#services.get(key);
    const slices = this.#slices.byIndex(BY_SERVICE, key);
    for (const { family, model } of this.#tables) {
      const rules = service === undefined ? NO_RULES : planService(service, slices, this.#context(family));
      model.replace(key, rules);
    }
  }

  #context(family: NftFamily): RulesContext {
    return {
      family,
      node: this.#node(),
      clusterCidrs: this.#options.clusterCidrs.filter((cidr) => isOfFamily(cidr, family)),
    };
  }

  #node(): ProxyNode {
    const { informers } = this.#deps;
    const name = this.#options.nodeName;
    const node = informers.of(NODE, { fieldSelector: `metadata.name=${name}` }).get(name);
    const zone = node === undefined ? undefined : zoneOf(node);
    return zone === undefined ? { name } : { name, zone };
  }

  /** Adds a chain that is there: does nothing, or is refused when the table was taken away. */
  async #probe(): Promise<void> {
    try {
      await this.#deps.nft.apply(
        this.#tables.map(({ table }) => ({ table, operations: [{ op: 'add-chain', name: 'dispatch' }] })),
      );
    } catch (error) {
      this.#deps.log.warn('service rules are gone and are written anew', { error });
      this.#isComplete = false;
    }
  }
}

function serviceOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.['kubernetes.io/service-name'];
  return name === undefined || name === '' ? undefined : `${metadata.namespace}/${name}`;
}

function zoneOf({
  metadata,
}: {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
}): string | undefined {
  return metadata.labels?.['topology.kubernetes.io/zone'];
}

function familiesOf(nodeIps: readonly string[]): readonly NftFamily[] {
  const families = new Set(nodeIps.map(familyOfIp));
  return [...(families.has(4) ? (['ip'] as const) : []), ...(families.has(6) ? (['ip6'] as const) : [])];
}

function isOfFamily(cidr: string, family: NftFamily): boolean {
  return cidr.includes(':') === (family === 'ip6');
}
