import { ApiBench } from './api-bench.ts';
import type { BenchContext, Workload } from './bench.ts';
import type { Row } from './row.ts';
import { samplePod } from './sample-objects.ts';

const PODS = '/api/v1/namespaces/default/pods';
const ZONE = 'topology.kubernetes.io/zone';
const HOSTNAME = 'kubernetes.io/hostname';

interface Kind {
  readonly name: string;
  readonly target: number;
  readonly spec: object;
}

const KINDS: readonly Kind[] = [
  { name: 'basic', target: 3_920, spec: {} },
  {
    name: 'spread over zones',
    target: 2_510,
    spec: {
      topologySpreadConstraints: [
        {
          maxSkew: 5,
          topologyKey: ZONE,
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: { app: 'bench' } },
        },
      ],
    },
  },
  {
    name: 'anti-affinity',
    target: 1_520,
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
];

/** Pods created over the network, scheduled, and bound, until a watcher has seen each on a node. One round each. */
export const scheduling: Workload = { name: 'scheduling', run };

async function run(context: BenchContext): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const { pods, nodes, connections } = context.size;
  for (const { name, target, spec } of KINDS) {
    await using bench = await ApiBench.start(nodes);
    await bench.accountExists();
    const { seconds } = await bench.order({
      kind: 'until-seen',
      method: 'POST',
      path: PODS,
      // A thousand groups of a few pods each, so that every pod has somewhere to go.
      body: JSON.stringify(samplePod('pod-{n}', { group: 'group-{m}' }, spec)),
      watchPath: `${PODS}?watch=true&fieldSelector=${encodeURIComponent('spec.nodeName!=')}`,
      needle: '{"type":"ADDED"',
      connections,
      ...bench.take(pods),
    });
    rows.push({
      name: `${pods} Pods bound on ${nodes} nodes: ${name}`,
      unit: '/s',
      target,
      values: [pods / seconds],
    });
    context.note(`${name}: ${(pods / seconds).toFixed(0)} /s`);
  }
  return rows;
}
