import { labelSelectorFromObject } from '#api/label-selector.ts';
import { quantityToMillis } from '#api/quantity.ts';
import { RESOURCES } from '#api/resource-table.ts';
import { parseApiVersion, type GroupVersionResource } from '#api/resource-type.ts';
import { isNotFound } from '#api/status-error.ts';
import { parseDurationMs, parseTime } from '#api/time.ts';
import type { CrossVersionObjectReference, MetricIdentifier } from '#api/types/autoscaling.v2.ts';
import type { PodMetrics } from '#api/types/metrics.v1beta1.ts';
import { describeError } from '#base/log.ts';
import type { Client } from '#client/client.ts';
import type { ApiRequest } from '#client/transport.ts';
import type { MetricsSource, PodSample, PodSamples } from './metrics-source.ts';

type Items<T> = { readonly items?: readonly T[] | null };

/** One value of a custom or external metric. */
interface MetricValue {
  readonly describedObject?: { readonly name?: string };
  readonly timestamp?: string;
  readonly windowSeconds?: number;
  /** Older servers' word for it. */
  readonly window?: number;
  readonly value: string;
}

const POD_METRICS = { group: 'metrics.k8s.io', version: 'v1beta1', resource: 'pods' };
const CUSTOM_GROUP = 'custom.metrics.k8s.io';
/** The newest first; servers have one of them. */
const CUSTOM_VERSIONS = ['v1beta2', 'v1beta1'];
const EXTERNAL = { group: 'external.metrics.k8s.io', version: 'v1beta1' };
/** What a measurement without a window of its own is taken over. */
const WINDOW_MS_DEFAULT = 60_000;

type Query<K extends keyof MetricsSource> = Parameters<MetricsSource[K]>[0];

/** The metrics APIs as other servers answer them behind this API server: metrics-server and its kind. */
export class ServedMetrics implements MetricsSource {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async resource(query: Query<'resource'>, signal: AbortSignal): Promise<PodSamples> {
    const { namespace, selector, resource, container } = query;
    const request: ApiRequest = {
      verb: 'list',
      resource: POD_METRICS,
      namespace,
      query: { labelSelector: selector.toString() },
    };
    const pods = await this.#items<PodMetrics>('resource', [request], signal);
    return new Map(
      pods.flatMap((pod) => {
        const milli = usageOf(pod, resource, container);
        return milli === undefined ? [] : [[pod.metadata.name, { milli, ...measured(pod) }] as const];
      }),
    );
  }

  async pods({ namespace, selector, metric }: Query<'pods'>, signal: AbortSignal): Promise<PodSamples> {
    const found = await this.#custom(
      { namespace, resource: 'pods', name: '*', metric },
      signal,
      selector.toString(),
    );
    return new Map(found.map((value) => [value.describedObject?.name ?? '', sampleOf(value)]));
  }

  async object({ namespace, object, metric }: Query<'object'>, signal: AbortSignal): Promise<number> {
    const { name } = object;
    // A namespace's own metrics have a place of their own.
    const resource = object.kind === 'Namespace' ? 'metrics' : resourceNameOf(object);
    const [value] = await this.#custom({ namespace, resource, name, metric }, signal);
    return quantityToMillis(value?.value ?? '0');
  }

  async external({ namespace, metric }: Query<'external'>, signal: AbortSignal): Promise<number> {
    const request: ApiRequest = {
      verb: 'list',
      resource: { ...EXTERNAL, resource: metric.name },
      namespace,
      query: { labelSelector: selectorText(metric) },
    };
    const values = await this.#items<MetricValue>('external', [request], signal);
    return values.reduce((sum, { value }) => sum + quantityToMillis(value), 0);
  }

  #custom(
    wanted: {
      readonly namespace: string;
      readonly resource: string;
      readonly name: string;
      readonly metric: MetricIdentifier;
    },
    signal: AbortSignal,
    labelSelector = '',
  ): Promise<readonly MetricValue[]> {
    const { namespace, resource, name, metric } = wanted;
    const place = resource === 'metrics' ? { name: metric.name } : { name, subresource: metric.name };
    const requests = CUSTOM_VERSIONS.map((version): ApiRequest => ({
      verb: 'get',
      resource: { group: CUSTOM_GROUP, version, resource } satisfies GroupVersionResource,
      namespace,
      ...place,
      query: { labelSelector, metricLabelSelector: selectorText(metric) },
    }));
    return this.#items<MetricValue>('custom', requests, signal);
  }

  /** What the first of the requests answers whose version is served. @throws {Error} in upstream's words */
  async #items<T>(api: string, requests: readonly ApiRequest[], signal: AbortSignal): Promise<readonly T[]> {
    let problem: unknown;
    for (const request of requests) {
      try {
        const { items } = (await this.#client.transport.request(request, signal)) as Items<T>;
        if (items === undefined || items === null || items.length === 0) {
          throw new EmptyError(`no metrics returned from ${api} metrics API`);
        }
        return items;
      } catch (error) {
        if (error instanceof EmptyError) {
          throw error;
        }
        problem = error;
        if (!isNotFound(error)) {
          break;
        }
      }
    }
    // The message goes into conditions and events with all its causes, so the cause is in it and not beside it.
    throw new Error(`unable to fetch metrics from ${api} metrics API: ${describeError(problem)}`);
  }
}

/** The API answered, and had nothing. */
class EmptyError extends Error {
  override readonly name = 'EmptyError';
  readonly code = 'autoscaler/no-metrics';
}

/** Of one container, or of all together; undefined when one of them was not measured. */
function usageOf(pod: PodMetrics, resource: string, container: string | undefined): number | undefined {
  const containers = (pod.containers ?? []).filter(
    ({ name }) => container === undefined || name === container,
  );
  let milli = 0;
  for (const { usage } of containers) {
    const amount = usage?.[resource];
    if (amount === undefined) {
      return undefined;
    }
    milli += quantityToMillis(amount);
  }
  return containers.length === 0 ? undefined : milli;
}

function measured({ timestamp, window }: PodMetrics): Pick<PodSample, 'timeMs' | 'windowMs'> {
  return { timeMs: parseTime(timestamp) ?? 0, windowMs: parseDurationMs(window) ?? WINDOW_MS_DEFAULT };
}

function sampleOf({ value, timestamp = '', windowSeconds, window }: MetricValue): PodSample {
  const seconds = windowSeconds ?? window;
  return {
    milli: quantityToMillis(value),
    timeMs: parseTime(timestamp) ?? 0,
    windowMs: seconds === undefined ? WINDOW_MS_DEFAULT : seconds * 1000,
  };
}

function selectorText({ selector }: MetricIdentifier): string {
  return selector === undefined ? '' : labelSelectorFromObject(selector).toString();
}

/** `deployments.apps`, as custom metrics name what they are about. */
function resourceNameOf({ apiVersion = '', kind }: CrossVersionObjectReference): string {
  const { group } = parseApiVersion(apiVersion);
  const known = RESOURCES.find((info) => info.kind === kind && info.group === group);
  if (known === undefined) {
    throw new Error(`unable to map kind ${kind}.${group} to resource`);
  }
  return group === '' ? known.resource : `${known.resource}.${group}`;
}
