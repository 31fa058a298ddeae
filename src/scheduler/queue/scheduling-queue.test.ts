import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#base/virtual-clock.ts';
import { aNode, aPod } from '../cluster.fixture.ts';
import type { QueuedPod } from './queued-pod.ts';
import type { QueueingHint } from '../framework/plugin.ts';
import { SchedulingQueue } from './scheduling-queue.ts';
import type { HintTable } from './waiting-room.ts';

const HINTS: HintTable = new Map<string, readonly QueueingHint[]>([
  ['Fit', [{ events: ['AssignedPodDelete'] }]],
  ['Taint', [{ events: ['NodeTaintUpdate'], mayHelp: (pod) => pod.metadata.name === 'lucky' }]],
]);

function aQueue() {
  const clock = new VirtualClock();
  const queue = new SchedulingQueue({
    clock,
    hints: HINTS,
    gateOf: ({ spec }) => spec.schedulingGates?.[0]?.name,
    onReady: () => undefined,
  });
  return { clock, queue, [Symbol.dispose]: () => queue.close() };
}

function popped(queue: SchedulingQueue): QueuedPod {
  const next = queue.pop();
  assert.ok(next !== undefined, 'a pod is ready');
  return next;
}

const nameOf = (queued: QueuedPod | undefined): string | undefined => queued?.pod.metadata.name;

test('SchedulingQueue: priority first, then order of arrival', async () => {
  using fixture = aQueue();
  const { queue, clock } = fixture;
  for (const [name, priority] of [
    ['a', 1],
    ['b', 5],
    ['c', 1],
    ['d', 5],
  ] as const) {
    queue.set(aPod(name, { priority }));
    await clock.advance(1);
  }
  assert.deepEqual(
    [1, 2, 3, 4].map(() => nameOf(queue.pop())),
    ['b', 'd', 'a', 'c'],
  );
});

test('SchedulingQueue: a refused pod wakes at an event that its plugin cares about, and no other', () => {
  using fixture = aQueue();
  const { queue } = fixture;
  queue.set(aPod('web'));
  queue.giveBack(popped(queue), new Set(['Fit']));
  queue.onEvent({ kind: 'NodeTaintUpdate', node: aNode('a') });
  assert.deepEqual(queue.sizes(), { active: 0, backoff: 0, unschedulable: 1, gated: 0 });
  queue.onEvent({ kind: 'AssignedPodDelete', pod: aPod('other') });
  assert.deepEqual(queue.sizes(), { active: 0, backoff: 1, unschedulable: 0, gated: 0 });
});

test('SchedulingQueue: a hint may look at pod and event', () => {
  using fixture = aQueue();
  const { queue } = fixture;
  for (const name of ['lucky', 'other']) {
    queue.set(aPod(name));
    queue.giveBack(popped(queue), new Set(['Taint']));
  }
  queue.onEvent({ kind: 'NodeTaintUpdate', node: aNode('a') });
  assert.deepEqual([nameOf(queue.pop()), nameOf(queue.pop())], ['lucky', undefined]);
});

test('SchedulingQueue: a plugin without hints is helped by anything', () => {
  using fixture = aQueue();
  const { queue } = fixture;
  queue.set(aPod('web'));
  queue.giveBack(popped(queue), new Set(['Unknown']));
  queue.onEvent({ kind: 'VolumeChange' });
  assert.equal(nameOf(queue.pop()), 'web');
});

test('SchedulingQueue: errors back off for 1, 2, 4, 8 and then 10 seconds', async () => {
  using fixture = aQueue();
  const { queue, clock } = fixture;
  queue.set(aPod('web'));
  for (const seconds of [1, 2, 4, 8, 10, 10]) {
    queue.retryLater(popped(queue));
    await clock.advance(seconds * 1000 - 1);
    assert.equal(queue.pop(), undefined);
    await clock.advance(1);
  }
  assert.equal(nameOf(queue.pop()), 'web');
});

test('SchedulingQueue: a pod that backs off lets others go first, and is tried early when there are none', () => {
  using fixture = aQueue();
  const { queue } = fixture;
  queue.set(aPod('early', { priority: 9 }));
  queue.giveBack(popped(queue), new Set(['Fit']));
  queue.onEvent({ kind: 'AssignedPodDelete', pod: aPod('gone') });
  queue.set(aPod('late'));
  assert.deepEqual([nameOf(queue.pop()), nameOf(queue.pop())], ['late', 'early']);
});

test('SchedulingQueue: no pod waits longer than five minutes and a bit', async () => {
  using fixture = aQueue();
  const { queue, clock } = fixture;
  queue.set(aPod('web'));
  queue.giveBack(popped(queue), new Set(['Fit']));
  await clock.advance(299_000);
  assert.equal(queue.pop(), undefined);
  await clock.advance(31_000);
  assert.equal(nameOf(queue.pop()), 'web');
});

test('SchedulingQueue: a gated pod enters when its gate is gone', () => {
  using fixture = aQueue();
  const { queue } = fixture;
  const gated = aPod('web', { spec: { schedulingGates: [{ name: 'wait' }] } });
  queue.set(gated);
  assert.deepEqual([queue.sizes().gated, queue.pop()], [1, undefined]);
  queue.set({ ...gated, spec: { ...gated.spec, schedulingGates: [] } });
  assert.deepEqual([queue.sizes().gated, nameOf(queue.pop())], [0, 'web']);
});

test('SchedulingQueue: a pod deleted on its way is not given back', () => {
  using fixture = aQueue();
  const { queue } = fixture;
  const pod = aPod('web');
  queue.set(pod);
  const tried = popped(queue);
  queue.delete(pod.metadata.uid);
  queue.giveBack(tried, new Set(['Fit']));
  assert.deepEqual(queue.sizes(), { active: 0, backoff: 0, unschedulable: 0, gated: 0 });
});

test('SchedulingQueue: an update on the way is what is tried next', () => {
  using fixture = aQueue();
  const { queue } = fixture;
  const pod = aPod('web');
  queue.set(pod);
  const tried = popped(queue);
  const updated = { ...pod, metadata: { ...pod.metadata, labels: { app: 'web' } } };
  queue.set(updated);
  queue.giveBack(tried, new Set(['Unknown']));
  queue.onEvent({ kind: 'VolumeChange' });
  assert.equal(queue.pop()?.pod, updated);
});
