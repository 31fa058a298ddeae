import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodDisruptionBudget } from '#api/types/policy.v1.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { SeededRandom } from '#base/random.ts';
import { aNode, aPod, type PodFacts } from '../../cluster.fixture.ts';
import { Nominations } from '../../framework/nominations.ts';
import { NodeSelection } from '../../framework/node-selection.ts';
import { interPodAffinity } from '../inter-pod-affinity/inter-pod-affinity.ts';
import { nodeResourcesFit } from '../node-resources-fit/node-resources-fit.ts';
import { contextOf, stateOf } from '../plugin.fixture.ts';
import { taintToleration } from '../taint-toleration/taint-toleration.ts';
import { defaultPreemption } from './default-preemption.ts';

const OLD = '2026-01-01T00:00:00Z';
const YOUNG = '2026-01-02T00:00:00Z';

/** A pod of one core on the node. */
function running(
  name: string,
  nodeName: string,
  priority: number,
  facts: PodFacts & { readonly since?: string } = {},
): Pod {
  const { since = OLD, ...more } = facts;
  return aPod(name, { nodeName, priority, requests: { cpu: '1' }, status: { startTime: since }, ...more });
}

function budget(labels: Readonly<Record<string, string>>, disruptionsAllowed: number): PodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: {
      name: 'budget',
      namespace: 'default',
      uid: 'b',
      resourceVersion: '1',
      creationTimestamp: OLD,
    },
    spec: { selector: { matchLabels: labels } },
    status: { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
  };
}

interface Case {
  readonly name: string;
  /** Nodes a and b (and so on) of that many cores. */
  readonly cores: Readonly<Record<string, number>>;
  readonly pods: readonly Pod[];
  readonly budgets?: readonly PodDisruptionBudget[];
  readonly incoming?: PodFacts;
  readonly victims: string;
}

/** Runs filters and preemption; answers `node: victims` or the message. */
function preempt({ cores, pods, budgets = [], incoming = {} }: Omit<Case, 'name' | 'victims'>): string {
  const state = stateOf(
    Object.entries(cores).map(([name, count]) => aNode(name, { cpu: String(count) })),
    pods,
  );
  const nominations = new Nominations();
  const random = new SeededRandom(7);
  const filters = [taintToleration, nodeResourcesFit(), interPodAffinity()];
  const selection = new NodeSelection({
    plugins: filters.map((plugin) => ({ plugin, weight: 0 })),
    nominations,
    random,
    nodesToFind: (count) => count,
  });
  const plugin = defaultPreemption({ nominations, random, budgets: () => budgets });
  const pod = aPod('vip', { priority: 100, requests: { cpu: '1' }, ...incoming });
  const context = contextOf(state, pod);
  const selected = selection.select(context);
  assert.ok(selected.kind === 'none', 'the pod needs room');
  const outcome = plugin.postFilter?.(context, selected.diagnosis, (row) => selection.check(context, row));
  assert.deepEqual(selection.select(context), selected, 'trying things out leaves no trace');
  return outcome?.kind === 'nominated'
    ? `${outcome.nodeName}: ${outcome.victims.map(({ metadata }) => metadata.name).join(' ')}`
    : (outcome?.message ?? '');
}

const cases: readonly Case[] = [
  {
    name: 'one victim is enough, the least important',
    cores: { a: 2 },
    pods: [running('low', 'a', 1), running('mid', 'a', 5)],
    victims: 'a: low',
  },
  {
    name: 'among equals the younger goes',
    cores: { a: 2 },
    pods: [running('old', 'a', 1, { since: OLD }), running('young', 'a', 1, { since: YOUNG })],
    victims: 'a: young',
  },
  {
    name: 'a node with lower victims is preferred',
    cores: { a: 1, b: 1 },
    pods: [running('five', 'a', 5), running('three', 'b', 3)],
    victims: 'b: three',
  },
  {
    name: 'then one with fewer victims',
    cores: { a: 2, b: 2 },
    pods: [
      running('a-1', 'a', 1),
      running('a-2', 'a', 1),
      running('b-1', 'b', 1, { requests: { cpu: '2' } }),
    ],
    incoming: { requests: { cpu: '2' } },
    victims: 'b: b-1',
  },
  {
    name: 'then one whose victim started last',
    cores: { a: 1, b: 1 },
    pods: [running('old', 'a', 1, { since: OLD }), running('young', 'b', 1, { since: YOUNG })],
    victims: 'b: young',
  },
  {
    name: 'a budget is kept where another node allows it',
    cores: { a: 1, b: 1 },
    pods: [running('guarded', 'a', 1, { labels: { app: 'db' } }), running('free', 'b', 9)],
    budgets: [budget({ app: 'db' }, 0)],
    victims: 'b: free',
  },
  {
    name: 'a budget is broken where nothing else helps',
    cores: { a: 1 },
    pods: [running('guarded', 'a', 1, { labels: { app: 'db' } })],
    budgets: [budget({ app: 'db' }, 0)],
    victims: 'a: guarded',
  },
  {
    name: 'on one node, pods without a budget go first',
    cores: { a: 2 },
    pods: [running('guarded', 'a', 1, { labels: { app: 'db' } }), running('free', 'a', 5)],
    budgets: [budget({ app: 'db' }, 0)],
    victims: 'a: free',
  },
  {
    name: 'pods of the same priority are safe',
    cores: { a: 1 },
    pods: [running('equal', 'a', 100)],
    victims: 'preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
  },
  {
    name: 'nodes that are too small, or refuse for another reason, cannot be helped',
    cores: { a: 1, tiny: 0 },
    pods: [running('equal', 'a', 100)],
    victims:
      'preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
  },
  {
    name: 'a pod that others must avoid can be the victim',
    cores: { a: 4 },
    pods: [
      running('hermit', 'a', 1, {
        spec: {
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'vip' } } },
              ],
            },
          },
        },
      }),
      running('other', 'a', 1),
    ],
    incoming: { labels: { app: 'vip' } },
    victims: 'a: hermit',
  },
];

for (const { name, victims, ...given } of cases) {
  test(`DefaultPreemption: ${name}`, () => {
    assert.equal(preempt(given), victims);
  });
}

test('DefaultPreemption: a pod waits while the victims on its nominated node are going', () => {
  const going = running('going', 'a', 1, { isTerminating: true });
  const pods = [
    {
      ...going,
      status: {
        ...going.status,
        conditions: [
          { type: 'DisruptionTarget' as const, status: 'True' as const, reason: 'PreemptionByScheduler' },
        ],
      },
    },
  ];
  assert.equal(
    preempt({ cores: { a: 1 }, pods, incoming: { status: { nominatedNodeName: 'a' } } }),
    'preemption: not eligible due to a terminating pod on the nominated node.',
  );
});
