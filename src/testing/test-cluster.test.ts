import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DEPLOYMENT,
  InvariantError,
  POD,
  SERVICE_ACCOUNT,
  StatusError,
  UntilError,
  exists,
  isAvailable,
  isComplete,
  isGone,
  isReady,
  startCluster,
} from './testing.ts';

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers: [{ name: web, image: "web:1" }]
`;

test('test cluster: a Deployment becomes available, and everything it made is gone after it', async () => {
  await using cluster = await startCluster({ nodes: 3 });
  await cluster.apply(WEB);
  const deployment = await cluster.until({ resource: DEPLOYMENT, name: 'web' }, isAvailable);
  assert.equal(deployment.status.availableReplicas, 3);
  assert.equal((await cluster.list(POD)).length, 3);
  await cluster.delete('deployment/web');
  await cluster.until('deploy/web', isGone);
  await cluster.clock.advance({ minutes: 1 });
  assert.deepEqual(await cluster.list(POD), []);
});

test('test cluster: six hours of a CronJob pass in its own time', async () => {
  await using cluster = await startCluster();
  await cluster.apply({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'hourly' },
    spec: {
      schedule: '0 * * * *',
      successfulJobsHistoryLimit: 100,
      jobTemplate: {
        spec: {
          template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'job:1' }] } },
        },
      },
    },
  });
  await cluster.clock.advance({ hours: 6, minutes: 1 });
  const jobs = await cluster.list('jobs');
  assert.equal(jobs.length, 6);
  assert.ok(jobs.every(isComplete));
});

test('test cluster: a wait in vain says what it saw, the events and why the scheduler did what it did', async () => {
  await using cluster = await startCluster();
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'huge' },
    spec: { containers: [{ name: 'c', image: 'huge:1', resources: { requests: { cpu: '1000' } } }] },
  });
  await assert.rejects(cluster.until('pod/huge', isReady, { within: { minutes: 2 } }), (error) => {
    assert.ok(error instanceof UntilError);
    assert.match(error.message, /Pod default\/huge was not isReady within 2m .*seed 1/);
    assert.match(error.message, /FailedScheduling: 0\/1 nodes are available: 1 Insufficient cpu/);
    assert.match(error.message, /None of 1 nodes can take it now/);
    return true;
  });
});

test('test cluster: a fork goes its own way, a reset goes back', async () => {
  await using cluster = await startCluster();
  await cluster.apply(WEB);
  await cluster.until('deployment/web', isAvailable);
  await using branch = await cluster.fork();
  await branch.delete('deployment/web');
  await branch.until('deployment/web', isGone);
  await branch.clock.advance({ minutes: 5 });
  assert.equal((await cluster.list(POD)).length, 3);
  assert.deepEqual(await branch.list(POD), []);
  assert.equal(branch.clock.nowMs() - cluster.clock.nowMs() >= 300_000, true);
  const startMs = Date.UTC(2026, 0, 1);
  await cluster.reset();
  assert.equal(cluster.clock.nowMs(), startMs);
  assert.deepEqual(await cluster.list(DEPLOYMENT), []);
  await cluster.apply(WEB);
  await cluster.until('deployment/web', isAvailable);
});

test('test cluster: a crashed node is given up and its pods move; when it is back it takes pods again', async () => {
  await using cluster = await startCluster({ nodes: 2 });
  await cluster.apply(WEB);
  await cluster.until('deployment/web', isAvailable);
  cluster.node('sim-0').crash();
  await cluster.until('node/sim-0', (node) => !isReady(node));
  await cluster.clock.advance({ minutes: 10 });
  const live = (await cluster.list(POD)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  assert.deepEqual([...new Set(live.map(({ spec }) => spec.nodeName))], ['sim-1']);
  assert.ok(isAvailable(await cluster.get('deployment/web')));
  cluster.node('sim-0').recover();
  await cluster.until('node/sim-0', isReady);
  await cluster.clock.advance({ minutes: 1 });
  assert.equal((await cluster.list(POD)).length, 3);
});

test('test cluster: containers start anew on a node that comes back before it is given up', async () => {
  await using cluster = await startCluster();
  await cluster.apply(WEB);
  await cluster.until('deployment/web', isAvailable);
  cluster.node('sim-0').crash();
  await cluster.clock.advance({ seconds: 20 });
  // The handle a test keeps and a new one are the same node.
  cluster.node('sim-0').recover();
  await cluster.clock.settle();
  const restarts = (await cluster.list(POD)).map(({ status }) => status.containerStatuses?.[0]?.restartCount);
  assert.deepEqual(restarts, [1, 1, 1]);
});

test('test cluster: a node that was cut off says that its pods are ready, and ends those deleted meanwhile', async () => {
  await using cluster = await startCluster();
  await cluster.apply(WEB);
  await cluster.until('deployment/web', isAvailable);
  cluster.node('sim-0').partition();
  await cluster.until('deployment/web', (deployment) => !isAvailable(deployment));
  const [pod] = await cluster.list(POD);
  assert.ok(pod);
  await cluster.delete(pod);
  cluster.fault({ verb: 'delete', resource: 'pods', times: 1 }, { kind: 'refuse', code: 409 });
  cluster.node('sim-0').recover();
  await cluster.until('deployment/web', isAvailable);
  await cluster.until(pod, isGone, { within: { seconds: 30 } });
  const restarts = (await cluster.list(POD)).map(({ status }) => status.containerStatuses?.[0]?.restartCount);
  assert.deepEqual(restarts, [0, 0, 0]);
});

test('test cluster: faults hit the requests they name, and controllers get over them', async () => {
  await using cluster = await startCluster();
  {
    using _refused = cluster.fault(
      { verb: 'get', resource: 'pods', user: 'kubernetes-admin' },
      { kind: 'refuse', code: 503 },
    );
    await assert.rejects(cluster.get('pod/any'), StatusError);
  }
  cluster.fault({ verb: 'create', resource: 'pods', share: 0.5 }, { kind: 'refuse', code: 500 });
  cluster.fault({ resource: 'pods/status', share: 0.3 }, { kind: 'lose-answer' });
  cluster.fault({ resource: 'pods/binding', times: 2 }, { kind: 'lose-request' });
  cluster.fault({ resource: 'replicasets', verb: 'update' }, { kind: 'delay', by: { seconds: 1 } });
  await cluster.apply(WEB);
  await cluster.until('deployment/web', isAvailable);
});

test('test cluster: an invariant fails the test at the revision that breaks it', async () => {
  await using cluster = await startCluster();
  cluster.watch(POD).never(({ status }) => status.phase === 'Running', 'no pod ever runs');
  await cluster.apply(WEB);
  await assert.rejects(cluster.until('deployment/web', isAvailable), (error) => {
    assert.ok(error instanceof InvariantError);
    assert.match(error.message, /no pod ever runs: pods\/default\/web-.* written by system:sim-nodes/);
    return true;
  });
});

test('test cluster: the history of an object says who made each of its revisions', async () => {
  await using cluster = await startCluster();
  await cluster.apply(WEB);
  await cluster.until('deployment/web', isAvailable);
  await cluster.delete('deployment/web');
  await cluster.until('deployment/web', isGone);
  const history = cluster.history('deployment/web');
  assert.equal(history[0]?.type, 'ADDED');
  assert.equal(history[0]?.by, 'kubernetes-admin');
  assert.ok(history.some(({ type, by }) => type === 'MODIFIED' && by.endsWith(':deployment-controller')));
  assert.equal(history.at(-1)?.type, 'DELETED');
  assert.ok(cluster.timeline().some((line) => / ADDED pods\/default\/web-/.test(line)));
});

test('test cluster: an API server alone does what it is asked and nothing else', async () => {
  await using cluster = await startCluster({ nodes: 0, hasComponents: false });
  await cluster.apply(WEB);
  await cluster.clock.advance({ minutes: 10 });
  assert.deepEqual(await cluster.list(POD), []);
  assert.ok(exists(await cluster.get('deployment/web')));
  assert.deepEqual(await cluster.list(SERVICE_ACCOUNT), []);
});

test('test cluster: the same seed gives the same history, another seed another one', async () => {
  const run = async (seed: number): Promise<readonly string[]> => {
    await using cluster = await startCluster({ nodes: 3, seed });
    await cluster.apply(WEB);
    await cluster.until('deployment/web', isAvailable);
    cluster.node('sim-1').crash();
    cluster.fault({ resource: 'pods', verb: 'create', share: 0.5 }, { kind: 'refuse', code: 500 });
    await cluster.clock.advance({ minutes: 12 });
    await cluster.delete('deployment/web');
    await cluster.until('deployment/web', isGone);
    await cluster.clock.advance({ minutes: 12 });
    return cluster.transcript();
  };
  const first = await run(7);
  const second = await run(7);
  assert.equal(
    first.findIndex((line, index) => line !== second[index]),
    -1,
  );
  assert.equal(first.length, second.length);
  assert.notDeepEqual(first, await run(8));
});

test('test cluster: clusters side by side do not disturb one another', async () => {
  const run = async (): Promise<readonly string[]> => {
    await using cluster = await startCluster({ nodes: 2, seed: 3 });
    await cluster.apply(WEB);
    await cluster.until('deployment/web', isAvailable);
    cluster.node('sim-1').crash();
    await cluster.clock.advance({ minutes: 7 });
    return cluster.transcript();
  };
  const alone = await run();
  const together = await Promise.all(Array.from({ length: 8 }, run));
  for (const other of together) {
    assert.equal(
      other.findIndex((line, index) => line !== alone[index]),
      -1,
    );
    assert.equal(other.length, alone.length);
  }
});
