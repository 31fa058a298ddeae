import type { ApiServer } from '#apiserver/api-server.ts';
import type { ApiCall, ApiResult } from '#apiserver/endpoints/api-call.ts';
import { apiVersionOf } from '#api/resource-type.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import { notFound } from '#api/status-error.ts';
import type { Node, Pod } from '#api/types/core.v1.ts';
import { NODE, POD } from '#api/types/resources.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Client } from '#client/client.ts';
import { NODE_METRICS, nodeMetrics, POD_METRICS, podMetrics, simUsage, sumUsage } from './metrics-objects.ts';
import { UsageSampler, type NodeSample } from './usage-sampler.ts';

export interface ResourceMetricsDeps {
  readonly server: ApiServer;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Serves `metrics.k8s.io/v1beta1`, which `kubectl top` and autoscalers ask, from what the nodes measure. A metrics server
 * that somebody installs takes its place: an APIService of that name comes first.
 */
export function serveResourceMetrics(deps: ResourceMetricsDeps): void {
  const api = new ResourceMetricsApi(deps);
  deps.server.serveVirtual('metrics.k8s.io/nodes', (call) => api.nodes(call), NODE_METRICS);
  deps.server.serveVirtual('metrics.k8s.io/pods', (call) => api.pods(call), POD_METRICS);
}

class ResourceMetricsApi {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #sampler: UsageSampler;

  constructor({ server, client, clock, log }: ResourceMetricsDeps) {
    this.#client = client;
    this.#clock = clock;
    this.#sampler = new UsageSampler({ nodes: server.nodes, clock, log });
  }

  async nodes(call: ApiCall): Promise<ApiResult> {
    const { items } = await this.#client.of(NODE).list('', selectionOf(call), call.signal);
    const samples = await this.#samples(items, call.signal);
    const measured: object[] = [];
    for (const node of items) {
      const { name } = node.metadata;
      const sample = samples.get(name) ?? (await this.#simulated(node, call.signal));
      measured.push(nodeMetrics(node, sample));
    }
    return answer(NODE_METRICS, measured, call);
  }

  async pods(call: ApiCall): Promise<ApiResult> {
    const { items } = await this.#client.of(POD).list(call.info.namespace, selectionOf(call), call.signal);
    const running = items.filter(
      ({ spec, status }) => status.phase === 'Running' && spec.nodeName !== undefined,
    );
    const names = new Set(running.map(({ spec }) => spec.nodeName ?? ''));
    const samples = await this.#samples(
      [...names].map((name) => ({ metadata: { name } })),
      call.signal,
    );
    const nowMs = this.#clock.nowMs();
    const measured = running
      .map((pod) => podMetrics(pod, samples.get(pod.spec.nodeName ?? ''), nowMs))
      .filter((metrics) => metrics !== undefined);
    return answer(POD_METRICS, measured, call);
  }

  async #samples(
    nodes: readonly { readonly metadata: { readonly name: string } }[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, NodeSample>> {
    const found = await Promise.all(
      nodes.map(
        async ({ metadata }) => [metadata.name, await this.#sampler.sample(metadata.name, signal)] as const,
      ),
    );
    return new Map(found.flatMap(([name, sample]) => (sample === undefined ? [] : [[name, sample]])));
  }

  /** A simulated node uses what its pods say they use. */
  async #simulated({ metadata }: Node, signal: AbortSignal): Promise<Omit<NodeSample, 'pods'>> {
    const query = { fieldSelector: `spec.nodeName=${metadata.name},status.phase=Running` };
    const { items } = await this.#client.of(POD).list('', query, signal);
    const node = sumUsage(items.flatMap((pod: Pod) => [...simUsage(pod).values()]));
    return { timeMs: this.#clock.nowMs(), windowMs: 15_000, node };
  }
}

/** The selectors of a request; a request for one object is one for its name. */
function selectionOf({ info, query }: ApiCall): { labelSelector?: string; fieldSelector?: string } {
  const labelSelector = query.get('labelSelector') ?? '';
  const fields = [info.name === '' ? '' : `metadata.name=${info.name}`, query.get('fieldSelector') ?? ''];
  const fieldSelector = fields.filter((text) => text !== '').join(',');
  return {
    ...(labelSelector === '' ? {} : { labelSelector }),
    ...(fieldSelector === '' ? {} : { fieldSelector }),
  };
}

function answer(resource: ResourceInfo, items: readonly object[], { info }: ApiCall): ApiResult {
  if (info.verb === 'list') {
    const list = {
      kind: `${resource.kind}List`,
      apiVersion: apiVersionOf(resource),
      metadata: {},
      items,
    };
    return { kind: 'value', code: 200, value: list };
  }
  const [only] = items;
  if (only === undefined || info.verb !== 'get') {
    throw notFound({ group: resource.group, resource: resource.resource }, info.name);
  }
  return { kind: 'value', code: 200, value: only };
}
