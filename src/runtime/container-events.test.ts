import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#base/virtual-clock.ts';
import { ContainerEventHub } from './container-events.ts';
import type { ContainerChange, ContainerEvent } from './cri.ts';

function change(containerId: string): ContainerChange {
  return { type: 'started', containerId, podSandboxId: 'p', podUid: 'u', atMs: 0 };
}

test('container events: a subscription starts at the call, not at the first read', async () => {
  const hub = new ContainerEventHub(new VirtualClock());
  const events = hub.subscribe(new AbortController().signal);
  hub.publish(change('1'));
  hub.close();
  const seen: ContainerEvent[] = [];
  for await (const event of events) {
    seen.push(event);
  }
  assert.deepEqual(seen, [change('1')]);
});

test('container events: who falls too far behind is told once, and others are not held up', async () => {
  const hub = new ContainerEventHub(new VirtualClock());
  const slow = hub.subscribe(new AbortController().signal)[Symbol.asyncIterator]();
  for (let index = 0; index < 10_005; index++) {
    hub.publish(change(String(index)));
  }
  const types = new Map<string, number>();
  for (let index = 0; index < 10_001; index++) {
    const { value } = (await slow.next()) as { value: ContainerEvent };
    types.set(value.type, (types.get(value.type) ?? 0) + 1);
  }
  assert.deepEqual(Object.fromEntries(types), { started: 10_000, overflow: 1 });
  hub.publish(change('after'));
  assert.deepEqual((await slow.next()).value, change('after'));
  hub.close();
});

test('container events: an aborted subscription ends', async () => {
  const hub = new ContainerEventHub(new VirtualClock());
  const controller = new AbortController();
  const events = hub.subscribe(controller.signal)[Symbol.asyncIterator]();
  const next = events.next();
  controller.abort();
  assert.equal((await next).done, true);
});
