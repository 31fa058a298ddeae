import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Affinity, PodAffinityTerm } from '#api/types/core.v1.ts';
import { aNode, aPod } from '../../cluster.fixture.ts';
import { filterAll, scoreAll, stateOf } from '../plugin.fixture.ts';
import { interPodAffinity } from './inter-pod-affinity.ts';

const ZONE = 'zone';
const AFFINITY = "node(s) didn't match pod affinity rules";
const ANTI = "node(s) didn't match pod anti-affinity rules";
const EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules";
const plugin = interPodAffinity();

const near = (app: string, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: ZONE,
  labelSelector: { matchLabels: { app } },
  ...more,
});
const mustBeNear = (...terms: readonly PodAffinityTerm[]): Affinity => ({
  podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const mustAvoid = (...terms: readonly PodAffinityTerm[]): Affinity => ({
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});

/** Zone 1 holds nodes a and b, zone 2 node c; `bare` is in no zone. A pod labelled `app: db` runs on a. */
function cluster(dbAffinity: Affinity = {}, namespace = 'default') {
  const state = stateOf(
    [
      aNode('a', { labels: { [ZONE]: '1' } }),
      aNode('b', { labels: { [ZONE]: '1' } }),
      aNode('c', { labels: { [ZONE]: '2' } }),
      aNode('bare'),
    ],
    [aPod('db', { nodeName: 'a', labels: { app: 'db' }, namespace, spec: { affinity: dbAffinity } })],
  );
  state.setNamespace('default', { team: 'x' });
  state.setNamespace('other', { team: 'y' });
  return state;
}

const web = (affinity: Affinity) => aPod('web', { labels: { app: 'web' }, spec: { affinity } });
const OK = 'ok';

const cases: readonly {
  name: string;
  state: ReturnType<typeof cluster>;
  affinity: Affinity;
  verdicts: object | string;
}[] = [
  { name: 'nothing to say about a pod that minds nobody', state: cluster(), affinity: {}, verdicts: 'skip' },
  {
    name: 'a pod follows another into its domain',
    state: cluster(),
    affinity: mustBeNear(near('db')),
    verdicts: { a: OK, b: OK, c: AFFINITY, bare: AFFINITY },
  },
  {
    name: 'a pod that follows nobody there waits',
    state: cluster(),
    affinity: mustBeNear(near('cache')),
    verdicts: { a: AFFINITY, b: AFFINITY, c: AFFINITY, bare: AFFINITY },
  },
  {
    name: 'the first of a group starts anywhere in a domain',
    state: cluster(),
    affinity: mustBeNear(near('web')),
    verdicts: { a: OK, b: OK, c: OK, bare: AFFINITY },
  },
  {
    name: 'one pod must satisfy all terms',
    state: cluster(),
    affinity: mustBeNear(near('db'), near('web')),
    verdicts: { a: AFFINITY, b: AFFINITY, c: AFFINITY, bare: AFFINITY },
  },
  {
    name: 'a pod keeps away from another',
    state: cluster(),
    affinity: mustAvoid(near('db')),
    verdicts: { a: ANTI, b: ANTI, c: OK, bare: OK },
  },
  {
    name: 'a placed pod keeps others away',
    state: cluster(mustAvoid(near('web'))),
    affinity: {},
    verdicts: { a: EXISTING, b: EXISTING, c: OK, bare: OK },
  },
  {
    name: 'other namespaces do not matter by default',
    state: cluster({}, 'other'),
    affinity: mustAvoid(near('db')),
    verdicts: { a: OK, b: OK, c: OK, bare: OK },
  },
  {
    name: 'namespaces can be listed',
    state: cluster({}, 'other'),
    affinity: mustAvoid(near('db', { namespaces: ['other'] })),
    verdicts: { a: ANTI, b: ANTI, c: OK, bare: OK },
  },
  {
    name: 'namespaces can be chosen by label',
    state: cluster({}, 'other'),
    affinity: mustAvoid(near('db', { namespaceSelector: { matchLabels: { team: 'y' } } })),
    verdicts: { a: ANTI, b: ANTI, c: OK, bare: OK },
  },
  {
    name: 'an empty namespace selector means all',
    state: cluster({}, 'other'),
    affinity: mustAvoid(near('db', { namespaceSelector: {} })),
    verdicts: { a: ANTI, b: ANTI, c: OK, bare: OK },
  },
  {
    name: 'a missing label selector chooses nobody',
    state: cluster(),
    affinity: mustAvoid({ topologyKey: ZONE }),
    verdicts: { a: OK, b: OK, c: OK, bare: OK },
  },
];

for (const { name, state, affinity, verdicts } of cases) {
  test(`InterPodAffinity: ${name}`, () => {
    assert.deepEqual(filterAll(plugin, state, web(affinity)), verdicts);
  });
}

test('InterPodAffinity: a change of namespace labels is seen', () => {
  const state = cluster({}, 'other');
  const pod = web(mustAvoid(near('db', { namespaceSelector: { matchLabels: { team: 'z' } } })));
  assert.deepEqual(filterAll(plugin, state, pod), { a: OK, b: OK, c: OK, bare: OK });
  state.setNamespace('other', { team: 'z' });
  assert.deepEqual(filterAll(plugin, state, pod), { a: ANTI, b: ANTI, c: OK, bare: OK });
});

test('InterPodAffinity: preferences pull and push, from both sides', () => {
  const towardsDb: Affinity = {
    podAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: near('db') }],
    },
  };
  const awayFromWeb: Affinity = {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 40, podAffinityTerm: near('web') }],
    },
  };
  assert.deepEqual(scoreAll(plugin, cluster(), web(towardsDb)), { a: 100, b: 100, c: 0, bare: 0 });
  assert.deepEqual(scoreAll(plugin, cluster(awayFromWeb), web(towardsDb)), { a: 0, b: 0, c: 100, bare: 100 });
  assert.deepEqual(scoreAll(plugin, cluster(mustBeNear(near('web'))), web({})), {
    a: 100,
    b: 100,
    c: 0,
    bare: 0,
  });
  assert.equal(scoreAll(plugin, cluster(), web({})), 'skip');
});
