import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api/types/core.v1.ts';
import { ObjectsInMemory } from '../../object-reader.fixture.ts';
import { admittedBy, outcomeOf, refusalOf, writeOf } from '../admission.fixture.ts';
import { podResources } from '#api/quota/pod-resources.ts';
import { LimitRanger } from './limit-ranger.ts';

function pluginWith(...limits: readonly object[]): LimitRanger {
  const reader = new ObjectsInMemory();
  reader.put({ kind: 'LimitRange', metadata: { name: 'l' }, spec: { limits } } as object);
  return new LimitRanger(reader);
}

/** @param text `req cpu=1 / lim cpu=2`; either may be left out */
function container(name: string, text: string): object {
  const listOf = (part: string) =>
    Object.fromEntries(
      [...(new RegExp(`${part} ([^/]+)`).exec(text)?.[1]?.trim().split(' ') ?? [])].map((item) =>
        item.split('='),
      ),
    );
  return {
    name,
    resources: {
      ...(text.includes('req') && { requests: listOf('req') }),
      ...(text.includes('lim') && { limits: listOf('lim') }),
    },
  };
}

test('limit ranger: containers get what they do not say, and the pod notes it', async () => {
  const plugin = pluginWith({
    type: 'Container',
    default: { cpu: '500m', memory: '1Gi' },
    defaultRequest: { cpu: '100m' },
  });
  const write = writeOf({
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: {
      containers: [container('a', 'lim cpu=1'), container('b', '')],
      initContainers: [container('i', 'req cpu=1 / lim cpu=1 memory=1')],
    },
  } as object);
  const admitted = await admittedBy<Pod>(plugin, write);
  assert.deepEqual(
    [admitted.spec.containers.map(({ resources }) => resources), admitted.metadata.annotations],
    [
      [
        { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m' } },
        { limits: { cpu: '500m', memory: '1Gi' }, requests: { cpu: '100m' } },
      ],
      {
        'kubernetes.io/limit-ranger':
          'LimitRanger plugin set: cpu request for container a; memory limit for container a; cpu request for container b; cpu, memory limit for container b',
      },
    ],
  );
});

const cases: readonly { name: string; item: object; resources: string; outcome: string }[] = [
  {
    name: 'within bounds',
    item: { type: 'Container', min: { cpu: '100m' }, max: { cpu: '2' } },
    resources: 'req cpu=1 / lim cpu=2',
    outcome: 'ok',
  },
  {
    name: 'too small a request',
    item: { type: 'Container', min: { cpu: '100m' } },
    resources: 'req cpu=50m',
    outcome: 'minimum cpu usage per Container is 100m, but request is 50m',
  },
  {
    name: 'no request',
    item: { type: 'Container', min: { cpu: '100m' } },
    resources: '',
    outcome: 'minimum cpu usage per Container is 100m.  No request is specified',
  },
  {
    name: 'too large a limit',
    item: { type: 'Container', max: { memory: '1Gi' } },
    resources: 'lim memory=2Gi',
    outcome: 'maximum memory usage per Container is 1Gi, but limit is 2Gi',
  },
  {
    name: 'no limit',
    item: { type: 'Container', max: { memory: '1Gi' } },
    resources: 'req memory=2Gi',
    outcome: 'maximum memory usage per Container is 1Gi.  No limit is specified',
  },
  {
    name: 'too wide a ratio',
    item: { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
    resources: 'req cpu=1 / lim cpu=3',
    outcome: 'cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000',
  },
  {
    name: 'two things at once',
    item: { type: 'Container', min: { cpu: '1' }, max: { memory: '1Gi' } },
    resources: 'req cpu=10m / lim memory=2Gi',
    outcome:
      '[minimum cpu usage per Container is 1, but request is 10m, maximum memory usage per Container is 1Gi, but limit is 2Gi]',
  },
  {
    name: 'the pod as a whole',
    item: { type: 'Pod', max: { cpu: '3' } },
    resources: 'req cpu=2 / lim cpu=2',
    outcome: 'maximum cpu usage per Pod is 3, but limit is 4',
  },
];

for (const { name, item, resources, outcome } of cases) {
  test(`limit ranger: ${name}`, async () => {
    const containers = [container('a', resources), container('b', resources)].slice(
      0,
      name.includes('whole') ? 2 : 1,
    );
    const result = await outcomeOf(
      pluginWith(item),
      writeOf({ kind: 'Pod', metadata: { name: 'p' }, spec: { containers } } as object),
    );
    assert.equal(
      typeof result === 'string' ? result : 'ok',
      outcome === 'ok' ? 'ok' : `403 pods "p" is forbidden: ${outcome}`,
    );
  });
}

test('limit ranger: claims have bounds too', async () => {
  const plugin = pluginWith({
    type: 'PersistentVolumeClaim',
    min: { storage: '1Gi' },
    max: { storage: '5Gi' },
  });
  const claim = (storage: string) =>
    refusalOf(
      plugin,
      writeOf({
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'c' },
        spec: { resources: { requests: { storage } } },
      } as object),
    );
  assert.equal(await claim('2Gi'), 'admitted');
  assert.match(
    await claim('9Gi'),
    /maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 9Gi/,
  );
  assert.match(
    await claim('1Mi'),
    /minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi/,
  );
});

test('pod resources: init containers count at their peak, sidecars and overhead add up', () => {
  const spec = {
    containers: [container('a', 'req cpu=1 memory=1Gi'), container('b', 'req cpu=500m')],
    initContainers: [
      container('i', 'req cpu=3'),
      { ...container('s', 'req cpu=200m'), restartPolicy: 'Always' },
      container('j', 'req memory=4Gi'),
    ],
    overhead: { cpu: '100m' },
  };
  const write = writeOf({ kind: 'Pod', metadata: { name: 'p' }, spec } as object);
  assert.deepEqual(podResources(write.object as unknown as Pod, 'requests'), { cpu: '3100m', memory: '4Gi' });
});
