import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, DeploymentSpec } from '#api/types/apps.v1.ts';
import type { DeepPartial } from '#api/object.ts';
import { DEPLOYMENT, POD, REPLICA_SET } from '#api/types/resources.ts';
import type { MemoryTransport } from '#client/memory-transport.ts';
import { aPodStatus } from '../pods/pod.fixture.ts';
import { REPLICA_SET_KIND } from '../replicaset/replica-kind.ts';
import { ReplicaSetController } from '../replicaset/replica-set-controller.ts';
import { controllerHarness, type ControllerHarness } from '../runner/controller-harness.fixture.ts';
import { DeploymentController } from './deployment-controller.ts';

let generation = 0;

function putDeployment(
  transport: MemoryTransport,
  image: string,
  spec: DeepPartial<DeploymentSpec> = {},
): void {
  const current: Deployment | undefined = transport.peek(DEPLOYMENT, 'ns/web');
  transport.put(DEPLOYMENT, {
    metadata: {
      ...current?.metadata,
      namespace: 'ns',
      name: 'web',
      uid: 'web-uid',
      generation: ++generation,
    },
    spec: {
      replicas: 3,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: { app: 'web' } },
      ...spec,
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
    },
    status: current?.status ?? {},
  });
}

async function start(image = 'v1', spec: DeepPartial<DeploymentSpec> = {}): Promise<ControllerHarness> {
  return await controllerHarness(
    (deps) => [new DeploymentController(deps), new ReplicaSetController(REPLICA_SET_KIND, deps)],
    (transport) => putDeployment(transport, image, spec),
  );
}

/** Plays the kubelet: every pod whose image is not `broken` becomes ready, one at a time. */
async function runPods({ transport, clock }: ControllerHarness, afterEach: () => void = () => undefined) {
  for (let step = 0; step < 50; step++) {
    await clock.advance(100);
    const waiting = transport
      .all(POD)
      .find(({ spec, status }) => status.phase === undefined && spec.containers[0]?.image !== 'broken');
    if (waiting === undefined) {
      return;
    }
    transport.put(POD, { ...waiting, status: aPodStatus('Running', '2026-01-01T00:00:00Z') });
    afterEach();
  }
  assert.fail('the rollout never ends');
}

function sets({ transport }: ControllerHarness): string {
  return transport
    .all(REPLICA_SET)
    .map(({ metadata, spec }) => {
      const revision = metadata.annotations?.['deployment.kubernetes.io/revision'];
      return `${spec.template.spec.containers[0]?.image}@${revision}×${spec.replicas}`;
    })
    .join(' ');
}

const deploymentOf = ({ transport }: ControllerHarness) => transport.peek(DEPLOYMENT, 'ns/web');
const progress = (harness: ControllerHarness) =>
  deploymentOf(harness)?.status.conditions?.find(({ type }) => type === 'Progressing');

test('deployment: the first rollout makes one set and reports itself complete', async () => {
  await using harness = await start();
  await runPods(harness);
  assert.equal(sets(harness), 'v1@1×3');
  const { conditions, ...counts } = deploymentOf(harness)?.status ?? {};
  assert.deepEqual(counts, {
    observedGeneration: generation,
    replicas: 3,
    updatedReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
    unavailableReplicas: 0,
    terminatingReplicas: 0,
  });
  assert.deepEqual(
    conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`),
    ['Available True MinimumReplicasAvailable', 'Progressing True NewReplicaSetAvailable'],
  );
  const [set] = harness.transport.all(REPLICA_SET);
  const hash = set?.metadata.labels?.['pod-template-hash'] ?? '';
  assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{6,10}$/);
  assert.equal(set?.metadata.name, `web-${hash}`);
  assert.deepEqual(set?.spec.selector?.matchLabels, { app: 'web', 'pod-template-hash': hash });
  assert.equal(deploymentOf(harness)?.metadata.annotations?.['deployment.kubernetes.io/revision'], '1');
  assert.ok(
    harness.events.includes(`ns/web ScalingReplicaSet Scaled up replica set web-${hash} from 0 to 3`),
  );
  harness.writes();
  await harness.clock.advance(3_600_000);
  assert.deepEqual(harness.writes(), []);
});

test('deployment: a new template rolls out without ever having too few or too many pods', async () => {
  await using harness = await start();
  await runPods(harness);
  putDeployment(harness.transport, 'v2');
  await runPods(harness, () => {
    const available = harness.transport.all(POD).filter((pod) => pod.status.phase === 'Running');
    assert.ok(available.length >= 3 && harness.transport.all(POD).length <= 4);
  });
  assert.equal(sets(harness), 'v1@1×0 v2@2×3');
});

test('deployment: going back to an old template reuses its set under a new revision', async () => {
  await using harness = await start();
  await runPods(harness);
  putDeployment(harness.transport, 'v2');
  await runPods(harness);
  putDeployment(harness.transport, 'v1');
  await runPods(harness);
  assert.equal(sets(harness), 'v1@3×3 v2@2×0');
  const [set] = harness.transport.all(REPLICA_SET);
  assert.equal(set?.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1');
});

test('deployment: revisions are counted on in 64 bits', async () => {
  await using harness = await start();
  await runPods(harness);
  const [set] = harness.transport.all(REPLICA_SET);
  const annotations = { 'deployment.kubernetes.io/revision': '3546343826724305832' };
  assert.ok(set !== undefined);
  harness.transport.put(REPLICA_SET, {
    ...set,
    metadata: { ...set.metadata, annotations: { ...set.metadata.annotations, ...annotations } },
  });
  putDeployment(harness.transport, 'v2');
  await runPods(harness);
  assert.equal(sets(harness), 'v1@3546343826724305832×0 v2@3546343826724305833×3');
});

test('deployment: history beyond the limit is deleted, oldest first', async () => {
  await using harness = await start('v1', { revisionHistoryLimit: 1 });
  for (const image of ['v1', 'v2', 'v3', 'v4']) {
    putDeployment(harness.transport, image, { revisionHistoryLimit: 1 });
    await runPods(harness);
  }
  await harness.clock.advance(1_000);
  assert.equal(sets(harness), 'v3@3×0 v4@4×3');
});

test('deployment: recreate stops the old pods before it starts new ones', async () => {
  const strategy = { strategy: { type: 'Recreate' } } as const;
  await using harness = await start('v1', strategy);
  await runPods(harness);
  putDeployment(harness.transport, 'v2', strategy);
  await runPods(harness, () => {
    const images = new Set(harness.transport.all(POD).map(({ spec }) => spec.containers[0]?.image));
    assert.deepEqual([...images], ['v2']);
  });
  assert.equal(sets(harness), 'v1@1×0 v2@2×3');
});

test('deployment: while paused it scales but does not roll', async () => {
  await using harness = await start();
  await runPods(harness);
  putDeployment(harness.transport, 'v2', { paused: true, replicas: 5 });
  await runPods(harness);
  assert.equal(sets(harness), 'v1@1×5');
  assert.equal(progress(harness)?.reason, 'DeploymentPaused');
  putDeployment(harness.transport, 'v2', { replicas: 5 });
  await runPods(harness);
  assert.equal(sets(harness), 'v1@1×0 v2@2×5');
  assert.equal(progress(harness)?.reason, 'NewReplicaSetAvailable');
});

test('deployment: a rollout without progress is reported when its deadline has passed', async () => {
  await using harness = await start();
  await runPods(harness);
  putDeployment(harness.transport, 'broken', { progressDeadlineSeconds: 60 });
  await harness.clock.advance(30_000);
  assert.equal(progress(harness)?.reason, 'ReplicaSetUpdated');
  await harness.clock.advance(40_000);
  assert.equal(progress(harness)?.reason, 'ProgressDeadlineExceeded');
  assert.equal(progress(harness)?.status, 'False');
  assert.match(progress(harness)?.message ?? '', /^ReplicaSet "web-[a-z0-9]+" has timed out progressing\.$/);
  assert.equal(sets(harness), 'v1@1×3 broken@2×1');
});
