import { Counter, Gauge, MetricsRegistry } from '#base/metrics.ts';
import type { PodSandboxStats } from '#runtime/cri-stats.ts';
import { CONTAINER_NAME_LABEL } from '../pod/runtime-labels.ts';
import type { NodeUsage } from './node-usage.ts';

const NANOS = 1e9;

/** The answer of `/metrics/resource`: the few numbers that autoscaling and `kubectl top` need. */
export function resourceMetrics(node: NodeUsage, pods: readonly PodSandboxStats[]): string {
  const registry = new MetricsRegistry();
  const counter = (name: string, help: string, labels: readonly string[]): Counter =>
    registry.register(new Counter({ name, help, labels }));
  const gauge = (name: string, help: string, labels: readonly string[]): Gauge =>
    registry.register(new Gauge({ name, help, labels }));
  const ofPod = ['namespace', 'pod'];
  const ofContainer = ['container', ...ofPod];
  const nodeCpu = counter(
    'node_cpu_usage_seconds_total',
    'Cumulative cpu time consumed by the node in core-seconds',
    [],
  );
  const nodeMemory = gauge('node_memory_working_set_bytes', 'Current working set of the node in bytes', []);
  const podCpu = counter(
    'pod_cpu_usage_seconds_total',
    'Cumulative cpu time consumed by the pod in core-seconds',
    ofPod,
  );
  const podMemory = gauge('pod_memory_working_set_bytes', 'Current working set of the pod in bytes', ofPod);
  const cpu = counter(
    'container_cpu_usage_seconds_total',
    'Cumulative cpu time consumed by the container in core-seconds',
    ofContainer,
  );
  const memory = gauge(
    'container_memory_working_set_bytes',
    'Current working set of the container in bytes',
    ofContainer,
  );
  gauge(
    'resource_scrape_error',
    '1 if there was an error while getting container metrics, 0 otherwise',
    [],
  ).set(0);
  nodeCpu.inc([], node.cpu.usageCoreNanoSeconds / NANOS);
  nodeMemory.set(node.memory.workingSetBytes);
  for (const pod of pods) {
    const labels = [pod.attributes.metadata.namespace, pod.attributes.metadata.name];
    podCpu.inc(labels, (pod.cpu?.usageCoreNanoSeconds ?? 0) / NANOS);
    podMemory.set(pod.memory?.workingSetBytes ?? 0, labels);
    for (const container of pod.containers) {
      if (container.cpu !== undefined) {
        const own = [container.attributes.labels[CONTAINER_NAME_LABEL] ?? '', ...labels];
        cpu.inc(own, container.cpu.usageCoreNanoSeconds / NANOS);
        memory.set(container.memory?.workingSetBytes ?? 0, own);
      }
    }
  }
  return registry.render();
}
