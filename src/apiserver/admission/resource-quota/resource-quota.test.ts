import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { VirtualClock } from '#base/virtual-clock.ts';
import { defined } from '#base/assert.ts';
import { conflict } from '#api/status-error.ts';
import type { ResourceQuota as ResourceQuotaObject } from '#api/types/core.v1.ts';
import { RESOURCE_QUOTA } from '#api/types/resources.ts';
import { ObjectsInMemory } from '../../object-reader.fixture.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { refusalOf, writeOf } from '../admission.fixture.ts';
import { ResourceQuota } from './resource-quota.ts';

type List = Readonly<Record<string, string>>;

function quota(hard: List, used: List | undefined, spec: object = {}, name = 'q'): object {
  return {
    kind: 'ResourceQuota',
    metadata: { name },
    spec: { hard, ...spec },
    status: { hard, ...(used && { used }) },
  };
}

/** A writer that compares resourceVersions, counts, and takes a turn for each write. */
function setUp(...quotas: readonly object[]) {
  const reader = new ObjectsInMemory();
  reader.put(...quotas);
  let writes = 0;
  const updateStatus = async (wanted: ResourceQuotaObject): Promise<void> => {
    await nextTurn();
    const stored = defined(reader.get(RESOURCE_QUOTA, 'default', wanted.metadata.name), 'quota');
    if (stored.metadata.resourceVersion !== wanted.metadata.resourceVersion) {
      throw conflict(RESOURCE_QUOTA, wanted.metadata.name, 'the object has been modified');
    }
    writes++;
    const resourceVersion = String(Number(stored.metadata.resourceVersion) + 1);
    reader.put({ ...wanted, metadata: { ...wanted.metadata, resourceVersion } });
  };
  const plugin = new ResourceQuota({ reader, clock: new VirtualClock(), writer: { updateStatus } });
  const used = (name = 'q'): List => reader.get(RESOURCE_QUOTA, 'default', name)?.status.used ?? {};
  return { reader, plugin, used, writes: () => writes };
}

function pod(resources: object, spec: object = {}): object {
  return {
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', resources }], ...spec },
    status: {},
  };
}

const SMALL = { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: '1' } };

const cases: readonly {
  name: string;
  quota: object;
  write: AdmissionAttributes;
  outcome: string;
  used: List;
}[] = [
  {
    name: 'a pod that fits is charged',
    quota: quota(
      { pods: '2', 'requests.cpu': '1', 'limits.memory': '1Gi' },
      { pods: '1', 'requests.cpu': '250m', 'limits.memory': '0' },
    ),
    write: writeOf(pod({ ...SMALL, limits: { memory: '1Gi' } })),
    outcome: 'admitted',
    used: { pods: '2', 'requests.cpu': '750m', 'limits.memory': '1Gi' },
  },
  {
    name: 'a pod that does not fit is refused',
    quota: quota(
      { pods: '2', 'requests.cpu': '700m', memory: '3Gi' },
      { pods: '1', 'requests.cpu': '250m', memory: '2560Mi' },
    ),
    write: writeOf(pod(SMALL)),
    outcome:
      '403 pods "p" is forbidden: exceeded quota: q, requested: memory=1Gi,requests.cpu=500m, used: memory=2560Mi,requests.cpu=250m, limited: memory=3Gi,requests.cpu=700m',
    used: { pods: '1', 'requests.cpu': '250m', memory: '2560Mi' },
  },
  {
    name: 'under a compute quota containers must speak',
    quota: quota(
      { 'requests.cpu': '1', 'limits.memory': '1Gi' },
      { 'requests.cpu': '0', 'limits.memory': '0' },
    ),
    write: writeOf(pod({})),
    outcome:
      '403 pods "p" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c',
    used: { 'requests.cpu': '0', 'limits.memory': '0' },
  },
  {
    name: 'a quota nobody has counted yet refuses',
    quota: quota({ pods: '2' }, undefined),
    write: writeOf(pod({})),
    outcome: '403 pods "p" is forbidden: status unknown for quota: q, resources: pods',
    used: {},
  },
  {
    name: 'what a quota does not speak of is free',
    quota: quota({ pods: '0' }, { pods: '0' }),
    write: writeOf({ kind: 'ConfigMap', metadata: { name: 'c' } }),
    outcome: 'admitted',
    used: { pods: '0' },
  },
  {
    name: 'anything can be counted',
    quota: quota({ 'count/deployments.apps': '1' }, { 'count/deployments.apps': '1' }),
    write: writeOf({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' } }),
    outcome:
      '403 deployments.apps "d" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=1, limited: count/deployments.apps=1',
    used: { 'count/deployments.apps': '1' },
  },
  {
    name: 'a node port is charged when a service gets one',
    quota: quota({ 'services.nodeports': '3', services: '1' }, { 'services.nodeports': '0', services: '1' }),
    write: writeOf(
      {
        kind: 'Service',
        metadata: { name: 's' },
        spec: { type: 'NodePort', ports: [{ port: 1 }, { port: 2 }] },
      } as object,
      {
        operation: 'UPDATE',
        oldObject: writeOf({
          kind: 'Service',
          metadata: { name: 's' },
          spec: { type: 'ClusterIP' },
        } as object).object,
      },
    ),
    outcome: 'admitted',
    used: { 'services.nodeports': '2', services: '1' },
  },
  {
    name: 'claims are charged by class too',
    quota: quota(
      { 'requests.storage': '10Gi', 'fast.storageclass.storage.k8s.io/requests.storage': '1Gi' },
      { 'requests.storage': '1Gi', 'fast.storageclass.storage.k8s.io/requests.storage': '0' },
    ),
    write: writeOf({
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'c' },
      spec: { storageClassName: 'fast', resources: { requests: { storage: '2Gi' } } },
      status: {},
    } as object),
    outcome:
      '403 persistentvolumeclaims "c" is forbidden: exceeded quota: q, requested: fast.storageclass.storage.k8s.io/requests.storage=2Gi, used: fast.storageclass.storage.k8s.io/requests.storage=0, limited: fast.storageclass.storage.k8s.io/requests.storage=1Gi',
    used: { 'requests.storage': '1Gi', 'fast.storageclass.storage.k8s.io/requests.storage': '0' },
  },
  {
    name: 'a scope leaves other pods out',
    quota: quota({ pods: '0' }, { pods: '0' }, { scopes: ['BestEffort'] }),
    write: writeOf(pod(SMALL)),
    outcome: 'admitted',
    used: { pods: '0' },
  },
  {
    name: 'a scope by priority class',
    quota: quota(
      { pods: '0' },
      { pods: '0' },
      {
        scopeSelector: {
          matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }],
        },
      },
    ),
    write: writeOf(pod(SMALL, { priorityClassName: 'high' })),
    outcome: '403 pods "p" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0',
    used: { pods: '0' },
  },
  {
    name: 'a dry run is judged and not charged',
    quota: quota({ pods: '2' }, { pods: '1' }),
    write: writeOf(pod({}), { dryRun: true }),
    outcome: 'admitted',
    used: { pods: '1' },
  },
  {
    name: 'extended resources are counted by their request',
    quota: quota({ 'requests.acme.com/gpu': '1' }, { 'requests.acme.com/gpu': '0' }),
    write: writeOf(pod({ requests: { 'acme.com/gpu': '2' } })),
    outcome:
      '403 pods "p" is forbidden: exceeded quota: q, requested: requests.acme.com/gpu=2, used: requests.acme.com/gpu=0, limited: requests.acme.com/gpu=1',
    used: { 'requests.acme.com/gpu': '0' },
  },
];

for (const { name, quota, write, outcome, used } of cases) {
  test(`resource quota: ${name}`, async () => {
    const setting = setUp(quota);
    assert.deepEqual([await refusalOf(setting.plugin, write), setting.used()], [outcome, used]);
  });
}

test('resource quota: writes at once never share the last place, and are charged together', async () => {
  const { plugin, used, writes } = setUp(quota({ pods: '5' }, { pods: '0' }));
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => refusalOf(plugin, writeOf(pod({})))));
  assert.equal(outcomes.filter((outcome) => outcome === 'admitted').length, 5);
  assert.deepEqual(used(), { pods: '5' });
  assert.equal(writes(), 2);
});

test('resource quota: a quota that changes meanwhile is charged anew, the other one only once', async () => {
  const { reader, plugin, used } = setUp(
    quota({ pods: '5' }, { pods: '0' }),
    quota({ pods: '9' }, { pods: '0' }, {}, 'other'),
  );
  const waiting = refusalOf(plugin, writeOf(pod({})));
  reader.put({ ...quota({ pods: '5' }, { pods: '2' }), metadata: { name: 'q', resourceVersion: '7' } });
  assert.equal(await waiting, 'admitted');
  assert.deepEqual([used(), used('other')], [{ pods: '3' }, { pods: '1' }]);
});

test('resource quota: a namespace without quotas costs no wait', () => {
  const { plugin } = setUp();
  assert.equal(plugin.validate(writeOf(pod({}))), undefined);
});
