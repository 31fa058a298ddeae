import { pathToFileURL } from 'node:url';
import type { Node, Pod, PodSpec } from '#api/types/core.v1.ts';
import { NODE, POD } from '#api/types/resources.ts';
import { SystemClock, type Clock } from '#base/clock.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SeededRandom } from '#base/random.ts';
import { Client } from '#client/client.ts';
import { StaticInformers } from '#client/static-informers.ts';
import { aNode, aPod } from './cluster.fixture.ts';
import { Nominations } from './framework/nominations.ts';
import { NodeSelection } from './framework/node-selection.ts';
import { NO_OWN_SELECTORS } from './plugins/pod-topology-spread/own-selectors.ts';
import { profilePlugins } from './profile.ts';
import { createScheduler } from './scheduler.ts';
import { ClusterState } from './state/cluster-state.ts';

/** Pods to place on nodes, decisions only: nothing is bound. */
export interface Workload {
  readonly name: string;
  readonly podAt: (index: number) => Pod;
}

export interface Result {
  readonly workload: string;
  readonly nodes: number;
  readonly pods: number;
  readonly placed: number;
  readonly podsPerSecond: number;
  /** Microseconds per decision. */
  readonly p50Us: number;
  readonly p99Us: number;
}

const ZONES = 10;
const REQUESTS = { cpu: '100m', memory: '200Mi' };

function workload(name: string, spec: Partial<PodSpec>, labels: Readonly<Record<string, string>>): Workload {
  return { name, podAt: (index) => aPod(`${name}-${index}`, { requests: REQUESTS, labels, spec }) };
}

const SELECTOR = { matchLabels: { app: 'web' } };
const ZONE = 'topology.kubernetes.io/zone';
const HOSTNAME = 'kubernetes.io/hostname';

/** The three rows of the design's table, and what else upstream measures of deciding. */
export const WORKLOADS: readonly Workload[] = [
  workload('basic', {}, { app: 'web' }),
  workload(
    'spread',
    {
      topologySpreadConstraints: [
        { maxSkew: 5, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', labelSelector: SELECTOR },
      ],
    },
    { app: 'web' },
  ),
  workload(
    'preferred spread',
    {
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'ScheduleAnyway', labelSelector: SELECTOR },
        { maxSkew: 1, topologyKey: HOSTNAME, whenUnsatisfiable: 'ScheduleAnyway', labelSelector: SELECTOR },
      ],
    },
    { app: 'web' },
  ),
  {
    name: 'anti-affinity',
    // Groups no larger than the number of nodes, so that every pod has somewhere to go.
    podAt: (index) => {
      const group = `group-${index % 10}`;
      return aPod(`anti-${index}`, {
        requests: REQUESTS,
        labels: { group },
        spec: {
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: HOSTNAME, labelSelector: { matchLabels: { group } } },
              ],
            },
          },
        },
      });
    },
  },
  workload(
    'affinity',
    {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: ZONE, labelSelector: SELECTOR }],
        },
      },
    },
    { app: 'web' },
  ),
  workload(
    'preferred anti-affinity',
    {
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 100, podAffinityTerm: { topologyKey: HOSTNAME, labelSelector: SELECTOR } },
          ],
        },
      },
    },
    { app: 'web' },
  ),
  {
    name: 'all different',
    // Every pod has a shape of its own, so nothing is shared between them.
    podAt: (index) => aPod(`own-${index}`, { requests: REQUESTS, labels: { pod: `own-${index}` } }),
  },
];

/** Decides on a node for each pod and counts it there. */
export function measure(
  { name, podAt }: Workload,
  size: { readonly nodes: number; readonly pods: number },
  clock: Clock,
): Result {
  const state = new ClusterState();
  for (let index = 0; index < size.nodes; index++) {
    state.nodes.set(benchNode(index));
  }
  const selection = createSelection();
  const pods = Array.from({ length: size.pods }, (_, index) => podAt(index));
  const durations = new Float64Array(size.pods);
  let placed = 0;
  const startMs = clock.monotonicMs();
  for (let index = 0; index < pods.length; index++) {
    const pod = pods[index];
    if (pod === undefined) {
      continue;
    }
    const podStartMs = clock.monotonicMs();
    const selected = selection.select({ pod, shape: state.shapes.of(pod), state });
    if (selected.kind === 'found') {
      state.assume(pod, state.nodes.nameOf(selected.row));
      placed += 1;
    }
    durations[index] = clock.monotonicMs() - podStartMs;
  }
  const seconds = (clock.monotonicMs() - startMs) / 1000;
  durations.sort();
  const percentileUs = (share: number): number =>
    Math.round((durations[Math.floor(share * (durations.length - 1))] ?? 0) * 1000);
  return {
    workload: name,
    ...size,
    placed,
    podsPerSecond: Math.round(size.pods / seconds),
    p50Us: percentileUs(0.5),
    p99Us: percentileUs(0.99),
  };
}

/**
 * The whole scheduler over informers that hold everything from the start and an API that accepts every binding
 * at once: queue, decisions, assumed pods, events and binding, without a server.
 */
export async function measureWhole(
  { name, podAt }: Workload,
  size: { readonly nodes: number; readonly pods: number },
  clock: Clock,
): Promise<Pick<Result, 'workload' | 'nodes' | 'pods' | 'placed' | 'podsPerSecond'>> {
  await using informers = new StaticInformers();
  for (let index = 0; index < size.nodes; index++) {
    informers.set(NODE, benchNode(index));
  }
  for (let index = 0; index < size.pods; index++) {
    informers.set(POD, podAt(index));
  }
  informers.start();
  let placed = 0;
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const client = new Client({
    async request() {
      placed += 1;
      if (placed === size.pods) {
        resolve();
      }
      return {};
    },
    watch: neverWatch,
  });
  const scheduler = createScheduler({
    client,
    informers,
    events: { event: () => undefined },
    clock,
    random: new SeededRandom(1),
    log: SILENT_LOGGER,
    metrics: new MetricsRegistry(),
  });
  const startMs = clock.monotonicMs();
  scheduler.start();
  await done;
  const seconds = (clock.monotonicMs() - startMs) / 1000;
  await scheduler.close();
  return { workload: `${name}, whole`, ...size, placed, podsPerSecond: Math.round(size.pods / seconds) };
}

function benchNode(index: number): Node {
  const labels = { [ZONE]: `zone-${index % ZONES}` };
  return aNode(`node-${index}`, { cpu: '32', memory: '64Gi', labels });
}

async function* neverWatch(): AsyncGenerator<never> {
  // Nothing is watched.
}

function createSelection(): NodeSelection {
  const random = new SeededRandom(1);
  const nominations = new Nominations();
  const client = new Client({
    request: () => Promise.reject(new Error('nothing is sent')),
    watch: neverWatch,
  });
  const plugins = profilePlugins({
    client,
    random,
    nominations,
    ownSelectors: NO_OWN_SELECTORS,
    budgets: () => [],
    volumePlugins: [],
  });
  return new NodeSelection({ plugins, nominations, random, nodesToFind: (count) => count });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [nodes = 1000, pods = 5000] = process.argv.slice(2).map(Number);
  for (const each of WORKLOADS) {
    console.log(JSON.stringify(measure(each, { nodes, pods }, new SystemClock())));
    console.log(JSON.stringify(await measureWhole(each, { nodes, pods }, new SystemClock())));
  }
}
