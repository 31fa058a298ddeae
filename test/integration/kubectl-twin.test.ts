import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { KubectlPlace, upstreamKubectl } from './kubectl-twin.fixture.ts';

const program = upstreamKubectl();
const skip = program === undefined ? 'there is no kubectl on the PATH to compare with' : false;

/** Command lines whose every byte is upstream's; `{dir}` is the directory of the test. */
const LINES: readonly string[] = [
  'get nodes',
  'get deployments,services',
  'get deploy web -o yaml',
  'get deploy web -o json',
  'get deploy -o name',
  'get all --no-headers',
  'get cm web --show-labels -L app',
  'get deploy web -o jsonpath={.spec.replicas}{"\\n"}',
  'get cm -o custom-columns=NAME:.metadata.name,DATA:.data',
  'get cm --sort-by=.metadata.name -o name',
  'get cm nope',
  'get nope',
  'get pods -n empty',
  'get cm web -l a=b',
  'get deploy/web cm',
  'describe cm web',
  'describe secrets',
  'describe quota',
  'rollout history deploy/web',
  'rollout undo deploy/web',
  'explain deployments.spec.strategy',
  'explain pods.spec.containers --recursive',
  'apply -f {dir}/objects.yaml',
  'apply -f nope.yaml',
  'create cm',
  'delete pods',
  'label cm web app=web',
  'api-versions',
  'api-resources --api-group=apps',
  'auth can-i get pods',
  'config current-context',
];

const OBJECTS = `apiVersion: v1
kind: ResourceQuota
metadata: {name: few}
spec: {hard: {configmaps: "20", pods: "3"}, scopes: []}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, labels: {app: web}}
data: {greeting: "hello <you>"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1", ports: [{containerPort: 80}]}]}
`;

let place: KubectlPlace;

before(async () => {
  if (skip !== false) {
    return;
  }
  place = await KubectlPlace.open();
  place.write('objects.yaml', OBJECTS);
  const { stderr } = await place.ours(['apply', '-f', join(place.directory, 'objects.yaml')]);
  assert.equal(stderr, '');
});

after(async () => {
  if (skip === false) {
    await place[Symbol.asyncDispose]();
  }
});

for (const line of LINES) {
  test(`kubectl ${line}: the same bytes and the same code as upstream's`, { skip }, async () => {
    const args = line.split(' ').map((word) => word.replace('{dir}', place.directory));
    assert.deepEqual(await place.ours(args), await place.upstreams(program ?? '', args));
  });
}
