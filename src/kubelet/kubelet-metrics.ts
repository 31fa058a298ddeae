import { Counter, Gauge, type MetricsRegistry } from '#base/metrics.ts';
import type { Pod } from '#api/types/core.v1.ts';
import type { ProbeType } from './probes/container-probes.ts';
import type { PodWorkers } from './pod/pod-workers.ts';

/** Upstream's names for what this kubelet counts. */
export class KubeletMetrics {
  readonly #probes: Counter;

  constructor(registry: MetricsRegistry, nodeName: string) {
    registry
      .register(
        new Gauge({
          name: 'kubelet_node_name',
          help: "The node's name. The count is always 1.",
          labels: ['node'],
        }),
      )
      .set(1, [nodeName]);
    this.#probes = registry.register(
      new Counter({
        name: 'prober_probe_total',
        help: 'Cumulative number of a liveness, readiness or startup probe for a container by result.',
        labels: ['probe_type', 'result', 'container', 'pod', 'namespace', 'pod_uid'],
      }),
    );
  }

  /** Gauges that are read when the metrics are. */
  observe(registry: MetricsRegistry, workers: PodWorkers): void {
    registry.register(
      new Gauge(
        { name: 'kubelet_running_pods', help: 'Number of pods that have a running pod sandbox' },
        () => workers.list().filter(({ stage }) => stage !== 'stopped').length,
      ),
    );
    registry.register(
      new Gauge(
        { name: 'kubelet_desired_pods', help: 'The number of pods the kubelet is being instructed to run.' },
        () => workers.size,
      ),
    );
  }

  countProbe(type: ProbeType, result: string, { metadata }: Pod, container: string): void {
    this.#probes.inc([type, result, container, metadata.name, metadata.namespace, metadata.uid]);
  }
}
