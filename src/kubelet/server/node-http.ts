import type { Clock } from '#base/clock.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import { notSupported, StatusError, unknownPath } from '#api/status-error.ts';
import type { RuntimeService } from '#runtime/cri.ts';
import type { LogOptions, NodeStreams } from '../node-streams.ts';
import type { PodWorkers } from '../pod/pod-workers.ts';
import { NodeUsageReader } from './node-usage.ts';
import { resourceMetrics } from './resource-metrics.ts';
import { statsSummary } from './stats-summary.ts';

export interface NodeHttpDeps {
  readonly nodeName: string;
  readonly workers: PodWorkers;
  readonly runtime: RuntimeService;
  readonly streams: NodeStreams;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
}

export interface NodeAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | AsyncIterable<Uint8Array>;
}

const TEXT = 'text/plain; charset=utf-8';
const METRICS = 'text/plain; version=0.0.4; charset=utf-8';
const JSON_TYPE = 'application/json';
const STREAM_PATHS: ReadonlySet<string> = new Set(['exec', 'attach', 'portForward', 'run']);

/** The paths that a node answers, as the API server's `nodes/proxy` reaches them. */
export class NodeHttp {
  readonly #deps: NodeHttpDeps;
  readonly #usage: NodeUsageReader;

  constructor(deps: NodeHttpDeps) {
    this.#deps = deps;
    this.#usage = new NodeUsageReader(deps.clock);
  }

  /**
   * Answers a GET. Callers are authenticated and allowed to before they come here.
   *
   * @param path  as `/stats/summary`
   * @param query of logs: the parameters of `PodLogOptions`
   */
  async get(path: string, query: URLSearchParams, signal: AbortSignal): Promise<NodeAnswer> {
    try {
      return await this.#answer(path.split('/').filter(Boolean), query, signal);
    } catch (error) {
      if (error instanceof StatusError) {
        return { status: error.code, contentType: TEXT, body: `${error.message}\n` };
      }
      throw error;
    }
  }

  async #answer(parts: readonly string[], query: URLSearchParams, signal: AbortSignal): Promise<NodeAnswer> {
    const { nodeName, workers, runtime, streams, metrics } = this.#deps;
    const [head = '', second = '', ...rest] = parts;
    switch (head) {
      case 'healthz':
        return { status: 200, contentType: TEXT, body: 'ok' };
      case 'pods':
      case 'runningpods': {
        const items = workers.list().map(({ pod }) => pod);
        return json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items });
      }
      case 'metrics':
        return second === 'resource'
          ? {
              status: 200,
              contentType: METRICS,
              body: resourceMetrics(await this.#usage.read(), await runtime.listPodSandboxStats()),
            }
          : { status: 200, contentType: METRICS, body: metrics.render() };
      case 'stats': {
        if (second !== 'summary') {
          throw unknownPath();
        }
        const pods = await runtime.listPodSandboxStats();
        return json(statsSummary({ nodeName, node: await this.#usage.read(), pods }));
      }
      case 'containerLogs': {
        const [pod = '', container = ''] = rest;
        const body = await streams.logs({ namespace: second, pod, container }, logOptions(query), signal);
        return { status: 200, contentType: TEXT, body };
      }
      default:
        throw STREAM_PATHS.has(head) ? notSupported(`/${head} over the node's own server`) : unknownPath();
    }
  }
}

function json(value: unknown): NodeAnswer {
  return { status: 200, contentType: JSON_TYPE, body: JSON.stringify(value) };
}

/** What cannot be read as a number or a flag counts as left out. */
export function logOptions(query: URLSearchParams): LogOptions {
  const flag = (name: string): boolean => ['true', '1'].includes(query.get(name) ?? '');
  const number = (
    name: 'sinceSeconds' | 'tailLines' | 'limitBytes',
  ): Partial<Record<typeof name, number>> => {
    const text = query.get(name);
    return text !== null && /^\d+$/.test(text) ? { [name]: Number(text) } : {};
  };
  const sinceTime = query.get('sinceTime');
  const stream = query.get('stream');
  return {
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    ...number('sinceSeconds'),
    ...number('tailLines'),
    ...number('limitBytes'),
    ...(sinceTime === null ? {} : { sinceTime }),
    ...(stream === 'Stdout' || stream === 'Stderr' ? { stream } : {}),
  };
}
