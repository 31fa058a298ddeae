import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LEASE, NODE, POD } from '#api/types/resources.ts';
import type { MemoryTransport } from '#client/memory-transport.ts';
import { aPod } from '../pods/pod.fixture.ts';
import { controllerHarness, type ControllerHarness } from '../runner/controller-harness.fixture.ts';
import { TaintEvictionController } from '../taint-eviction/taint-eviction-controller.ts';
import { NodeLifecycleController } from './node-lifecycle-controller.ts';

const SINCE = '2026-01-01T00:00:00Z';
const tolerations = ['not-ready', 'unreachable'].map((name) => ({
  key: `node.kubernetes.io/${name}`,
  operator: 'Exists' as const,
  effect: 'NoExecute' as const,
  tolerationSeconds: 300,
}));

function putNode(
  transport: MemoryTransport,
  name: string,
  ready: 'True' | 'False' = 'True',
  unschedulable = false,
): void {
  const condition = {
    type: 'Ready',
    status: ready,
    lastHeartbeatTime: SINCE,
    lastTransitionTime: SINCE,
    reason: 'KubeletReady',
  };
  transport.put(NODE, { metadata: { name }, spec: { unschedulable }, status: { conditions: [condition] } });
}

function renew(transport: MemoryTransport, name: string, renewTime: string): void {
  transport.put(LEASE, { metadata: { namespace: 'kube-node-lease', name }, spec: { renewTime } });
}

async function start(...nodes: readonly string[]): Promise<ControllerHarness> {
  return await controllerHarness(
    (deps) => [new NodeLifecycleController(deps), new TaintEvictionController(deps)],
    (transport) => nodes.forEach((name) => putNode(transport, name)),
  );
}

/** Lets time pass while the kubelets of `alive` renew their leases every ten seconds. */
async function pass(harness: ControllerHarness, seconds: number, ...alive: readonly string[]): Promise<void> {
  for (let elapsed = 0; elapsed < seconds; elapsed += 10) {
    alive.forEach((name) => renew(harness.transport, name, new Date(harness.clock.nowMs()).toISOString()));
    await harness.clock.advance(10_000);
  }
}

const ready = ({ transport }: ControllerHarness, name: string) =>
  transport.peek(NODE, name)?.status.conditions?.[0]?.status;
const taints = ({ transport }: ControllerHarness, name: string) =>
  (transport.peek(NODE, name)?.spec.taints ?? [])
    .map(({ key, effect }) => `${key.split('/')[1]}:${effect}`)
    .join(' ');

test('node lifecycle: a silent kubelet makes its node unknown, its pods not ready, and in time gone', async () => {
  await using harness = await start('well', 'silent');
  const pod = aPod({ name: 'p', node: 'silent', readySince: SINCE });
  harness.transport.put(POD, { ...pod, spec: { ...pod.spec, tolerations } });
  await pass(harness, 40, 'well');
  assert.equal(ready(harness, 'silent'), 'True');
  await pass(harness, 20, 'well');
  assert.equal(ready(harness, 'silent'), 'Unknown');
  assert.equal(taints(harness, 'silent'), 'unreachable:NoSchedule unreachable:NoExecute');
  assert.equal(harness.transport.peek(POD, 'ns/p')?.status.conditions?.[0]?.status, 'False');
  await pass(harness, 280, 'well');
  assert.ok(harness.transport.peek(POD, 'ns/p'));
  await pass(harness, 30, 'well');
  assert.equal(harness.transport.peek(POD, 'ns/p'), undefined);
  assert.equal(ready(harness, 'well'), 'True');
  assert.equal(taints(harness, 'well'), '');
});

test('node lifecycle: a kubelet that comes back keeps its pods', async () => {
  await using harness = await start('well', 'slow');
  const pod = aPod({ name: 'p', node: 'slow', readySince: SINCE });
  harness.transport.put(POD, { ...pod, spec: { ...pod.spec, tolerations } });
  await pass(harness, 100, 'well');
  assert.equal(taints(harness, 'slow'), 'unreachable:NoSchedule unreachable:NoExecute');
  const back = { type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:02:00Z' };
  const node = harness.transport.peek(NODE, 'slow');
  assert.ok(node);
  harness.transport.put(NODE, { ...node, status: { ...node.status, conditions: [back] } });
  await pass(harness, 600, 'well', 'slow');
  assert.equal(taints(harness, 'slow'), '');
  assert.ok(harness.transport.peek(POD, 'ns/p'));
  assert.ok(harness.events.includes('ns/p TaintManagerEviction Cancelling deletion of Pod ns/p'));
});

test('node lifecycle: when no node is well, pods stay where they are', async () => {
  await using harness = await start('only');
  await pass(harness, 100);
  assert.equal(taints(harness, 'only'), 'unreachable:NoSchedule');
});

test('node lifecycle: nodes lose their pods one by one', async () => {
  await using harness = await start('well', 'a', 'b');
  await pass(harness, 50, 'well');
  await harness.clock.advance(1_000);
  const evicting = () => ['a', 'b'].filter((name) => taints(harness, name).includes('NoExecute')).length;
  assert.equal(evicting(), 1);
  await pass(harness, 20, 'well');
  assert.equal(evicting(), 2);
});

test('node lifecycle: cordoned and pressed nodes are tainted, and cleared again', async () => {
  await using harness = await start('n');
  putNode(harness.transport, 'n', 'True', true);
  await harness.clock.advance(100);
  assert.equal(taints(harness, 'n'), 'unschedulable:NoSchedule');
  putNode(harness.transport, 'n');
  await harness.clock.advance(100);
  assert.equal(taints(harness, 'n'), '');
});

test('taint eviction: a pod without a toleration goes at once', async () => {
  await using harness = await start('n');
  harness.transport.put(POD, aPod({ name: 'p', node: 'n' }));
  const node = harness.transport.peek(NODE, 'n');
  assert.ok(node);
  harness.transport.put(NODE, { ...node, spec: { taints: [{ key: 'broken', effect: 'NoExecute' }] } });
  await harness.clock.advance(100);
  assert.equal(harness.transport.peek(POD, 'ns/p'), undefined);
  assert.deepEqual(harness.writes().slice(-2), ['update pods/status p', 'delete pods p']);
});
