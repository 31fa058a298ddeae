import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { SystemClock } from '#base/clock.ts';
import { kubectl } from '#cli/kubectl.ts';
import { findProgram } from '#runtime/oci/check-host.ts';
import { TestCluster } from '../../src/testing/test-cluster.ts';

const program = findProgram('kubectl');
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

let cluster: TestCluster;
let directory: string;
let kubeconfig: string;

before(async () => {
  if (skip !== false) {
    return;
  }
  cluster = await TestCluster.start();
  directory = mkdtempSync(join(tmpdir(), 'coracle-kubectl-twin-'));
  kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, await cluster.kubeconfig());
  writeFileSync(join(directory, 'objects.yaml'), OBJECTS);
  const { stderr } = await ours(['apply', '-f', join(directory, 'objects.yaml')]);
  assert.equal(stderr, '');
});

after(async () => {
  if (skip === false) {
    await cluster[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  }
});

for (const line of LINES) {
  test(`kubectl ${line}: the same bytes and the same code as upstream's`, { skip }, async () => {
    const args = line.split(' ').map((word) => word.replace('{dir}', directory));
    assert.deepEqual(await ours(args), await upstreams(args));
  });
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ours(args: readonly string[]): Promise<Outcome> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const outputs = Promise.all([text(stdout), text(stderr)]);
  const stdin = Readable.from([]);
  const env = { KUBECONFIG: kubeconfig };
  const code = await kubectl(args, { stdin, stdout, stderr, env, clock: new SystemClock() });
  stdout.end();
  stderr.end();
  const [out, err] = await outputs;
  return { code, stdout: out, stderr: err };
}

function upstreams(args: readonly string[]): Promise<Outcome> {
  const env = { ...process.env, KUBECONFIG: kubeconfig, HOME: directory };
  return new Promise((resolve) => {
    execFile(program ?? '', [...args], { env }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : 0;
      resolve({ code, stdout, stderr });
    });
  });
}
