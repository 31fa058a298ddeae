import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ConfigMap, Pod } from '#api/types/core.v1.ts';
import { ApiClient } from './api-client.fixture.ts';
import { BusyboxImage } from './busybox-image.fixture.ts';
import { TestCluster } from './cluster.fixture.ts';
import { leftovers, whyNoContainers } from './oci-host.fixture.ts';
import { TestRegistry } from './registry.fixture.ts';

const ROUNDS = 4;
/** Writes go on for this long before the kill, and longer each round: the moments are all different. */
const WRITING_MS = 300;
const PODS = 2;
const MAPS = '/api/v1/namespaces/default/configmaps';

const skip = whyNoContainers() ?? false;
const cluster = new TestCluster('program-crash');
let registry: TestRegistry;

before(async () => {
  if (skip === false) {
    await cluster.clear();
    registry = await TestRegistry.start();
    (await BusyboxImage.create(registry)).serve('library/box', '1', ['/bin/idle']);
  }
});

after(async () => {
  if (skip === false) {
    await cluster[Symbol.asyncDispose]();
    await registry.stop();
  }
});

interface Acknowledged {
  /** Names of objects that were created. */
  readonly names: Set<string>;
  /** Of the newest answer. */
  revision: bigint;
}

test('program: killed at any moment, it keeps what it answered, and pods run on', { skip }, async () => {
  const acknowledged: Acknowledged = { names: new Set(), revision: 0n };
  let containers: readonly string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await up();
    using client = new ApiClient(cluster.kubeconfig);
    if (round === 0) {
      await createDeployment(client);
      containers = await runningContainers(client);
    }
    await checkKept(client, acknowledged);
    assert.deepEqual(await runningContainers(client), containers, `round ${round}`);
    const writing = write(client, round, acknowledged);
    await cluster.clock.sleep(WRITING_MS * (round + 1));
    await cluster.end('SIGKILL');
    await writing;
  }
  assert.ok(acknowledged.names.size > ROUNDS * 10, `only ${acknowledged.names.size} writes were made`);
  await up();
  using client = new ApiClient(cluster.kubeconfig);
  await checkKept(client, acknowledged);
  assert.deepEqual(await runningContainers(client), containers);
  const { instance } = cluster;
  await cluster.end('SIGTERM');
  assert.deepEqual(leftovers(instance), []);
});

async function up(): Promise<void> {
  const mirror = `docker.io=http://${registry.host}`;
  await cluster.start('up', ['--nodes', 'oci', '--port', '0', '--registry-mirror', mirror], /Cluster ready/);
}

async function createDeployment(client: ApiClient): Promise<void> {
  const labels = { app: 'idle' };
  const { status, body } = await client.send({
    method: 'POST',
    path: '/apis/apps/v1/namespaces/default/deployments',
    body: JSON.stringify({
      metadata: { name: 'idle' },
      spec: {
        replicas: PODS,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'idle', image: 'box:1' }] } },
      },
    }),
  });
  assert.equal(status, 201, body);
}

/** The ids of the pods' containers, once all are ready. A restart would make new ones. */
async function runningContainers(client: ApiClient): Promise<readonly string[]> {
  let ids: readonly string[] = [];
  await cluster.until(async () => {
    const { items } = await client.json<{ items: readonly Pod[] }>('/api/v1/namespaces/default/pods');
    const ready = items
      .flatMap(({ status }) => status.containerStatuses ?? [])
      .filter(({ ready: isReady, restartCount }) => isReady && restartCount === 0);
    ids = ready.map(({ containerID }) => containerID ?? '').toSorted();
    return ids.length === PODS;
  });
  return ids;
}

/** Creates objects one after another until the server is gone. */
async function write(client: ApiClient, round: number, acknowledged: Acknowledged): Promise<void> {
  for (let count = 0; ; count++) {
    const name = `round-${round}-${count}`;
    const body = JSON.stringify({ metadata: { name } });
    const answer = await client.send({ method: 'POST', path: MAPS, body }).catch(() => undefined);
    if (answer === undefined) {
      return;
    }
    assert.equal(answer.status, 201, answer.body);
    acknowledged.names.add(name);
    const { metadata } = JSON.parse(answer.body) as ConfigMap;
    acknowledged.revision = BigInt(metadata.resourceVersion ?? '0');
  }
}

async function checkKept(client: ApiClient, { names, revision }: Acknowledged): Promise<void> {
  const list = await client.json<{
    metadata: { resourceVersion: string };
    items: readonly ConfigMap[];
  }>(MAPS);
  const found = new Set(list.items.map(({ metadata }) => metadata.name));
  assert.deepEqual([...names.difference(found)], [], 'acknowledged and lost');
  assert.ok(BigInt(list.metadata.resourceVersion) >= revision, 'the revision went back');
}
