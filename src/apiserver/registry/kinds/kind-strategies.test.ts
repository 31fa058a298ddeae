import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import {
  CERTIFICATE_SIGNING_REQUEST,
  CSI_DRIVER,
  DAEMON_SET,
  DEPLOYMENT,
  ENDPOINT_SLICE,
  PERSISTENT_VOLUME,
  PERSISTENT_VOLUME_CLAIM,
  PRIORITY_CLASS,
  RESOURCE_SLICE,
  SERVICE_ACCOUNT,
  VOLUME_ATTACHMENT,
} from '#api/types/resources.ts';
import type { ResourceSlice } from '#api/types/resource.v1.ts';
import { defined } from '#base/assert.ts';
import { startInProcessCluster, type InProcessCluster } from '#cluster/in-process-cluster.ts';
import { goodObject } from './good-objects.fixture.ts';

/** Creates a good object of a kind, with a few fields more. */
async function created<T extends ApiObject>(
  cluster: InProcessCluster,
  type: ResourceType<T>,
  more: object = {},
): Promise<T> {
  const { name, body } = defined(goodObject(type), type.kind);
  const metadata = { name, ...(type.isNamespaced ? { namespace: 'default' } : {}) };
  return cluster.client.of<ApiObject>(type).create({ metadata, ...body, ...more }) as Promise<T>;
}

function annotated<T extends ApiObject>(object: T): T {
  return { ...object, metadata: { ...object.metadata, annotations: { a: 'b' } } };
}

function labelled<T extends ApiObject>(object: T): T {
  return { ...object, metadata: { ...object.metadata, labels: { a: 'b' } } };
}

test('a Deployment: annotations are counted as desired state, and the status cannot label it', async () => {
  await using cluster = await startInProcessCluster();
  const deployments = cluster.client.of(DEPLOYMENT);
  const first = await created(cluster, DEPLOYMENT);
  const second = await deployments.update(annotated(first));
  assert.deepEqual([first.metadata.generation, second.metadata.generation], [1, 2]);
  const third = await deployments.updateStatus(labelled({ ...second, metadata: second.metadata }));
  assert.deepEqual([third.metadata.labels, third.metadata.generation], [undefined, 2]);
  const fourth = await deployments.update({
    ...annotated(third),
    metadata: { ...third.metadata, annotations: { c: 'd' } },
    spec: { ...third.spec, replicas: 2 },
  });
  assert.equal(fourth.metadata.generation, 3, 'both at once are one change');
});

test('a DaemonSet: its templates are counted beside its states', async () => {
  await using cluster = await startInProcessCluster();
  const sets = cluster.client.of(DAEMON_SET);
  const count = ({ metadata }: ApiObject): unknown => [
    metadata.generation,
    metadata.annotations?.['deprecated.daemonset.template.generation'],
  ];
  const first = await created(cluster, DAEMON_SET);
  const second = await sets.update({ ...first, spec: { ...first.spec, minReadySeconds: 5 } });
  const template = { ...second.spec.template, spec: { ...second.spec.template.spec, hostNetwork: true } };
  const third = await sets.update({ ...second, spec: { ...second.spec, template } });
  assert.deepEqual([first, second, third].map(count), [
    [1, '1'],
    [2, '1'],
    [3, '2'],
  ]);
});

test('generation: of a CSIDriver with its spec, of an EndpointSlice with its labels, of a PriorityClass never', async () => {
  await using cluster = await startInProcessCluster();
  const driver = await created(cluster, CSI_DRIVER);
  const republished = await cluster.client
    .of(CSI_DRIVER)
    .update({ ...driver, spec: { ...driver.spec, requiresRepublish: true } });
  const slice = await created(cluster, ENDPOINT_SLICE);
  const moved = await cluster.client.of(ENDPOINT_SLICE).update(labelled(slice));
  const priority = await created(cluster, PRIORITY_CLASS);
  const described = await cluster.client.of(PRIORITY_CLASS).update({ ...priority, description: 'x' });
  assert.deepEqual(
    [driver, republished, slice, moved, priority, described].map(({ metadata }) => metadata.generation),
    [1, 2, 1, 2, 1, 1],
  );
});

test('a PersistentVolume: says since when it is in its phase', async () => {
  await using cluster = await startInProcessCluster();
  const volumes = cluster.client.of(PERSISTENT_VOLUME);
  const first = await created(cluster, PERSISTENT_VOLUME);
  await cluster.clock.advance(5000);
  const same = await volumes.updateStatus({ ...first, status: { phase: 'Pending', message: 'x' } });
  const bound = await volumes.updateStatus({ ...same, status: { phase: 'Available' } });
  assert.deepEqual(
    [first, same, bound].map(({ status }) => status.lastPhaseTransitionTime),
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', '2026-01-01T00:00:05Z'],
  );
});

test('a PersistentVolumeClaim: both fields for its source agree, and foreign sources are ignored', async () => {
  await using cluster = await startInProcessCluster();
  const spec = defined(goodObject(PERSISTENT_VOLUME_CLAIM), 'a claim').body as { spec: object };
  const source = { kind: 'PersistentVolumeClaim', name: 'other' };
  const sources = async (more: object): Promise<unknown> => {
    const { spec: made } = (await cluster.client.of<ApiObject>(PERSISTENT_VOLUME_CLAIM).create(
      {
        metadata: { name: 'c', namespace: 'default' },
        spec: { ...spec.spec, ...more },
      } as unknown as ApiObject,
      { dryRun: true },
    )) as unknown as { spec: { dataSource?: object; dataSourceRef?: object } };
    return [made.dataSource, made.dataSourceRef];
  };
  assert.deepEqual(await sources({ dataSource: source }), [source, source]);
  assert.deepEqual(await sources({ dataSourceRef: source }), [source, source]);
  const foreign = { apiGroup: 'example.com', kind: 'Tape', name: 't' };
  assert.deepEqual(await sources({ dataSource: foreign }), [undefined, undefined]);
  assert.deepEqual(await sources({ dataSourceRef: foreign }), [foreign, foreign]);
});

test('fields that are not kept: what is said of an account’s secrets, the old topology of endpoints', async () => {
  await using cluster = await startInProcessCluster();
  const account = await created(cluster, SERVICE_ACCOUNT, { secrets: [{ name: 's', namespace: 'other' }] });
  assert.deepEqual(account.secrets, [{ name: 's' }]);
  const endpoints = [{ addresses: ['10.0.0.1'], deprecatedTopology: { a: 'b' } }];
  const slice = await created(cluster, ENDPOINT_SLICE, { endpoints });
  assert.equal(slice.endpoints?.[0]?.deprecatedTopology, undefined);
});

test('a signing request: verdicts get their times, and a status keeps them', async () => {
  await using cluster = await startInProcessCluster();
  const requests = cluster.client.of(CERTIFICATE_SIGNING_REQUEST);
  const request = await created(cluster, CERTIFICATE_SIGNING_REQUEST);
  const verdict = { type: 'Approved', status: 'True', reason: 'r' } as const;
  const approved = await requests.patch(
    '',
    'a',
    { status: { conditions: [verdict] } },
    {
      type: 'merge',
      subresource: 'approval',
    },
  );
  const times = { lastUpdateTime: '2026-01-01T00:00:00Z', lastTransitionTime: '2026-01-01T00:00:00Z' };
  assert.deepEqual(approved.status.conditions, [{ ...verdict, ...times }]);
  const forged = { ...verdict, reason: 'forged' };
  const kept = await requests.updateStatus({ ...approved, status: { conditions: [forged] } });
  assert.deepEqual(kept.status.conditions, [{ ...verdict, ...times }]);
  assert.equal(request.status.conditions, undefined);
});

test('a ResourceSlice: taints of its devices get the time they came', async () => {
  await using cluster = await startInProcessCluster();
  const { spec } = defined(goodObject(RESOURCE_SLICE), 'a slice').body as {
    readonly spec: ResourceSlice['spec'];
  };
  const taints = [{ key: 'a', effect: 'NoSchedule' }];
  const slice = await created(cluster, RESOURCE_SLICE, {
    spec: { ...spec, devices: [{ name: 'd', taints }] },
  });
  assert.equal(slice.spec.devices?.[0]?.taints?.[0]?.timeAdded, '2026-01-01T00:00:00Z');
});

test('a VolumeAttachment: its status endpoint changes nothing else', async () => {
  await using cluster = await startInProcessCluster();
  const attachment = await created(cluster, VOLUME_ATTACHMENT);
  const attached = await cluster.client
    .of(VOLUME_ATTACHMENT)
    .updateStatus(labelled({ ...attachment, status: { attached: true } }));
  assert.deepEqual([attached.metadata.labels, attached.status], [undefined, { attached: true }]);
});
