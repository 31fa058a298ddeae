import { isNotFound } from '#api/status-error.ts';
import type { APIService } from '#api/types/apiregistration.v1.ts';
import { APISERVICE, ENDPOINT_SLICE, SERVICE } from '#api/types/resources.ts';
import type { Clock, Timer } from '#base/clock.ts';
import { jsonEqual } from '#base/json-equal.ts';
import type { Logger } from '#base/log.ts';
import { Counter, Gauge, type MetricsRegistry } from '#base/metrics.ts';
import type { ObjectReader } from '../object-reader.ts';
import { timestamp } from '../registry/metadata.ts';
import type { ResourceStorage } from '../registry/resource-storage.ts';
import type { DraftObject } from '../registry/strategy.ts';
import { updateObject } from '../registry/update.ts';
import { availabilityOf, withAvailability, type Availability } from './api-service-conditions.ts';
import { failedCheck, missingPart, PASSED } from './availability.ts';
import { DueNames } from '../due-names.ts';
import { slicesOf } from './endpoint-resolver.ts';
import { hostOf, type ExtensionClient } from './extension-client.ts';
import { remoteApiOf, rootPathOf, type RemoteApi } from './remote-api.ts';
import { selfContext } from './self-context.ts';

/** Connections tried for one check: one endpoint that answers is enough. */
const ATTEMPTS = 5;
const PROBE_TIMEOUT_MS = 5000;
/** Every API is looked at this often even when nothing was heard of it. */
const RESYNC_MS = 30_000;
const RETRY_MS = 5;
const RETRY_MAX_MS = 30_000;
const WORKERS = 5;

export interface AvailabilityControllerDeps {
  /** Storage of APIServices. */
  readonly storage: ResourceStorage;
  readonly reader: ObjectReader;
  readonly client: ExtensionClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
}

/** A check by asking failed: it is tried again soon. */
class DiscoveryCheckError extends Error {
  override readonly name = 'DiscoveryCheckError';
  readonly code = 'aggregation/discovery-check';
}

/** Writes into each APIService behind a Service whether it can be reached. */
export class AvailabilityController {
  readonly #deps: AvailabilityControllerDeps;
  readonly #names: DueNames;
  readonly #unavailable = new Gauge({
    name: 'aggregator_unavailable_apiservice',
    help: 'Gauge of APIServices which are marked as unavailable broken down by APIService name.',
    labels: ['name'],
  });
  readonly #turnedUnavailable = new Counter({
    name: 'aggregator_unavailable_apiservice_total',
    help: 'Counter of APIServices which are marked as unavailable broken down by APIService name and reason.',
    labels: ['name', 'reason'],
  });

  constructor(deps: AvailabilityControllerDeps) {
    this.#deps = deps;
    this.#names = new DueNames({
      clock: deps.clock,
      workers: WORKERS,
      retryMs: RETRY_MS,
      retryMaxMs: RETRY_MAX_MS,
      onFailure: (name, error) =>
        deps.log.info('an aggregated API is not available', { apiService: name, error }),
    });
    deps.metrics.register(this.#unavailable);
    deps.metrics.register(this.#turnedUnavailable);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { reader } = this.#deps;
    const ends = [
      reader.onChange(
        APISERVICE,
        ({ object }) => object !== undefined && this.#names.add(object.metadata.name),
      ),
      reader.onChange(SERVICE, ({ object, previous }) =>
        this.#serviceChanged((object ?? previous)?.metadata),
      ),
      reader.onChange(ENDPOINT_SLICE, ({ object, previous }) => {
        const { namespace, labels } = (object ?? previous)?.metadata ?? {};
        this.#serviceChanged({ namespace, name: labels?.['kubernetes.io/service-name'] });
      }),
    ];
    let timer: Timer | undefined;
    const resync = (): void => {
      reader.list(APISERVICE, '').forEach(({ metadata }) => this.#names.add(metadata.name));
      timer = this.#deps.clock.schedule(RESYNC_MS, resync);
    };
    resync();
    try {
      await this.#names.run(signal, (name) => this.#sync(name));
    } finally {
      timer?.cancel();
      ends.forEach((end) => end());
    }
  }

  #serviceChanged(
    service: { readonly namespace?: string | undefined; readonly name?: string | undefined } = {},
  ): void {
    for (const { metadata, spec } of this.#deps.reader.list(APISERVICE, '')) {
      if (spec.service?.name === service.name && spec.service?.namespace === service.namespace) {
        this.#names.add(metadata.name);
      }
    }
  }

  async #sync(name: string): Promise<void> {
    const { reader } = this.#deps;
    const registered = reader.get(APISERVICE, '', name);
    const api = registered === undefined ? undefined : remoteApiOf(registered);
    if (registered === undefined || api === undefined) {
      return;
    }
    const { namespace, name: serviceName } = api.service;
    const missing = missingPart(
      api,
      reader.get(SERVICE, namespace, serviceName),
      slicesOf(reader, namespace, serviceName),
    );
    if (missing !== undefined) {
      await this.#write(registered, missing);
      return;
    }
    const failure = await this.#probe(api);
    await this.#write(registered, failure === undefined ? PASSED : failedCheck(failure));
    if (failure !== undefined) {
      throw new DiscoveryCheckError(failure);
    }
  }

  /** Undefined when at least one endpoint answered as it should; else the last thing that went wrong. */
  async #probe(api: RemoteApi): Promise<string | undefined> {
    const attempts = Array.from({ length: ATTEMPTS }, async () => {
      const problem = await this.#probeOnce(api);
      if (problem !== undefined) {
        throw new DiscoveryCheckError(problem);
      }
    });
    try {
      await Promise.any(attempts);
      return undefined;
    } catch (error) {
      const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
      const last = errors.at(-1);
      return last instanceof Error ? last.message : String(last);
    }
  }

  async #probeOnce(api: RemoteApi): Promise<string | undefined> {
    const { client } = this.#deps;
    const address = client.resolve(api);
    if (typeof address === 'string') {
      return address;
    }
    const path = rootPathOf(api);
    const url = `https://${hostOf(address)}${path}`;
    try {
      const code = await client.probe(address, path, PROBE_TIMEOUT_MS);
      return code >= 200 && code < 300
        ? undefined
        : `failing or missing response from ${url}: bad status from ${url}: ${code}`;
    } catch (error) {
      return `failing or missing response from ${url}: Get ${JSON.stringify(url)}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  async #write(registered: APIService, found: Availability): Promise<void> {
    const { name } = registered.metadata;
    const known = availabilityOf(registered);
    this.#unavailable.set(found.status === 'True' ? 0 : 1, [name]);
    if (found.status !== 'True' && known?.status !== found.status) {
      this.#turnedUnavailable.inc([name, found.reason ?? '']);
    }
    const time = timestamp(this.#deps.clock);
    if (jsonEqual(withAvailability(registered.status, found, time), registered.status)) {
      return;
    }
    const produce = (live: object): DraftObject => {
      const current = live as APIService;
      return { ...current, status: withAvailability(current.status, found, time) };
    };
    const target = { namespace: '', name, subresource: 'status' };
    try {
      await updateObject(this.#deps.storage, target, { produce, isPatch: true }, selfContext());
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }
}
