import { ApiBench } from './api-bench.ts';
import type { BenchContext, Workload } from './bench.ts';
import type { Row } from './row.ts';

const ZONE = 'topology.kubernetes.io/zone';
const HOSTNAME = 'kubernetes.io/hostname';
const NAMESPACES = ['sched-0', 'sched-1'];

interface Pods {
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: object;
}

interface PerfWorkload {
  /** Upstream's name for it. */
  readonly name: string;
  /** Pods a second that upstream's CI asks for. */
  readonly threshold: number;
  readonly nodes?: number;
  readonly zones?: number;
  readonly initPods: number;
  readonly measurePods: number;
  /** Pods that are there before; like the measured ones when left out. */
  readonly init?: Pods;
  readonly measured?: Pods;
}

const NODES = 5_000;
/** Ten times what upstream asks is the aim. */
const AIM = 10;

function near(color: string, topologyKey: string): object {
  return { labelSelector: { matchLabels: { color } }, topologyKey, namespaces: NAMESPACES };
}

function required(kind: 'podAffinity' | 'podAntiAffinity', term: object): object {
  return { affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
}

function preferred(kind: 'podAffinity' | 'podAntiAffinity', podAffinityTerm: object): object {
  const term = { weight: 1, podAffinityTerm };
  return { affinity: { [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [term] } } };
}

function spread(whenUnsatisfiable: string): Pods {
  const labels = { color: 'blue' };
  const constraint = {
    maxSkew: 5,
    topologyKey: ZONE,
    whenUnsatisfiable,
    labelSelector: { matchLabels: labels },
  };
  return { labels, spec: { topologySpreadConstraints: [constraint] } };
}

/**
 * Workloads of upstream's `scheduler_perf` (test/integration/scheduler_perf of v1.36), with its sizes and the thresholds of
 * its CI. Those with churn are not among them.
 */
const WORKLOADS: readonly PerfWorkload[] = [
  { name: 'SchedulingBasic', threshold: 680, initPods: 1_000, measurePods: 10_000 },
  {
    name: 'SchedulingPodAntiAffinity',
    threshold: 60,
    initPods: 1_000,
    measurePods: 2_000,
    measured: { labels: { color: 'green' }, spec: required('podAntiAffinity', near('green', HOSTNAME)) },
  },
  {
    name: 'SchedulingPodMatchingAntiAffinity',
    threshold: 595,
    initPods: 1_000,
    measurePods: 5_000,
    init: { labels: { color: 'green' }, spec: required('podAntiAffinity', near('green', HOSTNAME)) },
    measured: { labels: { color: 'green' } },
  },
  {
    name: 'SchedulingPodAffinity',
    threshold: 35,
    zones: 1,
    initPods: 5_000,
    measurePods: 5_000,
    measured: { labels: { color: 'blue' }, spec: required('podAffinity', near('blue', ZONE)) },
  },
  {
    name: 'SchedulingPreferredPodAffinity',
    threshold: 90,
    initPods: 5_000,
    measurePods: 5_000,
    measured: { labels: { color: 'red' }, spec: preferred('podAffinity', near('red', HOSTNAME)) },
  },
  {
    name: 'SchedulingPreferredPodAntiAffinity',
    threshold: 90,
    initPods: 5_000,
    measurePods: 5_000,
    measured: { labels: { color: 'yellow' }, spec: preferred('podAntiAffinity', near('yellow', HOSTNAME)) },
  },
  {
    name: 'SchedulingNodeAffinity',
    threshold: 220,
    zones: 1,
    initPods: 5_000,
    measurePods: 10_000,
    measured: {
      spec: {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: ZONE, operator: 'In', values: ['zone-0', 'zone-1'] }] },
              ],
            },
          },
        },
      },
    },
  },
  {
    name: 'SchedulingRequiredPodAntiAffinityWithNSSelector',
    threshold: 24,
    nodes: 6_000,
    initPods: 4_000,
    measurePods: 2_000,
    measured: {
      labels: { color: 'green' },
      spec: required('podAntiAffinity', {
        labelSelector: { matchLabels: { color: 'green' } },
        topologyKey: HOSTNAME,
        namespaceSelector: { matchLabels: { team: 'devops' } },
      }),
    },
  },
  {
    name: 'TopologySpreading',
    threshold: 460,
    zones: 3,
    initPods: 5_000,
    measurePods: 5_000,
    init: {},
    measured: spread('DoNotSchedule'),
  },
  {
    name: 'PreferredTopologySpreading',
    threshold: 340,
    zones: 3,
    initPods: 5_000,
    measurePods: 5_000,
    init: {},
    measured: spread('ScheduleAnyway'),
  },
];

/** Pods created over TLS, scheduled and durably bound, among those that are there already; until a watcher has seen each. */
export const schedulerPerf: Workload = { name: 'scheduler-perf', run };

async function run(context: BenchContext): Promise<readonly Row[]> {
  const share = context.size.schedulerPerf;
  const scaled = (count: number): number => Math.max(Math.ceil(count * share), 4);
  const rows: Row[] = [];
  for (const workload of WORKLOADS) {
    const { name, threshold, nodes = NODES, zones = 10, initPods, measurePods, measured = {} } = workload;
    await using bench = await ApiBench.start(`bare:${scaled(nodes)}:${zones}`);
    await schedule(bench, context, 'sched-0', scaled(initPods), workload.init ?? measured);
    const seconds = await schedule(bench, context, 'sched-1', scaled(measurePods), measured);
    const rate = scaled(measurePods) / seconds;
    context.note(`${name}: ${rate.toFixed(0)} /s`);
    rows.push({ name, unit: '/s', target: threshold * AIM, values: [rate] });
  }
  return rows;
}

/** Seconds from the first creation until the last of the pods has a node. */
async function schedule(
  bench: ApiBench,
  { size }: BenchContext,
  namespace: string,
  count: number,
  { labels = {}, spec = {} }: Pods,
): Promise<number> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const container = {
    name: 'pause',
    image: 'registry.k8s.io/pause:3.10',
    ports: [{ containerPort: 80 }],
    resources: { requests: { cpu: '100m', memory: '500Mi' } },
  };
  const body = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pod-{n}', labels },
    spec: { containers: [container], ...spec },
  };
  const { seconds } = await bench.order({
    kind: 'until-seen',
    method: 'POST',
    path,
    body: JSON.stringify(body),
    watchPath: `${path}?watch=true&fieldSelector=${encodeURIComponent('spec.nodeName!=')}`,
    needle: '{"type":"ADDED"',
    connections: size.connections,
    ...bench.take(count),
  });
  return seconds;
}
