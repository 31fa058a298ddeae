import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENT, NODE, POD, isGone, isReady, startCluster } from './testing.ts';

function aStage(name: string, spec: object): object {
  return {
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Stage',
    metadata: { name },
    spec: { resourceRef: { apiGroup: 'v1', kind: 'Pod' }, ...spec },
  };
}

function aPod(name: string, labels: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] },
  };
}

const FLAKY = { matchLabels: { kind: 'flaky' } };
const IS_RUNNING = { key: '.status.phase', operator: 'In', values: ['Running'] };
const LIVES = { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' };
const FAIL = aStage('fail', {
  selector: { ...FLAKY, matchExpressions: [IS_RUNNING, LIVES] },
  delay: { durationMilliseconds: 60_000 },
  next: {
    event: { type: 'Warning', reason: 'Unlucky', message: 'it had to come' },
    statusTemplate:
      'phase: Failed\nreason: {{ .metadata.labels.kind | Quote }}\nmessage: {{ Now | Quote }}\n',
  },
});

test('stages: pods that match follow them, others live as ever', async () => {
  await using cluster = await startCluster({ stages: [FAIL] });
  await cluster.apply([aPod('good'), aPod('bad', { kind: 'flaky' })]);
  await cluster.until('pod/bad', isReady);
  await cluster.clock.advance({ seconds: 59 });
  assert.equal((await cluster.get({ resource: POD, name: 'bad' })).status.phase, 'Running');
  await cluster.clock.advance({ seconds: 2 });
  const { status } = await cluster.get({ resource: POD, name: 'bad' });
  assert.deepEqual([status.phase, status.reason], ['Failed', 'flaky']);
  assert.match(status.message ?? '', /^2026-01-01T00:01:0/);
  assert.equal((await cluster.get({ resource: POD, name: 'good' })).status.phase, 'Running');
  await cluster.clock.advance({ seconds: 1 });
  assert.ok((await cluster.list(EVENT)).some(({ reason }) => reason === 'Unlucky'));
});

test('stages: applied later they concern what is there, and a fork has them; a reset has those of the start', async () => {
  await using cluster = await startCluster();
  await cluster.apply(aPod('bad', { kind: 'flaky' }));
  await cluster.until('pod/bad', isReady);
  await cluster.apply([FAIL]);
  await using branch = await cluster.fork();
  await branch.until({ resource: POD, name: 'bad' }, (pod) => pod?.status.phase === 'Failed');
  await cluster.until({ resource: POD, name: 'bad' }, (pod) => pod?.status.phase === 'Failed');
  await cluster.reset();
  await cluster.apply(aPod('bad', { kind: 'flaky' }));
  await cluster.until('pod/bad', isReady);
  await cluster.clock.advance({ minutes: 5 });
  assert.equal((await cluster.get({ resource: POD, name: 'bad' })).status.phase, 'Running');
});

test('stages: of several that match one is taken by weight, and finalizers and deletions are played', async () => {
  const stage = (name: string, weight: number): object =>
    aStage(name, {
      selector: { ...FLAKY, matchExpressions: [IS_RUNNING, LIVES] },
      weight,
      next: { statusPatch: { phase: 'Succeeded', reason: name } },
    });
  const gone = aStage('gone', {
    selector: { matchExpressions: [{ key: '.status.phase', operator: 'In', values: ['Succeeded'] }] },
    delay: { durationMilliseconds: 1_000 },
    next: { finalizers: { empty: true }, delete: true },
  });
  await using cluster = await startCluster({
    nodes: 2,
    stages: [stage('often', 9), stage('seldom', 1), gone],
  });
  const reasons: string[] = [];
  cluster.watch(POD).never(({ status, metadata }) => {
    if (status.reason !== undefined && metadata.deletionTimestamp === undefined) {
      reasons.push(status.reason);
    }
    return false;
  });
  const names = Array.from({ length: 60 }, (_, index) => `p${index}`);
  await cluster.apply(names.map((name) => aPod(name, { kind: 'flaky' })));
  for (const name of names) {
    await cluster.until(`pod/${name}`, isGone);
  }
  const seldom = reasons.filter((reason) => reason === 'seldom').length;
  assert.ok(seldom > 0 && seldom < reasons.length / 3, `${seldom} of ${reasons.length}`);
});

test('stages: nodes follow them too', async () => {
  const pressure = {
    ...aStage('pressure', {}),
    spec: {
      resourceRef: { apiGroup: 'v1', kind: 'Node' },
      selector: { matchExpressions: [{ key: '.metadata.labels.hot', operator: 'Exists' }] },
      next: { statusPatch: { conditions: [{ type: 'MemoryPressure', status: 'True', reason: 'Hot' }] } },
    },
  };
  await using cluster = await startCluster({ stages: [pressure] });
  await cluster.client
    .of(NODE)
    .patch('', 'sim-0', { metadata: { labels: { hot: 'yes' } } }, { type: 'merge' });
  await cluster.clock.advance({ seconds: 1 });
  const node = await cluster.get('node/sim-0');
  assert.match(JSON.stringify(node), /"reason":"Hot"/);
  assert.match(JSON.stringify(node), /node.kubernetes.io\/memory-pressure/);
});
