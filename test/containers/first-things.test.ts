import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ConfigMap, PersistentVolume, Pod, Secret, Service } from '#api/types/core.v1.ts';
import type { Deployment } from '#api/types/apps.v1.ts';
import { ApiClient } from './api-client.fixture.ts';
import { BusyboxImage } from './busybox-image.fixture.ts';
import { CORACLE, TestCluster } from './cluster.fixture.ts';
import { kubectlPrograms } from './kubectl-program.fixture.ts';
import { whyNoContainers } from './oci-host.fixture.ts';
import { TestRegistry } from './registry.fixture.ts';
import { run } from './shell.fixture.ts';

const MANIFEST = join(import.meta.dirname, 'manifests/first-things.yaml');
const CORE = '/api/v1/namespaces/default';
const APPS = '/apis/apps/v1/namespaces/default';
const REPLICAS = 3;

const skip = whyNoContainers() ?? false;
const cluster = new TestCluster('first-things');
let registry: TestRegistry;
let client: ApiClient;

before(async () => {
  if (skip !== false) {
    return;
  }
  await cluster.clear();
  registry = await TestRegistry.start();
  const image = await BusyboxImage.create(registry);
  image.serve('library/nginx', '1.7.9', ['/bin/web']);
  image.serve('library/nginx', 'latest', ['/bin/web']);
  image.serve('library/redis', 'latest', ['/bin/idle']);
  image.serve('google_samples/gb-frontend', 'v3', ['/bin/idle']);
  const mirrors = ['docker.io', 'gcr.io'].flatMap((name) => [
    '--registry-mirror',
    `${name}=http://${registry.host}`,
  ]);
  await cluster.start('up', ['--nodes', 'oci', '--port', '0', ...mirrors], /Cluster ready/);
  client = new ApiClient(cluster.kubeconfig);
  const upstream = kubectlPrograms().findLast(({ path }) => path !== undefined)?.path;
  const manifest = readFileSync(MANIFEST, 'utf8');
  if (upstream !== undefined) {
    await kubectl(['apply', '-f', '-'], manifest, [upstream]);
  }
  await apply(manifest);
});

after(async () => {
  if (skip === false) {
    client[Symbol.dispose]();
    await cluster[Symbol.asyncDispose]();
    await registry.stop();
  }
});

const OWN_KUBECTL = [process.execPath, CORACLE, 'kubectl'];

async function kubectl(args: readonly string[], input = '', program = OWN_KUBECTL): Promise<string> {
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
  const { code, stdout, stderr } = await run([...program, ...args], { env, input });
  assert.equal(code, 0, `kubectl ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

async function apply(manifest: string): Promise<void> {
  await kubectl(['apply', '-f', '-'], manifest);
}

function isReady({ status, metadata }: Pod): boolean {
  const ready = (status.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True');
  return ready && metadata.deletionTimestamp === undefined;
}

async function readyPods(selector: string): Promise<readonly Pod[]> {
  const { items } = await client.json<{ items: readonly Pod[] }>(`${CORE}/pods?labelSelector=${selector}`);
  return items.filter(isReady);
}

async function becomesReady(name: string): Promise<void> {
  await cluster.until(async () => isReady(await client.json<Pod>(`${CORE}/pods/${name}`)));
}

test('first things: everything is accepted and kept as it was written', { skip }, async () => {
  const pod = await client.json<Pod>(`${CORE}/pods/myapp-pod`);
  assert.equal(pod.spec.containers[0]?.image, 'nginx:1.7.9');
  const { spec } = await client.json<Service>(`${CORE}/services/my-service`);
  assert.deepEqual({ ...spec.ports?.[0] }, { protocol: 'TCP', port: 80, targetPort: 9376 });
  assert.match(spec.clusterIP ?? '', /^10\./);
  const map = await client.json<ConfigMap>(`${CORE}/configmaps/hello-cm`);
  assert.deepEqual(map.data, { language: 'java' });
  const secret = await client.json<Secret>(`${CORE}/secrets/mysecret`);
  assert.equal(Buffer.from(secret.data?.['username'] ?? '', 'base64').toString(), 'admin');
  const volume = await client.json<PersistentVolume>('/api/v1/persistentvolumes/pv0003');
  assert.equal(volume.spec.capacity?.['storage'], '5Gi');
});

test('first things: applied again, nothing is changed, whoever applied it first', { skip }, async () => {
  const lines = (await kubectl(['apply', '-f', '-'], readFileSync(MANIFEST, 'utf8'))).trim().split('\n');
  assert.equal(lines.length, 7);
  assert.deepEqual(
    lines.filter((line) => !line.endsWith(' unchanged')),
    [],
  );
});

test('first things: two containers of a pod share its emptyDir', { skip }, async () => {
  await becomesReady('myapp-pod');
  await becomesReady('shared-volumes');
  const write = 'echo from redis > /data/shared/note';
  await kubectl(['exec', 'shared-volumes', '-c', 'redis', '--', 'sh', '-c', write]);
  const read = await kubectl(['exec', 'shared-volumes', '-c', 'nginx', '--', 'cat', '/data/shared/note']);
  assert.equal(read, 'from redis\n');
});

test('first things: a killed pod of a ReplicaSet is replaced', { skip }, async () => {
  await cluster.until(async () => (await readyPods('tier=frontend')).length === REPLICAS);
  const before_ = (await readyPods('tier=frontend')).map(({ metadata }) => metadata.name);
  const [victim = ''] = before_;
  await kubectl(['delete', 'pod', victim, '--grace-period=1']);
  await cluster.until(async () => (await readyPods('tier=frontend')).length === REPLICAS);
  const names = (await readyPods('tier=frontend')).map(({ metadata }) => metadata.name);
  assert.ok(!names.includes(victim));
  assert.equal(names.filter((name) => before_.includes(name)).length, REPLICAS - 1);
});

test('first things: a Deployment rolls out and back without a failed request', { skip }, async () => {
  await apply(deployment('one'));
  await kubectl(['rollout', 'status', 'deployment/site']);
  const { spec } = await client.json<Service>(`${CORE}/services/site`);
  const address = spec.clusterIP ?? '';
  // Until the rules for the service are in the kernel, it refuses connections.
  await cluster.until(async () => (await fetchPage(address).catch(() => '')) === 'version one');
  const hammer = new Hammer(address);
  await apply(deployment('two'));
  await kubectl(['rollout', 'status', 'deployment/site']);
  await onlyAnswers(hammer, 'version two');
  await kubectl(['rollout', 'undo', 'deployment/site']);
  await kubectl(['rollout', 'status', 'deployment/site']);
  await onlyAnswers(hammer, 'version one');
  const { answers, failures } = await hammer.stop();
  assert.deepEqual(failures, []);
  assert.deepEqual(new Set(answers), new Set(['version one', 'version two']));
  assert.ok(answers.length > 200, `only ${answers.length} requests were made`);
  const { metadata } = await client.json<Deployment>(`${APPS}/deployments/site`);
  assert.equal(metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
});

test(
  'first things: what a pod writes into a claimed volume is there for the next one, until the claim goes',
  { skip },
  async () => {
    await apply(`
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: notes }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
`);
    await apply(podWithNotes('writer'));
    await becomesReady('writer');
    await kubectl(['exec', 'writer', '--', 'sh', '-c', 'echo kept > /notes/a']);
    await kubectl(['delete', 'pod', 'writer', '--grace-period=0', '--force']);
    await apply(podWithNotes('reader'));
    await becomesReady('reader');
    assert.equal(await kubectl(['exec', 'reader', '--', 'cat', '/notes/a']), 'kept\n');
    const { items } = await client.json<{ items: readonly PersistentVolume[] }>('/api/v1/persistentvolumes');
    const volume = items.find(({ spec }) => spec.claimRef?.name === 'notes');
    const path = volume?.spec.hostPath?.path ?? '';
    assert.equal(existsSync(join(path, 'a')), true);
    await kubectl(['delete', 'pod', 'reader', '--grace-period=0', '--force']);
    await kubectl(['delete', 'pvc', 'notes']);
    await cluster.until(() => !existsSync(path));
  },
);

function podWithNotes(name: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  containers:
    - { name: c, image: redis, volumeMounts: [{ name: notes, mountPath: /notes }] }
  volumes:
    - { name: notes, persistentVolumeClaim: { claimName: notes } }
`;
}

/** Waits until the pods that are going have gone, then asks that one version answers alone. */
async function onlyAnswers(hammer: Hammer, page: string): Promise<void> {
  await cluster.until(async () => {
    const { items } = await client.json<{ items: readonly Pod[] }>(`${CORE}/pods?labelSelector=app=site`);
    return items.length === REPLICAS && items.every(isReady);
  });
  const { length } = hammer.answers;
  await cluster.until(() => hammer.answers.length > length + 30);
  assert.deepEqual(new Set(hammer.answers.slice(length + 10)), new Set([page]));
}

/** As people are told to write it: ready when it answers, and a pause before the end in which traffic moves on. */
function deployment(version: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: site
spec:
  replicas: ${REPLICAS}
  selector:
    matchLabels: { app: site }
  template:
    metadata:
      labels: { app: site }
    spec:
      terminationGracePeriodSeconds: 5
      containers:
      - name: web
        image: nginx:1.7.9
        env: [{ name: VERSION, value: "${version}" }]
        readinessProbe: { httpGet: { path: /, port: 80 }, periodSeconds: 1 }
        lifecycle: { preStop: { sleep: { seconds: 2 } } }
---
apiVersion: v1
kind: Service
metadata:
  name: site
spec:
  selector: { app: site }
  ports: [{ port: 80 }]
`;
}

/** One request after another, each on a connection of its own. */
class Hammer {
  readonly answers: string[] = [];
  readonly failures: string[] = [];
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor(address: string) {
    this.#done = this.#run(address);
  }

  async stop(): Promise<Pick<Hammer, 'answers' | 'failures'>> {
    this.#isStopped = true;
    await this.#done;
    return this;
  }

  async #run(address: string): Promise<void> {
    while (!this.#isStopped) {
      try {
        this.answers.push(await fetchPage(address));
      } catch (error) {
        this.failures.push(String(error));
      }
      await cluster.clock.sleep(5);
    }
  }
}

const PAGE_TIMEOUT_MS = 3_000;

/** The first two words of the page; the pod's name follows. */
async function fetchPage(host: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const sent = request({ host, port: 80, agent: false, timeout: PAGE_TIMEOUT_MS }, (response) => {
    let page = '';
    response.on('data', (chunk: Buffer) => (page += chunk.toString()));
    response.on('error', reject);
    response.on('end', () =>
      response.statusCode === 200
        ? resolve(page.split(' ').slice(0, 2).join(' '))
        : reject(new Error(`status ${response.statusCode}`)),
    );
  });
  sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
  sent.on('error', reject);
  sent.end();
  return await promise;
}
