import type { LabelSelector } from '#api/label-selector.ts';
import type { CrossVersionObjectReference, MetricIdentifier } from '#api/types/autoscaling.v2.ts';

/** One measurement of one pod. */
export interface PodSample {
  /** Thousandths of the metric's unit. */
  readonly milli: number;
  readonly timeMs: number;
  /** Over how long it was measured. */
  readonly windowMs: number;
}

export type PodSamples = ReadonlyMap<string, PodSample>;

/**
 * Where the autoscaler learns how busy pods are: the resource, custom and external metrics APIs.
 *
 * @throws {Error} from every call when the metric is not to be had; its message goes into the conditions
 */
export interface MetricsSource {
  /** By pod; of one container where it is given, of the whole pod otherwise. */
  resource(
    query: {
      readonly namespace: string;
      readonly selector: LabelSelector;
      readonly resource: string;
      readonly container?: string;
    },
    signal: AbortSignal,
  ): Promise<PodSamples>;
  pods(
    query: {
      readonly namespace: string;
      readonly selector: LabelSelector;
      readonly metric: MetricIdentifier;
    },
    signal: AbortSignal,
  ): Promise<PodSamples>;
  /** In thousandths. */
  object(
    query: {
      readonly namespace: string;
      readonly object: CrossVersionObjectReference;
      readonly metric: MetricIdentifier;
    },
    signal: AbortSignal,
  ): Promise<number>;
  /** In thousandths; the values of all series that match are added up. */
  external(
    query: { readonly namespace: string; readonly metric: MetricIdentifier },
    signal: AbortSignal,
  ): Promise<number>;
}

function missing(group: string): () => Promise<never> {
  return () =>
    Promise.reject(
      new Error(
        `unable to fetch metrics from ${group} metrics API: the server could not find the requested resource`,
      ),
    );
}

/** Of a cluster in which nobody serves metrics. */
export const NO_METRICS: MetricsSource = {
  resource: missing('resource'),
  pods: missing('custom'),
  object: missing('custom'),
  external: missing('external'),
};
