import assert from 'node:assert/strict';
import { isAlreadyExists, isNotFound } from '#api/status-error.ts';
import type { ResourceType } from '#api/resource-type.ts';
import {
  CONTROLLER_REVISION,
  CRON_JOB,
  DAEMON_SET,
  DEPLOYMENT,
  JOB,
  POD_DISRUPTION_BUDGET,
  REPLICA_SET,
  REPLICATION_CONTROLLER,
  STATEFUL_SET,
  type ApiObject,
  type TestCluster,
} from '../testing.ts';
import { namesOf, podsOf, proveAll, template, workload, type Behaviour } from './behaviours.fixture.ts';

type Kind = readonly [kind: string, resource: ResourceType<ApiObject>, manifest: (name: string) => object];

const KINDS: readonly Kind[] = [
  ['Deployment', DEPLOYMENT, (name) => workload('Deployment', name)],
  ['ReplicaSet', REPLICA_SET, (name) => workload('ReplicaSet', name)],
  ['StatefulSet', STATEFUL_SET, (name) => workload('StatefulSet', name)],
  ['DaemonSet', DAEMON_SET, (name) => workload('DaemonSet', name)],
  ['ReplicationController', REPLICATION_CONTROLLER, (name) => workload('ReplicationController', name)],
  ['Job', JOB, (name) => workload('Job', name, { suspend: true })],
  [
    'CronJob',
    CRON_JOB,
    (name) => ({
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name, labels: { app: name } },
      spec: {
        schedule: '0 0 1 1 *',
        jobTemplate: { spec: { template: template(name, { spec: { restartPolicy: 'Never' } }) } },
      },
    }),
  ],
  [
    'PodDisruptionBudget',
    POD_DISRUPTION_BUDGET,
    (name) => ({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name, labels: { app: name } },
      spec: { minAvailable: 1, selector: { matchLabels: { app: name } } },
    }),
  ],
];

/** A condition as somebody else might set it; all kinds take it but those that have none. */
const CONDITION = {
  type: 'StatusUpdate',
  status: 'True',
  reason: 'E2E',
  message: 'set by hand',
  lastTransitionTime: '2026-01-01T00:00:00Z',
};
/** Times are what they have in their status. */
const WITHOUT_CONDITIONS: ReadonlySet<string> = new Set(['CronJob']);

function endpointBehaviours([kind, resource, manifest]: Kind): readonly Behaviour[] {
  return [
    [
      'is created once, read, changed by patch and by update, and deleted',
      async (cluster) => {
        const client = cluster.client.of(resource);
        const object = Object.assign({ metadata: { name: 'one' } }, manifest('one'));
        await cluster.create(resource, object);
        await assert.rejects(cluster.create(resource, object), isAlreadyExists);
        const patched = await client.patch('default', 'one', annotated('patched'), { type: 'merge' });
        assert.equal(patched.metadata.annotations?.['by'], 'patched');
        await cluster.clock.settle();
        const now = await client.get('default', 'one');
        const updated = await client.update({
          ...now,
          metadata: { ...now.metadata, ...annotated('updated').metadata },
        });
        assert.equal(updated.metadata.annotations?.['by'], 'updated');
        assert.equal(updated.metadata.uid, patched.metadata.uid);
        await client.delete('default', 'one', { propagationPolicy: 'Background' });
        await cluster.clock.advance({ minutes: 1 });
        await assert.rejects(client.get('default', 'one'), isNotFound);
      },
    ],
    [
      'is listed over namespaces and by labels, and deleted by labels',
      async (cluster) => {
        const client = cluster.client.of(resource);
        await cluster.apply([manifest('one'), manifest('two'), manifest('three')]);
        await cluster.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } }]);
        await cluster.apply(manifest('one'), { namespace: 'other' });
        assert.equal((await client.list('')).items.length, 4);
        const labelSelector = 'app in (one,two)';
        assert.deepEqual(namesOf((await client.list('default', { labelSelector })).items), ['one', 'two']);
        await client.deleteCollection('default', { labelSelector });
        await cluster.clock.advance({ minutes: 1 });
        assert.deepEqual(namesOf((await client.list('default')).items), ['three']);
        assert.deepEqual(namesOf((await client.list('other')).items), ['one']);
      },
    ],
    ...(WITHOUT_CONDITIONS.has(kind) ? [] : [statusBehaviour(resource, manifest)]),
  ];
}

function statusBehaviour(resource: ResourceType<ApiObject>, manifest: (name: string) => object): Behaviour {
  return [
    'has a status of its own: written there it stays, and the spec is not touched',
    async (cluster) => {
      const client = cluster.client.of(resource);
      await cluster.apply(manifest('one'));
      await cluster.clock.advance({ seconds: 30 });
      const before = withStatus(await client.get('default', 'one'));
      const conditions = [...(before.status.conditions ?? []), CONDITION];
      const patch: object = { spec: { replicas: 7 }, status: { conditions } };
      const query = { type: 'merge', subresource: 'status' } as const;
      const after = withStatus(await client.patch('default', 'one', patch, query));
      assert.deepEqual(after.status.conditions?.find(({ type }) => type === CONDITION.type)?.reason, 'E2E');
      assert.deepEqual(after.spec, before.spec);
      // Whichever controller keeps this status answers the write; the next one starts from what it left.
      await cluster.clock.settle();
      const current = withStatus(await client.get('default', 'one'));
      const message = 'set again';
      const again = { ...current, status: { ...current.status, conditions: [{ ...CONDITION, message }] } };
      const updated = withStatus(await client.updateStatus(again));
      assert.equal(updated.status.conditions?.find(({ type }) => type === CONDITION.type)?.message, message);
    },
  ];
}

interface WithStatus extends ApiObject {
  readonly spec: object;
  readonly status: { readonly conditions?: readonly { type: string; reason?: string; message?: string }[] };
}

function withStatus(object: ApiObject): WithStatus {
  // Every kind of the table has both.
  return object as WithStatus;
}

function annotated(by: string): { readonly metadata: { readonly annotations: { readonly by: string } } } {
  return { metadata: { annotations: { by } } };
}

for (const kind of KINDS) {
  proveAll(kind[0], endpointBehaviours(kind));
}

interface Scale {
  readonly metadata: object;
  readonly spec: { readonly replicas?: number };
  readonly status: { readonly replicas: number };
}

proveAll(
  'scale',
  KINDS.slice(0, 5)
    .filter(([kind]) => kind !== 'DaemonSet')
    .map(([kind, resource, manifest]): Behaviour => [
      `of a ${kind} is read, replaced and patched`,
      async (cluster) => {
        const client = cluster.client.of(resource);
        const place = { namespace: 'default', name: 'one', subresource: 'scale' };
        await cluster.apply(manifest('one'));
        await cluster.clock.advance({ minutes: 1 });
        const scale = await client.subresource<Scale>('get', place);
        assert.deepEqual([scale.spec.replicas, scale.status.replicas], [1, 1]);
        await client.subresource('update', place, { ...scale, spec: { replicas: 2 } });
        await settled(cluster, 2);
        const patch: object = { spec: { replicas: 4 } };
        await client.patch('default', 'one', patch, { type: 'merge', subresource: 'scale' });
        await settled(cluster, 4);
        assert.equal((await client.subresource<Scale>('get', place)).status.replicas, 4);
      },
    ]),
);

async function settled(cluster: TestCluster, count: number): Promise<void> {
  await cluster.clock.advance({ minutes: 1 });
  assert.equal((await podsOf(cluster, 'one')).length, count);
}

proveAll('ControllerRevision', [
  [
    'one that a DaemonSet made is listed, labelled, and made again after it was deleted; others may be made by hand',
    async (cluster) => {
      await cluster.apply(workload('DaemonSet', 'agent'));
      await cluster.clock.advance({ seconds: 30 });
      const client = cluster.client.of(CONTROLLER_REVISION);
      const [made] = (await client.list('default', { labelSelector: 'app=agent' })).items;
      assert.ok(made);
      const { name } = made.metadata;
      const metadata = { labels: { [name]: 'patched' } };
      await client.patch('default', name, { metadata }, { type: 'merge' });
      assert.equal((await client.list('', { labelSelector: `${name}=patched` })).items.length, 1);
      await cluster.create(CONTROLLER_REVISION, {
        metadata: { name: 'by-hand', labels: { app: 'agent' } },
        data: { spec: {} },
        revision: 7,
      });
      await client.delete('default', name);
      await cluster.clock.advance({ minutes: 1 });
      const revisions = await client.list('default', { labelSelector: 'app=agent' });
      assert.ok(revisions.items.some((each) => each.metadata.uid !== made.metadata.uid));
      await client.deleteCollection('default', { labelSelector: 'app=agent' });
    },
  ],
]);
