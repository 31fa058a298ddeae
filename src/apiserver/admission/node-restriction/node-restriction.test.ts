import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ObjectsInMemory } from '../../object-reader.fixture.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { refusalOf, writeOf } from '../admission.fixture.ts';
import { NodeRestriction } from './node-restriction.ts';

const NODE_USER = { name: 'system:node:n1', groups: ['system:nodes'], extra: {} };

function byNode(object: object, changes: Partial<AdmissionAttributes> = {}): AdmissionAttributes {
  return writeOf(object, { user: NODE_USER, ...changes });
}

function update(
  object: object,
  old: object,
  changes: Partial<AdmissionAttributes> = {},
): AdmissionAttributes {
  return byNode(object, { operation: 'UPDATE', oldObject: writeOf(old).object, ...changes });
}

function mirror(spec: object = {}, metadata: object = {}): object {
  return {
    kind: 'Pod',
    metadata: {
      name: 'm',
      annotations: { 'kubernetes.io/config.mirror': 'x' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'uid-n1', controller: true }],
      ...metadata,
    },
    spec: { nodeName: 'n1', ...spec },
    status: {},
  };
}

function node(labels: object, taints?: object[], name = 'n1'): object {
  return { kind: 'Node', metadata: { name, labels }, spec: taints === undefined ? {} : { taints } };
}

const POD = {
  kind: 'Pod',
  metadata: { name: 'p', labels: { a: '1' } },
  spec: { nodeName: 'n1' },
  status: {},
};
const FOREIGN = { ...POD, spec: { nodeName: 'n2' } };
const CLAIM = {
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'c' },
  spec: {},
  status: { phase: 'Bound' },
};
const lease = (namespace: string, name: string): object => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace },
});
const token = (boundObjectRef?: object): Partial<AdmissionAttributes> => ({
  subresource: 'token',
  object: {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name: '', uid: '', resourceVersion: '', creationTimestamp: '' },
    spec: { boundObjectRef },
  } as never,
});
const ACCOUNT = { kind: 'ServiceAccount', metadata: { name: 'sa' } };

const cases: readonly { name: string; write: AdmissionAttributes; outcome: string }[] = [
  { name: 'somebody else does as they please', write: writeOf(FOREIGN), outcome: 'admitted' },
  { name: 'a mirror pod', write: byNode(mirror()), outcome: 'admitted' },
  {
    name: 'an ordinary pod',
    write: byNode(POD),
    outcome:
      'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
  },
  {
    name: 'a mirror pod elsewhere',
    write: byNode(mirror({ nodeName: 'n2' })),
    outcome: 'node "n1" can only create pods with spec.nodeName set to itself',
  },
  {
    name: 'a mirror pod of nobody',
    write: byNode(mirror({}, { ownerReferences: [] })),
    outcome: 'node "n1" can only create pods with an owner reference set to itself',
  },
  {
    name: 'a mirror pod of a former node',
    write: byNode(
      mirror(
        {},
        { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'old', controller: true }] },
      ),
    ),
    outcome: 'node n1 UID mismatch: expected old got uid-n1',
  },
  {
    name: 'a mirror pod with a secret',
    write: byNode(mirror({ volumes: [{ name: 'v', secret: { secretName: 's' } }] })),
    outcome: 'node "n1" can not create pods that reference secrets',
  },
  {
    name: 'status of its pod',
    write: update({ ...POD, status: { phase: 'Running' } }, POD, { subresource: 'status' }),
    outcome: 'admitted',
  },
  {
    name: 'status of another pod',
    write: update(FOREIGN, FOREIGN, { subresource: 'status' }),
    outcome: 'node "n1" can only update pod status for pods with spec.nodeName set to itself',
  },
  {
    name: 'labels through status',
    write: update({ ...POD, metadata: { name: 'p' } }, POD, { subresource: 'status' }),
    outcome: 'node "n1" cannot update labels through pod status',
  },
  {
    name: 'deleting its pod',
    write: byNode(POD, { operation: 'DELETE', oldObject: writeOf(POD).object }),
    outcome: 'admitted',
  },
  {
    name: 'deleting another pod',
    write: byNode(FOREIGN, { operation: 'DELETE', oldObject: writeOf(FOREIGN).object }),
    outcome: 'node "n1" can only delete pods with spec.nodeName set to itself',
  },
  {
    name: 'evicting another pod',
    write: byNode({ ...FOREIGN, metadata: { name: 'foreign' } }, { subresource: 'eviction' }),
    outcome: 'node n1 can only evict pods with spec.nodeName set to itself',
  },
  {
    name: 'itself',
    write: byNode(node({ 'kubernetes.io/hostname': 'n1', mine: 'x', 'node.kubernetes.io/x': '1' })),
    outcome: 'admitted',
  },
  {
    name: 'another node',
    write: byNode(node({}, undefined, 'n2')),
    outcome: 'node "n1" is not allowed to modify node "n2"',
  },
  {
    name: 'a reserved label',
    write: byNode(node({ 'node-restriction.kubernetes.io/x': '1', 'node-role.kubernetes.io/admin': '' })),
    outcome:
      'node "n1" is not allowed to set the following labels: node-restriction.kubernetes.io/x, node-role.kubernetes.io/admin',
  },
  {
    name: 'its taints',
    write: update(node({}), node({}, [{ key: 'k', effect: 'NoSchedule' }])),
    outcome: 'node "n1" is not allowed to modify taints',
  },
  {
    name: 'a label it keeps',
    write: update(node({ 'x.k8s.io/y': '1', z: '2' }), node({ 'x.k8s.io/y': '1' })),
    outcome: 'admitted',
  },
  {
    name: 'a label it drops',
    write: update(node({}), node({ 'x.k8s.io/y': '1' })),
    outcome: 'is not allowed to modify labels: x.k8s.io/y',
  },
  { name: 'its lease', write: byNode(lease('kube-node-lease', 'n1')), outcome: 'admitted' },
  {
    name: 'a lease elsewhere',
    write: byNode(lease('default', 'n1')),
    outcome: 'can only access leases in the "kube-node-lease" system namespace',
  },
  {
    name: 'another lease',
    write: byNode(lease('kube-node-lease', 'n2')),
    outcome: 'can only access node lease with the same name as the requesting node',
  },
  {
    name: 'how far a claim has grown',
    write: update({ ...CLAIM, status: { phase: 'Bound', capacity: { storage: '2Gi' } } }, CLAIM, {
      subresource: 'status',
    }),
    outcome: 'admitted',
  },
  {
    name: 'anything else of a claim',
    write: update({ ...CLAIM, status: { phase: 'Lost' } }, CLAIM, { subresource: 'status' }),
    outcome: 'node "n1" is not allowed to update fields other than status.capacity and status.conditions',
  },
  {
    name: 'a token for its pod',
    write: byNode(ACCOUNT, token({ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-p' })),
    outcome: 'admitted',
  },
  {
    name: 'a free token',
    write: byNode(ACCOUNT, token()),
    outcome: 'node requested token not bound to a pod',
  },
  {
    name: 'a token for another pod',
    write: byNode(ACCOUNT, token({ apiVersion: 'v1', kind: 'Pod', name: 'foreign', uid: 'uid-foreign' })),
    outcome: 'node requested token bound to a pod scheduled on a different node',
  },
];

for (const { name, write, outcome } of cases) {
  test(`node restriction: ${name}`, async () => {
    const reader = new ObjectsInMemory();
    reader.put({ kind: 'Node', metadata: { name: 'n1' } }, POD, {
      ...FOREIGN,
      metadata: { name: 'foreign' },
    });
    const refusal = await refusalOf(new NodeRestriction(reader), write);
    assert.equal(refusal.replace(/^403 .*? is forbidden: /, ''), outcome);
  });
}
