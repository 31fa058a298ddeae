import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, ReplicaSet } from '#api/types/apps.v1.ts';
import { DEPLOYMENT, REPLICA_SET } from '#api/types/resources.ts';
import { StaticInformers } from '#client/static-informers.ts';
import { planScaling } from './proportional-plan.ts';
import { newSetSize, shrinkOldSets } from './rolling-plan.ts';

type Bound = number | string;

interface Row {
  readonly name: string;
  readonly replicas: number;
  readonly surge: Bound;
  readonly unavailable: Bound;
  /** `size/available` of the new set, then of the old sets from the oldest on. */
  readonly sets: string;
  readonly newSize: number;
  readonly shrink: string;
}

function aDeployment(replicas: number, maxSurge: Bound, maxUnavailable: Bound): Deployment {
  return new StaticInformers().set(DEPLOYMENT, {
    metadata: { namespace: 'ns', name: 'web' },
    spec: { replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } },
  });
}

/** Sets named `new`, `old-1`, `old-2`, … `max` is what the size annotation says of the deployment at their time. */
function someSets(
  sketch: string,
  before?: { readonly wanted: number; readonly max: number },
): readonly ReplicaSet[] {
  const informers = new StaticInformers();
  return sketch.split(' ').map((text, index) => {
    const [replicas = 0, availableReplicas = 0] = text.split('/').map(Number);
    const annotations =
      before === undefined
        ? {}
        : {
            'deployment.kubernetes.io/desired-replicas': String(before.wanted),
            'deployment.kubernetes.io/max-replicas': String(before.max),
          };
    return informers.set(REPLICA_SET, {
      metadata: {
        namespace: 'ns',
        name: index === 0 ? 'new' : `old-${index}`,
        creationTimestamp: `2026-01-0${index === 0 ? 9 : index}T00:00:00Z`,
        annotations,
      },
      spec: { replicas },
      status: { replicas, availableReplicas },
    });
  });
}

const rows: readonly Row[] = [
  {
    name: 'first rollout',
    replicas: 3,
    surge: '25%',
    unavailable: '25%',
    sets: '0/0',
    newSize: 3,
    shrink: '',
  },
  {
    name: 'room for the surge only',
    replicas: 10,
    surge: 2,
    unavailable: 2,
    sets: '0/0 10/10',
    newSize: 2,
    shrink: 'old-1=8',
  },
  {
    name: 'new pods not available yet',
    replicas: 10,
    surge: 2,
    unavailable: 2,
    sets: '2/0 8/8',
    newSize: 4,
    shrink: '',
  },
  {
    name: 'new pods available',
    replicas: 10,
    surge: 2,
    unavailable: 2,
    sets: '4/4 8/8',
    newSize: 4,
    shrink: 'old-1=4',
  },
  {
    name: 'unhealthy old pods go first',
    replicas: 10,
    surge: 0,
    unavailable: 2,
    sets: '0/0 5/5 5/2',
    newSize: 0,
    shrink: 'old-2=3',
  },
  {
    name: 'oldest set shrinks first',
    replicas: 4,
    surge: 1,
    unavailable: 1,
    sets: '0/0 2/2 2/2',
    newSize: 1,
    shrink: 'old-1=1',
  },
  {
    name: 'both bounds zero still moves',
    replicas: 3,
    surge: 0,
    unavailable: 0,
    sets: '0/0 3/3',
    newSize: 0,
    shrink: 'old-1=2',
  },
  {
    name: 'percentages: surge up, unavailable down',
    replicas: 3,
    surge: '25%',
    unavailable: '25%',
    sets: '0/0 3/3',
    newSize: 1,
    shrink: '',
  },
  {
    name: 'scaled down below the new set',
    replicas: 2,
    surge: 1,
    unavailable: 1,
    sets: '5/5',
    newSize: 2,
    shrink: '',
  },
  {
    name: 'to nothing',
    replicas: 0,
    surge: '25%',
    unavailable: '25%',
    sets: '0/0 3/3',
    newSize: 0,
    shrink: 'old-1=0',
  },
];

for (const { name, replicas, surge, unavailable, sets, newSize, shrink } of rows) {
  test(`rolling plan: ${name}`, () => {
    const deployment = aDeployment(replicas, surge, unavailable);
    const [newSet, ...oldSets] = someSets(sets);
    assert.ok(newSet);
    assert.equal(newSetSize(deployment, [newSet, ...oldSets], newSet.spec.replicas ?? 0), newSize);
    const shrunk = shrinkOldSets(deployment, newSet, oldSets);
    assert.equal(shrunk.map((resize) => `${resize.set.metadata.name}=${resize.replicas}`).join(' '), shrink);
  });
}

const scalings: readonly {
  name: string;
  from: number;
  to: number;
  surge: number;
  sets: string;
  sizes: string;
}[] = [
  { name: 'one active set follows', from: 10, to: 12, surge: 0, sets: '10/10 0/0', sizes: 'new=12' },
  { name: 'in proportion upwards', from: 10, to: 15, surge: 0, sets: '5/5 5/5', sizes: 'new=8 old-1=7' },
  { name: 'in proportion with surge', from: 10, to: 20, surge: 2, sets: '4/0 8/8', sizes: 'old-1=15 new=7' },
  { name: 'in proportion downwards', from: 10, to: 5, surge: 0, sets: '5/5 5/5', sizes: 'old-1=2 new=3' },
  { name: 'to nothing', from: 10, to: 0, surge: 0, sets: '5/5 5/5', sizes: 'old-1=0 new=0' },
  { name: 'new set alone serves', from: 5, to: 5, surge: 1, sets: '5/5 1/1', sizes: 'old-1=0' },
];

for (const { name, from, to, surge, sets, sizes } of scalings) {
  test(`scaling plan: ${name}`, () => {
    const [newSet, ...oldSets] = someSets(sets, { wanted: from, max: from + surge });
    const plan = planScaling(aDeployment(to, surge, 1), newSet, oldSets);
    assert.equal(plan.map(({ set, replicas }) => `${set.metadata.name}=${replicas}`).join(' '), sizes);
  });
}
