import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REPLICA_SET, SERVICE } from '#api/types/resources.ts';
import type { TopologySpreadConstraint } from '#api/types/core.v1.ts';
import { StaticInformers } from '#client/static-informers.ts';
import { aNode, aPod } from '../../cluster.fixture.ts';
import { filterAll, scoreAll, stateOf } from '../plugin.fixture.ts';
import { InformedSelectors, NO_OWN_SELECTORS } from './own-selectors.ts';
import { podTopologySpread } from './pod-topology-spread.ts';

const ZONE = 'topology.kubernetes.io/zone';
const SKEWED = "node(s) didn't match pod topology spread constraints";
const plugin = podTopologySpread({ ownSelectors: NO_OWN_SELECTORS });

/** One node per letter, in the zone of that name, with that many pods labelled `app: web`. */
function zones(counts: Readonly<Record<string, number>>) {
  return stateOf(
    Object.keys(counts).map((zone) => aNode(zone, { labels: { [ZONE]: zone } })),
    Object.entries(counts).flatMap(([zone, count]) =>
      Array.from({ length: count }, (_, index) =>
        aPod(`${zone}-${index}`, {
          nodeName: zone,
          labels: { app: 'web', version: index === 0 ? '1' : '2' },
        }),
      ),
    ),
  );
}

function webPod(constraint: Partial<TopologySpreadConstraint>, labels = { app: 'web', version: '2' }) {
  return aPod('new', {
    labels,
    spec: {
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: ZONE,
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app: 'web' } },
          ...constraint,
        },
      ],
    },
  });
}

const cases: readonly {
  name: string;
  counts: Readonly<Record<string, number>>;
  constraint?: Partial<TopologySpreadConstraint>;
  labels?: { app: string; version: string };
  fits: string;
}[] = [
  { name: 'all domains while even', counts: { a: 1, b: 1 }, fits: 'ab' },
  { name: 'the emptiest domain only at the limit', counts: { a: 2, b: 1, c: 1 }, fits: 'bc' },
  { name: 'a wider skew lets more in', counts: { a: 2, b: 1 }, constraint: { maxSkew: 2 }, fits: 'ab' },
  {
    name: 'a pod that is not counted itself may use the last place',
    counts: { a: 2, b: 1 },
    labels: { app: 'db', version: '1' },
    fits: 'ab',
  },
  {
    name: 'too few domains count as an empty one',
    counts: { a: 1, b: 1 },
    constraint: { minDomains: 3 },
    fits: '',
  },
  { name: 'enough domains do not', counts: { a: 1, b: 1 }, constraint: { minDomains: 2 }, fits: 'ab' },
  {
    name: 'match label keys count one version only',
    counts: { a: 3, b: 1 },
    constraint: { matchLabelKeys: ['version'] },
    fits: 'b',
  },
  {
    name: 'a selector without requirements counts no pods',
    counts: { a: 5, b: 0 },
    constraint: { labelSelector: {} },
    fits: 'ab',
  },
];

for (const { name, counts, constraint = {}, labels, fits } of cases) {
  test(`PodTopologySpread: ${name}`, () => {
    const verdicts = filterAll(plugin, zones(counts), webPod(constraint, labels));
    assert.deepEqual(
      verdicts,
      Object.fromEntries(Object.keys(counts).map((zone) => [zone, fits.includes(zone) ? 'ok' : SKEWED])),
    );
  });
}

test('PodTopologySpread: a node without the label is out, and no removal of pods helps', () => {
  const state = stateOf([aNode('bare')]);
  assert.deepEqual(filterAll(plugin, state, webPod({})), { bare: `${SKEWED} (missing required label)` });
});

test('PodTopologySpread: pods that are going, or in another namespace, do not count', () => {
  const state = stateOf(
    [aNode('a', { labels: { [ZONE]: 'a' } }), aNode('b', { labels: { [ZONE]: 'b' } })],
    [
      aPod('going', { nodeName: 'a', labels: { app: 'web' }, isTerminating: true }),
      aPod('elsewhere', { nodeName: 'a', labels: { app: 'web' }, namespace: 'other' }),
    ],
  );
  assert.deepEqual(filterAll(plugin, state, webPod({})), { a: 'ok', b: 'ok' });
});

test('PodTopologySpread: nodes the pod cannot use count unless it says so', () => {
  const state = stateOf(
    [aNode('a', { labels: { [ZONE]: 'a', disk: 'ssd' } }), aNode('b', { labels: { [ZONE]: 'b' } })],
    [aPod('there', { nodeName: 'a', labels: { app: 'web' } })],
  );
  const picky = (policy: 'Honor' | 'Ignore') => {
    const pod = webPod({ nodeAffinityPolicy: policy });
    return { ...pod, spec: { ...pod.spec, nodeSelector: { disk: 'ssd' } } };
  };
  assert.deepEqual(filterAll(plugin, state, picky('Honor')), { a: 'ok', b: 'ok' });
  assert.deepEqual(filterAll(plugin, state, picky('Ignore')), { a: SKEWED, b: 'ok' });
});

test('PodTopologySpread: when it may not insist, fewer alike pods score higher', () => {
  const scores = scoreAll(
    plugin,
    zones({ a: 3, b: 1, c: 0 }),
    webPod({ whenUnsatisfiable: 'ScheduleAnyway' }),
  );
  assert.deepEqual(scores, { a: 0, b: 60, c: 100 });
});

test('PodTopologySpread: pods without constraints spread with those of their service and owner', async () => {
  await using informers = new StaticInformers();
  informers.set(SERVICE, {
    metadata: { namespace: 'default', name: 'web' },
    spec: { selector: { app: 'web' } },
  });
  informers.set(REPLICA_SET, {
    metadata: { namespace: 'default', name: 'web-1' },
    spec: { selector: { matchLabels: { version: '2' } } },
  });
  using selectors = new InformedSelectors(informers);
  informers.start();
  const spreading = podTopologySpread({ ownSelectors: selectors });
  const state = zones({ a: 2, b: 1 });
  const plain = aPod('plain', { labels: { app: 'web' } });
  assert.deepEqual(scoreAll(spreading, state, plain), { a: 75, b: 100 });
  const owned = aPod('owned', {
    labels: { app: 'web', version: '2' },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'u', controller: true },
    ],
  });
  assert.deepEqual(scoreAll(spreading, state, owned), { a: 66, b: 100 });
  informers.delete(SERVICE, 'default/web');
  assert.equal(scoreAll(spreading, state, plain), 'skip');
});
