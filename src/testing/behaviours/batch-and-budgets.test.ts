import assert from 'node:assert/strict';
import { isConflict } from '#api/status-error.ts';
import {
  CRON_JOB,
  isAvailable,
  isComplete,
  isGone,
  JOB,
  POD,
  POD_DISRUPTION_BUDGET,
  type TestCluster,
} from '../testing.ts';
import { end, ownerOf, podsOf, proveAll, relabel, template, workload } from './behaviours.fixture.ts';

const FOREVER = { 'pod-complete.stage.kwok.x-k8s.io/delay': '100h' };

proveAll('Job', [
  [
    'pods of an indexed Job know their index by annotation, label, host name and environment',
    async (cluster) => {
      const spec = { completions: 3, parallelism: 3, completionMode: 'Indexed' };
      await cluster.apply(workload('Job', 'sum', spec));
      await cluster.until('job/sum', isComplete);
      const pods = await podsOf(cluster, 'sum');
      const key = 'batch.kubernetes.io/job-completion-index';
      assert.deepEqual(
        new Set(
          pods.map(({ metadata, spec: { hostname } }) => [
            metadata.annotations?.[key],
            metadata.labels?.[key],
            hostname,
          ]),
        ),
        new Set(['0', '1', '2'].map((index) => [index, index, `sum-${index}`])),
      );
      const names = pods[0]?.spec.containers[0]?.env?.map(({ name }) => name);
      assert.deepEqual(names, ['JOB_COMPLETION_INDEX']);
      assert.equal((await cluster.get({ resource: JOB, name: 'sum' })).status.completedIndexes, '0-2');
    },
  ],
  [
    'pods that fail are replaced until enough have succeeded',
    async (cluster) => {
      await cluster.apply(
        workload('Job', 'sum', { completions: 2, parallelism: 2 }, { annotations: FOREVER }),
      );
      await cluster.clock.advance({ seconds: 5 });
      const [first, second] = await podsOf(cluster, 'sum');
      assert.ok(first && second);
      await end(cluster, first, 'Failed');
      await end(cluster, second, 'Succeeded');
      await cluster.clock.advance({ minutes: 1 });
      const running = (await podsOf(cluster, 'sum')).filter(({ status }) => status.phase === 'Running');
      assert.equal(running.length, 1);
      await Promise.all(running.map((each) => end(cluster, each, 'Succeeded')));
      const { status } = await cluster.until({ resource: JOB, name: 'sum' }, isComplete);
      assert.deepEqual([status.succeeded, status.failed], [2, 1]);
    },
  ],
  [
    'it takes back a pod that lost its owner, and lets one go whose labels do not match any more',
    async (cluster) => {
      await cluster.apply(
        workload('Job', 'sum', { completions: 4, parallelism: 1 }, { annotations: FOREVER }),
      );
      await cluster.clock.advance({ seconds: 5 });
      const [first] = await podsOf(cluster, 'sum');
      assert.ok(first);
      const ownerAfter = async (metadata: object): Promise<string | undefined> => {
        const { name } = first.metadata;
        await cluster.client.of(POD).patch('default', name, { metadata }, { type: 'merge' });
        await cluster.clock.advance({ seconds: 5 });
        return ownerOf(await cluster.get({ resource: POD, name }));
      };
      assert.equal(await ownerAfter({ ownerReferences: null }), 'sum');
      const labels = { 'batch.kubernetes.io/controller-uid': null, 'controller-uid': null };
      assert.equal(await ownerAfter({ labels }), undefined);
    },
  ],
  [
    'its pods go with it when it is deleted',
    async (cluster) => {
      await cluster.apply(workload('Job', 'sum', { parallelism: 2 }, { annotations: FOREVER }));
      await cluster.clock.advance({ seconds: 5 });
      assert.equal((await podsOf(cluster, 'sum')).length, 2);
      await cluster.delete('job/sum', { propagationPolicy: 'Foreground' });
      await cluster.until('job/sum', isGone);
      assert.equal((await podsOf(cluster, 'sum')).length, 0);
    },
  ],
  [
    'suspending takes its pods away, resuming brings them back',
    async (cluster) => {
      const job = (suspend: boolean): object => workload('Job', 'sum', { suspend }, { annotations: FOREVER });
      await cluster.apply(job(true));
      await cluster.clock.advance({ seconds: 30 });
      assert.equal((await podsOf(cluster, 'sum')).length, 0);
      await cluster.apply(job(false));
      await cluster.clock.advance({ seconds: 30 });
      const [first] = await podsOf(cluster, 'sum');
      assert.equal(first?.status.phase, 'Running');
      await cluster.apply(job(true));
      await cluster.clock.advance({ minutes: 1 });
      assert.equal((await podsOf(cluster, 'sum')).length, 0);
    },
  ],
]);

function cronJob(spec: object, annotations: Readonly<Record<string, string>> = FOREVER): object {
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'tick' },
    spec: {
      schedule: '*/1 * * * *',
      jobTemplate: {
        spec: { template: template('tick', { annotations, spec: { restartPolicy: 'OnFailure' } }) },
      },
      ...spec,
    },
  };
}

async function jobNames(cluster: TestCluster): Promise<readonly string[]> {
  return (await cluster.list(JOB)).map(({ metadata }) => metadata.name).toSorted();
}

proveAll('CronJob', [
  [
    'jobs run beside each other unless it is forbidden',
    async (cluster) => {
      await cluster.apply(cronJob({ concurrencyPolicy: 'Allow' }));
      await cluster.clock.advance({ minutes: 3 });
      assert.ok((await jobNames(cluster)).length >= 2);
      const { status } = await cluster.get({ resource: CRON_JOB, name: 'tick' });
      assert.ok((status.active ?? []).length >= 2);
    },
  ],
  [
    'Forbid starts no job while one runs',
    async (cluster) => {
      await cluster.apply(cronJob({ concurrencyPolicy: 'Forbid' }));
      await cluster.clock.advance({ minutes: 5 });
      assert.equal((await jobNames(cluster)).length, 1);
    },
  ],
  [
    'Replace ends the job that runs when the next is due',
    async (cluster) => {
      await cluster.apply(cronJob({ concurrencyPolicy: 'Replace' }));
      await cluster.clock.advance({ minutes: 2 });
      const [first] = await jobNames(cluster);
      await cluster.clock.advance({ minutes: 2 });
      const names = await jobNames(cluster);
      assert.equal(names.length, 1);
      assert.notEqual(names[0], first);
    },
  ],
  [
    'a suspended one starts nothing',
    async (cluster) => {
      await cluster.apply(cronJob({ suspend: true }));
      await cluster.clock.advance({ minutes: 5 });
      assert.deepEqual(await jobNames(cluster), []);
    },
  ],
  [
    'of jobs that ended it keeps as many as it is told to',
    async (cluster) => {
      await cluster.apply(cronJob({ successfulJobsHistoryLimit: 1 }, {}));
      await cluster.clock.advance({ minutes: 5, seconds: 30 });
      assert.equal((await jobNames(cluster)).length, 1);
    },
  ],
]);

/** Asks for the eviction of one pod, as `kubectl drain` does. */
async function evict(cluster: TestCluster, name: string): Promise<void> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'default' } };
  const target = { namespace: 'default', name, subresource: 'eviction' };
  await cluster.client.of(POD).subresource('create', target, eviction);
  await cluster.clock.advance({ seconds: 40 });
}

function budget(minAvailable: number | string): object {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'web' },
    spec: { minAvailable, selector: { matchLabels: { app: 'web' } } },
  };
}

proveAll('PodDisruptionBudget', [
  [
    'an eviction beyond the budget is refused until the budget allows it',
    async (cluster) => {
      await cluster.apply([budget(2), workload('ReplicaSet', 'web', { replicas: 2 })]);
      await cluster.until('replicaset/web', isAvailable);
      const [first] = await podsOf(cluster, 'web');
      const name = first?.metadata.name ?? '';
      await assert.rejects(evict(cluster, name), { code: 429 });
      await cluster.apply(budget(1));
      await cluster.clock.settle();
      await evict(cluster, name);
      await cluster.until({ resource: POD, name }, isGone);
    },
  ],
  [
    'its status counts the pods, and follows them and the spec',
    async (cluster) => {
      await cluster.apply([budget('50%'), workload('ReplicaSet', 'web', { replicas: 4 })]);
      await cluster.until('replicaset/web', isAvailable);
      await cluster.clock.settle();
      const counts = async (): Promise<readonly (number | undefined)[]> => {
        const { status } = await cluster.get({ resource: POD_DISRUPTION_BUDGET, name: 'web' });
        return [status.expectedPods, status.currentHealthy, status.desiredHealthy, status.disruptionsAllowed];
      };
      assert.deepEqual(await counts(), [4, 4, 2, 2]);
      const [first] = await podsOf(cluster, 'web');
      assert.ok(first);
      await relabel(cluster, first, 'other');
      await cluster.apply(budget(3));
      await cluster.clock.settle();
      assert.deepEqual(await counts(), [4, 4, 3, 1]);
    },
  ],
  [
    'a status written by hand is kept until the controller looks again, and a stale one is refused',
    async (cluster) => {
      await cluster.apply(budget(1));
      await cluster.clock.settle();
      const budgets = cluster.client.of(POD_DISRUPTION_BUDGET);
      const old = await budgets.get('default', 'web');
      await budgets.patch('default', 'web', { metadata: { labels: { a: 'b' } } }, { type: 'merge' });
      await assert.rejects(
        budgets.updateStatus({ ...old, status: { ...old.status, expectedPods: 9 } }),
        isConflict,
      );
      const patch = { status: { disruptedPods: { gone: '2026-01-01T00:00:00Z' } } };
      const { status } = await budgets.patch('default', 'web', patch, {
        type: 'merge',
        subresource: 'status',
      });
      assert.deepEqual(Object.keys(status.disruptedPods ?? {}), ['gone']);
    },
  ],
]);
