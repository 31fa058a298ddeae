import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api/types/core.v1.ts';
import { aContainer, aPod } from '../pod/pod.fixture.ts';
import { PodBench } from '../pod/pod-workers.fixture.ts';
import { evictionMessage, HARD_THRESHOLDS, nextToEvict, shortagesOf } from './eviction-order.ts';
import type { NodeSupply } from './node-supply.ts';
import { PressureWatch } from './pressure-watch.ts';

const MIB = 2 ** 20;
const DISK = { availableBytes: 50, capacityBytes: 100, inodesFree: 50, inodes: 100 };
const PLENTY: NodeSupply = { memoryAvailableBytes: 500 * MIB, nodeFs: DISK, imageFs: DISK };

test('shortages: each signal has its threshold', () => {
  const cases: readonly (readonly [Partial<NodeSupply>, string])[] = [
    [{}, ''],
    [{ memoryAvailableBytes: 50 * MIB }, 'memory 100Mi 50Mi'],
    [{ nodeFs: { ...DISK, inodesFree: 4 } }, 'inodes 5 4'],
    [
      { imageFs: { ...DISK, capacityBytes: 1000 * MIB, availableBytes: 100 * MIB } },
      'ephemeral-storage 150Mi 100Mi',
    ],
  ];
  for (const [supply, expected] of cases) {
    const found = shortagesOf({ ...PLENTY, ...supply }, HARD_THRESHOLDS);
    assert.equal(
      found.map((each) => `${each.resource} ${each.threshold} ${each.available}`).join(),
      expected,
    );
  }
});

function candidate(
  name: string,
  usedMib: number,
  requestMib: number,
  priority = 0,
): { pod: Pod; usedBytes: number } {
  const resources = { requests: { memory: `${requestMib}Mi` } };
  const pod = aPod({ priority, containers: [aContainer({ resources })] }, { name }) as unknown as Pod;
  return { pod, usedBytes: usedMib * MIB };
}

test('eviction order: users beyond their request first, then the least important, then the greediest', () => {
  const modest = candidate('modest', 90, 100);
  const greedy = candidate('greedy', 300, 100);
  const greedier = candidate('greedier', 400, 100);
  const important = candidate('important', 900, 100, 1000);
  const critical = candidate('critical', 900, 100, 2_000_001_000);
  const first = (...all: ReturnType<typeof candidate>[]): string | undefined =>
    nextToEvict(all, 'memory')?.pod.metadata.name;
  assert.equal(first(modest, greedy, greedier, important, critical), 'greedier');
  assert.equal(first(modest, important, critical), 'important');
  assert.equal(first(modest, critical), 'modest');
  assert.equal(first(critical), undefined);
  assert.equal(
    evictionMessage(greedy, { resource: 'memory', threshold: '100Mi', available: '50Mi' }),
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ' +
      'Container main was using 300Mi, request is 100Mi, has larger consumption of memory. ',
  );
});

test('pressure watch: one pod goes while memory is short, and the node says so for five minutes', async () => {
  await using bench = await PodBench.open();
  bench.create(aPod({}, { name: 'a', uid: 'uid-a' }));
  bench.create(aPod({ priority: 5 }, { name: 'b', uid: 'uid-b' }));
  await bench.until('both run', () =>
    ['a', 'b'].every((name) => bench.summary(`default/${name}`) === 'Running main:running*'),
  );
  let supply: NodeSupply = { ...PLENTY, memoryAvailableBytes: 10 * MIB };
  const watch = new PressureWatch({
    clock: bench.clock,
    log: bench.log,
    events: bench.recorder,
    runtime: bench.runtime,
    workers: bench.workers,
    supply: () => Promise.resolve(supply),
    freeImages: () => Promise.resolve(false),
    thresholds: HARD_THRESHOLDS,
  });
  await watch.look();
  await bench.advance(2);
  await bench.until('evicted', () => bench.pod('default/a').status.reason === 'Evicted');
  assert.equal(bench.pod('default/a').status.phase, 'Failed');
  const target = bench.pod('default/a').status.conditions?.find(({ type }) => type === 'DisruptionTarget');
  assert.equal(target?.reason, 'TerminationByKubelet');
  assert.equal(bench.pod('default/b').status.phase, 'Running');
  supply = PLENTY;
  await watch.look();
  assert.deepEqual(watch.pressure(), { memory: true, disk: false, pid: false });
  await bench.clock.advance(5 * 60_000);
  assert.deepEqual(watch.pressure(), { memory: false, disk: false, pid: false });
});
