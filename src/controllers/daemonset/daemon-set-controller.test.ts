import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeepPartial } from '#api/object.ts';
import type { DaemonSetSpec } from '#api/types/apps.v1.ts';
import type { NodeSpec } from '#api/types/core.v1.ts';
import { CONTROLLER_REVISION, DAEMON_SET, NODE, POD } from '#api/types/resources.ts';
import type { MemoryTransport } from '#client/memory-transport.ts';
import { aPodStatus } from '../pods/pod.fixture.ts';
import { controllerHarness, type ControllerHarness } from '../runner/controller-harness.fixture.ts';
import { nodeOf } from './daemon-pod.ts';
import { DaemonSetController } from './daemon-set-controller.ts';

function putNode(
  transport: MemoryTransport,
  name: string,
  labels: Readonly<Record<string, string>> = {},
  spec: NodeSpec = {},
): void {
  transport.put(NODE, { metadata: { name, labels }, spec });
}

function putSet(
  transport: MemoryTransport,
  image: string,
  spec: DeepPartial<DaemonSetSpec> = {},
  podSpec: object = {},
): void {
  const current = transport.peek(DAEMON_SET, 'ns/agent');
  transport.put(DAEMON_SET, {
    metadata: { namespace: 'ns', name: 'agent', uid: 'agent-uid' },
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      ...spec,
      template: {
        metadata: { labels: { app: 'agent' } },
        spec: { containers: [{ name: 'c', image }], ...podSpec },
      },
    },
    status: current?.status ?? {},
  });
}

async function start(fill: (transport: MemoryTransport) => void): Promise<ControllerHarness> {
  const harness = await controllerHarness((deps) => [new DaemonSetController(deps)], fill);
  await harness.clock.advance(100);
  return harness;
}

/** Plays the kubelets: pods become ready one after another. */
async function runPods(
  { transport, clock }: ControllerHarness,
  afterEach: () => void = () => undefined,
): Promise<void> {
  for (let step = 0; step < 30; step++) {
    await clock.advance(100);
    const waiting = transport.all(POD).find(({ status }) => status.phase === undefined);
    if (waiting === undefined) {
      return;
    }
    transport.put(POD, { ...waiting, status: aPodStatus('Running', '2026-01-01T00:00:00Z') });
    afterEach();
  }
}

const placed = ({ transport }: ControllerHarness): string =>
  transport
    .all(POD)
    .map((pod) => `${nodeOf(pod)}:${pod.spec.containers[0]?.image}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join(' ');

test('daemon set: one pod on every node that matches, also on nodes that come later', async () => {
  await using harness = await start((transport) => {
    putNode(transport, 'a', { disk: 'ssd' });
    putNode(transport, 'b');
    putNode(transport, 'c', { disk: 'ssd' }, { taints: [{ key: 'dedicated', effect: 'NoSchedule' }] });
    putNode(
      transport,
      'd',
      { disk: 'ssd' },
      { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }] },
    );
    putSet(transport, 'v1', {}, { nodeSelector: { disk: 'ssd' } });
  });
  assert.equal(placed(harness), 'a:v1 d:v1');
  putNode(harness.transport, 'e', { disk: 'ssd' });
  await runPods(harness);
  assert.equal(placed(harness), 'a:v1 d:v1 e:v1');
  const { desiredNumberScheduled, numberReady, numberAvailable, updatedNumberScheduled } =
    harness.transport.peek(DAEMON_SET, 'ns/agent')?.status ?? {};
  assert.deepEqual(
    [desiredNumberScheduled, numberReady, numberAvailable, updatedNumberScheduled],
    [3, 3, 3, 3],
  );
  putNode(harness.transport, 'a', { disk: 'hdd' });
  await harness.clock.advance(100);
  assert.equal(placed(harness), 'd:v1 e:v1');
  harness.writes();
  await harness.clock.advance(3_600_000);
  assert.deepEqual(harness.writes(), []);
});

test('daemon set: a new template rolls out node by node and leaves a revision each', async () => {
  await using harness = await start((transport) => {
    ['a', 'b', 'c'].forEach((name) => putNode(transport, name));
    putSet(transport, 'v1');
  });
  await runPods(harness);
  putSet(harness.transport, 'v2');
  await runPods(harness, () => {
    assert.ok(harness.transport.all(POD).filter(({ status }) => status.phase === 'Running').length >= 2);
  });
  assert.equal(placed(harness), 'a:v2 b:v2 c:v2');
  assert.deepEqual(
    harness.transport.all(CONTROLLER_REVISION).map(({ revision }) => revision),
    [1, 2],
  );
});

test('daemon set: with a surge the new pod is ready before the old one goes', async () => {
  const updateStrategy = {
    type: 'RollingUpdate',
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
  } as const;
  await using harness = await start((transport) => {
    ['a', 'b'].forEach((name) => putNode(transport, name));
    putSet(transport, 'v1', { updateStrategy });
  });
  await runPods(harness);
  putSet(harness.transport, 'v2', { updateStrategy });
  await runPods(harness, () => {
    const nodes = new Set(
      harness.transport
        .all(POD)
        .filter(({ status }) => status.phase === 'Running')
        .map(nodeOf),
    );
    assert.equal(nodes.size, 2);
  });
  assert.equal(placed(harness), 'a:v2 b:v2');
});

test('daemon set: on delete, only pods that go are replaced by new ones', async () => {
  const updateStrategy = { type: 'OnDelete' } as const;
  await using harness = await start((transport) => {
    ['a', 'b'].forEach((name) => putNode(transport, name));
    putSet(transport, 'v1', { updateStrategy });
  });
  putSet(harness.transport, 'v2', { updateStrategy });
  await runPods(harness);
  assert.equal(placed(harness), 'a:v1 b:v1');
  const [pod] = harness.transport.all(POD);
  harness.transport.drop(POD, `ns/${pod?.metadata.name}`);
  await runPods(harness);
  assert.equal(placed(harness), 'a:v2 b:v1');
});

test('daemon set: a pod that keeps failing is replaced ever more slowly', async () => {
  await using harness = await start((transport) => {
    putNode(transport, 'a');
    putSet(transport, 'v1');
  });
  const failures: number[] = [];
  for (let round = 0; round < 4; round++) {
    const [pod] = harness.transport.all(POD);
    assert.ok(pod);
    harness.transport.put(POD, { ...pod, status: { phase: 'Failed' } });
    const startMs = harness.clock.nowMs();
    while (harness.transport.all(POD)[0]?.metadata.name === pod.metadata.name) {
      await harness.clock.advance(100);
    }
    failures.push(Math.round((harness.clock.nowMs() - startMs) / 1000));
    await harness.clock.advance(100);
  }
  assert.deepEqual(failures, [0, 1, 2, 4]);
});
