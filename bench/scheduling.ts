import { ApiBench } from './api-bench.ts';
import type { BenchContext, Workload } from './bench.ts';
import type { Row } from './row.ts';
import { samplePod } from './sample-objects.ts';

const PODS = '/api/v1/namespaces/default/pods';
const ZONE = 'topology.kubernetes.io/zone';
const HOSTNAME = 'kubernetes.io/hostname';

interface Kind {
  readonly name: string;
  readonly target?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: object;
  /** What a watcher waits for; a node for every pod when left out. */
  readonly isRunning?: boolean;
  readonly hasMemory?: boolean;
}

const KINDS: readonly Kind[] = [
  { name: 'basic', target: 3_920 },
  {
    name: 'spread over zones',
    target: 2_510,
    spec: {
      topologySpreadConstraints: [
        {
          maxSkew: 5,
          topologyKey: ZONE,
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app: 'bench' } },
        },
      ],
    },
  },
  {
    name: 'anti-affinity',
    target: 1_520,
    // A thousand groups of a few pods each, so that every pod has somewhere to go.
    labels: { group: 'group-{m}' },
    spec: {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { topologyKey: HOSTNAME, labelSelector: { matchLabels: { group: 'group-{m}' } } },
          ],
        },
      },
    },
  },
  { name: 'until Running on simulated nodes', isRunning: true, hasMemory: true },
];

/**
 * Pods created over the network, scheduled, and bound, until a watcher has seen each on a node. The nodes only exist as
 * objects, as in upstream's own measurements; in the last row they run their pods too. One round each.
 */
export const scheduling: Workload = { name: 'scheduling', run };

async function run(context: BenchContext): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const { pods, nodes, connections } = context.size;
  for (const { name, target, labels, spec, isRunning = false, hasMemory = false } of KINDS) {
    await using bench = await ApiBench.start(`${isRunning ? 'sim' : 'bare'}:${nodes}`);
    await bench.accountExists();
    const wanted = isRunning ? 'status.phase=Running' : 'spec.nodeName!=';
    const beforeMs = bench.serverCpuMs();
    const { seconds } = await bench.order({
      kind: 'until-seen',
      method: 'POST',
      path: PODS,
      body: JSON.stringify(samplePod('pod-{n}', labels, spec)),
      watchPath: `${PODS}?watch=true&fieldSelector=${encodeURIComponent(wanted)}`,
      needle: '{"type":"ADDED"',
      connections,
      ...bench.take(pods),
    });
    rows.push({
      name: `${pods} Pods on ${nodes} nodes: ${name}`,
      unit: '/s',
      values: [pods / seconds],
      ...(target === undefined ? {} : { target }),
    });
    if (hasMemory) {
      rows.push({
        name: 'resident memory after that, with all controllers and nodes',
        unit: 'MB',
        // A fifth of what three processes take.
        target: 456,
        values: [bench.serverResidentMb()],
      });
    }
    const cpuUs = ((bench.serverCpuMs() - beforeMs) * 1000) / pods;
    context.note(`${name}: ${(pods / seconds).toFixed(0)} /s, ${cpuUs.toFixed(0)} µs of server CPU each`);
  }
  return rows;
}
