import assert from 'node:assert/strict';
import { test } from 'node:test';
import { POD } from '#api/types/resources.ts';
import { ObjectsInMemory } from '../object-reader.fixture.ts';
import type { Attributes } from './authorizer.ts';
import { NodeAuthorizer } from './node-authorizer.ts';
import { NodeGraph } from './node-graph.ts';

function setUp() {
  const reader = new ObjectsInMemory();
  const graph = new NodeGraph(reader);
  reader.put(
    {
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: {
        nodeName: 'n1',
        serviceAccountName: 'sa',
        imagePullSecrets: [{ name: 'pull' }],
        containers: [
          {
            name: 'c',
            env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 'env', key: 'k' } } }],
            envFrom: [{ configMapRef: { name: 'cm' } }],
          },
        ],
        volumes: [
          { name: 'v', projected: { sources: [{ configMap: { name: 'projected' } }] } },
          { name: 'w', persistentVolumeClaim: { claimName: 'claim' } },
        ],
      },
      status: {},
    } as object,
    {
      kind: 'Pod',
      metadata: { name: 'mirror', annotations: { 'kubernetes.io/config.mirror': 'x' } },
      spec: { nodeName: 'n1', volumes: [{ name: 's', secret: { secretName: 'stolen' } }] },
      status: {},
    } as object,
    { kind: 'PersistentVolumeClaim', metadata: { name: 'claim' }, spec: { volumeName: 'pv' } } as object,
  );
  return { reader, authorizer: new NodeAuthorizer(graph) };
}

/** `get secrets default/x` */
function ask(request: string, node = 'n1'): Attributes {
  const [verb = '', what = '', where = '/'] = request.split(' ');
  const [, resource = '', subresource = '', apiGroup = ''] =
    /^([^/.]+)(?:\/([^.]+))?(?:\.(.+))?$/.exec(what) ?? [];
  const [namespace = '', name = ''] = where.split('/');
  const user = { name: `system:node:${node}`, groups: ['system:nodes'], extra: {} };
  return {
    user,
    verb,
    namespace,
    apiGroup,
    apiVersion: 'v1',
    resource,
    subresource,
    name,
    isResourceRequest: true,
    path: '',
  };
}

const cases: readonly { request: string; answer: string }[] = [
  { request: 'get secrets default/env', answer: 'allow' },
  { request: 'watch secrets default/pull', answer: 'allow' },
  { request: 'get secrets other/env', answer: "no relationship found between node 'n1' and this object" },
  {
    request: 'get secrets default/stolen',
    answer: "no relationship found between node 'n1' and this object",
  },
  { request: 'list secrets default/', answer: 'No Object name found' },
  { request: 'update secrets default/env', answer: 'can only get, list, watch resources of this type' },
  { request: 'get configmaps default/cm', answer: 'allow' },
  { request: 'get configmaps default/projected', answer: 'allow' },
  { request: 'get persistentvolumeclaims default/claim', answer: 'allow' },
  { request: 'get persistentvolumes /pv', answer: 'allow' },
  {
    request: 'get persistentvolumes /other',
    answer: "no relationship found between node 'n1' and this object",
  },
  { request: 'create serviceaccounts/token default/sa', answer: 'allow' },
  {
    request: 'create serviceaccounts/token default/default',
    answer: "no relationship found between node 'n1' and this object",
  },
  { request: 'update leases.coordination.k8s.io kube-node-lease/n1', answer: 'allow' },
  { request: 'create leases.coordination.k8s.io kube-node-lease/', answer: 'allow' },
  {
    request: 'update leases.coordination.k8s.io kube-node-lease/n2',
    answer: 'can only access lease with the same name as the requesting node',
  },
  {
    request: 'update leases.coordination.k8s.io default/n1',
    answer: 'can only access leases in the "kube-node-lease" system namespace',
  },
  { request: 'get nodes /n1', answer: 'allow' },
  { request: 'get nodes /n2', answer: "node 'n1' cannot read 'n2', only its own Node object" },
  { request: 'patch nodes/status /n1', answer: 'allow' },
  { request: 'list pods', answer: 'allow' },
  { request: 'create deployments.apps default/', answer: '' },
];

for (const { request, answer } of cases) {
  test(`node authorizer: ${request}: ${answer === '' ? 'no opinion' : answer}`, () => {
    const { outcome, reason } = setUp().authorizer.authorize(ask(request));
    assert.equal(outcome === 'allow' ? 'allow' : reason, answer);
  });
}

test('node authorizer: rights go when the pod goes, and never pass to another node', () => {
  const { reader, authorizer } = setUp();
  assert.equal(authorizer.authorize(ask('get secrets default/env', 'n2')).outcome, 'noOpinion');
  reader.remove(POD, 'default', 'p');
  assert.equal(authorizer.authorize(ask('get secrets default/env')).outcome, 'noOpinion');
});

test('node authorizer: others are not its business', () => {
  const { authorizer } = setUp();
  const question = {
    ...ask('get secrets default/env'),
    user: { name: 'system:node:n1', groups: [], extra: {} },
  };
  assert.deepEqual(authorizer.authorize(question), { outcome: 'noOpinion', reason: '' });
});
