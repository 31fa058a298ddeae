import { APISERVICE, ENDPOINT_SLICE } from '#api/types/resources.ts';
import type { APIVersionDiscovery } from '#api/types/apidiscovery.v2.ts';
import { defined } from '#base/assert.ts';
import type { Clock, Timer } from '#base/clock.ts';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '#base/log.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import type { Random } from '#base/random.ts';
import type { TaskGroup } from '#base/task-group.ts';
import type { ServiceResolver } from '../admission/webhooks/service-resolver.ts';
import type { ApiCall, ApiResult } from '../endpoints/api-call.ts';
import type { UpgradeConnection } from '../endpoints/subresources/upgrade-tunnel.ts';
import type { Registry } from '../registry/registry.ts';
import { AvailabilityController } from './availability-controller.ts';
import { DueNames } from '../due-names.ts';
import { EndpointResolver } from './endpoint-resolver.ts';
import { ExtensionClient } from './extension-client.ts';
import { serveExtension, upgradeExtension, type ExtensionProxyDeps } from './extension-proxy.ts';
import type { RemoteVersion } from './merged-discovery.ts';
import type { RemoteApi } from './remote-api.ts';
import { fetchVersion, unknownVersion } from './remote-discovery.ts';
import { fetchV2, fetchV3Location, mergeV2, type SwaggerPart } from './remote-openapi.ts';

/** What extension servers have is asked again this often. */
const REFRESH_MS = 60_000;
const RETRY_MS = 100;
const RETRY_MAX_MS = 60_000;
const WORKERS = 2;

export interface ExtensionsDeps {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly tasks: TaskGroup;
  /** Where Services are found; by their endpoints when left out. */
  readonly services: ServiceResolver | undefined;
  /** The certificate and key of the front proxy. */
  readonly credential: { readonly certificatePem: string; readonly keyPem: string } | undefined;
}

/** What one extension server said of one API. */
interface Description {
  readonly api: RemoteApi;
  readonly discovery: APIVersionDiscovery;
  readonly v2: SwaggerPart | undefined;
  readonly v3: object | undefined;
}

/** Everything that APIs behind Services take. Made when the first of them is registered. */
export class Extensions {
  readonly #deps: ExtensionsDeps;
  readonly #client: ExtensionClient;
  readonly #proxy: ExtensionProxyDeps;
  readonly #names: DueNames;
  readonly #apis: ReadonlyMap<string, RemoteApi>;
  readonly #described = new Map<string, Description>();

  /** @param apis by group and version; kept up to date by the caller, who also calls {@link changed} */
  private constructor(deps: ExtensionsDeps, apis: ReadonlyMap<string, RemoteApi>) {
    const { registry, clock, random, log } = deps;
    this.#deps = deps;
    this.#apis = apis;
    this.#client = new ExtensionClient({
      services: deps.services ?? new EndpointResolver(registry.mirrors, random),
      clock,
      credential: deps.credential,
    });
    this.#proxy = { client: this.#client, clock, log };
    this.#names = new DueNames({
      clock,
      workers: WORKERS,
      retryMs: RETRY_MS,
      retryMaxMs: RETRY_MAX_MS,
      onFailure: (name, error) => log.info('read what an aggregated API has', { apiService: name, error }),
    });
  }

  static async start(deps: ExtensionsDeps, apis: ReadonlyMap<string, RemoteApi>): Promise<Extensions> {
    const { registry, tasks } = deps;
    const extensions = new Extensions(deps, apis);
    const slices = defined(registry.storage(ENDPOINT_SLICE), 'storage of endpoint slices');
    await registry.mirrors.include(slices, tasks);
    const storage = defined(registry.storage(APISERVICE), 'storage of APIServices');
    const reader = registry.mirrors;
    const availability = new AvailabilityController({ ...deps, storage, reader, client: extensions.#client });
    tasks.spawn('availability of aggregated APIs', (signal) => availability.run(signal));
    tasks.spawn('discovery of aggregated APIs', (signal) => extensions.#run(signal));
    return extensions;
  }

  serve(api: RemoteApi, call: ApiCall): Promise<ApiResult> {
    return serveExtension(this.#proxy, api, call);
  }

  upgrade(api: RemoteApi, call: ApiCall, connection: UpgradeConnection): Promise<void> {
    return upgradeExtension(this.#proxy, { api, call }, connection);
  }

  /** To be called when an API was registered, changed or removed. */
  changed(previous: RemoteApi | undefined, next: RemoteApi | undefined): void {
    const name = next?.name ?? previous?.name ?? '';
    if (next === undefined) {
      this.#client.forget(name);
      this.#described.delete(name);
    } else if (!isDeepStrictEqual(previous, next)) {
      this.#names.add(name);
    }
  }

  /** Every registered version, whether its server can be reached or not. */
  versions(): readonly RemoteVersion[] {
    return [...this.#apis.values()].map((api) => ({
      api,
      discovery: this.#described.get(api.name)?.discovery ?? unknownVersion(api),
    }));
  }

  /** `/openapi/v2` with what extension servers describe. */
  mergedV2(localText: string): string {
    const parts = this.#descriptions().flatMap(({ v2 }) => (v2 === undefined ? [] : [v2]));
    if (parts.length === 0) {
      return localText;
    }
    const local = JSON.parse(localText) as SwaggerPart;
    const { paths, definitions } = parts.reduce(mergeV2, local);
    return JSON.stringify({ ...local, paths, definitions });
  }

  /** The index `/openapi/v3` with the documents of extension servers. */
  mergedV3Index(localText: string): string {
    const remote = this.#descriptions().flatMap(({ api, v3 }) =>
      v3 === undefined ? [] : [[`apis/${api.group}/${api.version}`, v3] as const],
    );
    const local = JSON.parse(localText) as { readonly paths: Readonly<Record<string, object>> };
    const paths = [...Object.entries(local.paths), ...remote].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify({ ...local, paths: Object.fromEntries(paths) });
  }

  #descriptions(): readonly Description[] {
    return [...this.#apis.values()].flatMap(({ name }) => this.#described.get(name) ?? []);
  }

  async #run(signal: AbortSignal): Promise<void> {
    let timer: Timer | undefined;
    const refresh = (): void => {
      for (const { name } of this.#apis.values()) {
        this.#names.add(name);
      }
      timer = this.#deps.clock.schedule(REFRESH_MS, refresh);
    };
    refresh();
    try {
      await this.#names.run(signal, (name) => this.#describe(name));
    } finally {
      timer?.cancel();
      this.#client[Symbol.dispose]();
    }
  }

  async #describe(name: string): Promise<void> {
    const api = [...this.#apis.values()].find((each) => each.name === name);
    if (api === undefined) {
      return;
    }
    if (!api.isAvailable) {
      this.#described.delete(name);
      return;
    }
    try {
      const discovery = await fetchVersion(this.#client, api);
      const known = this.#described.get(name);
      this.#described.set(name, { api, discovery, v2: known?.v2, v3: known?.v3 });
      const [v2, v3] = await Promise.all([fetchV2(this.#client, api), fetchV3Location(this.#client, api)]);
      this.#described.set(name, { api, discovery, v2, v3 });
    } catch (error) {
      this.#described.set(name, {
        ...(this.#described.get(name) ?? { v2: undefined, v3: undefined }),
        api,
        discovery: unknownVersion(api),
      });
      throw error;
    }
  }
}
