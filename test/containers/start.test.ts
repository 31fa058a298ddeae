import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Pod } from '#api/types/core.v1.ts';
import { ApiClient } from './api-client.fixture.ts';
import { TestCluster } from './cluster.fixture.ts';
import { leftovers, whyNoContainers } from './oci-host.fixture.ts';
import { run } from './shell.fixture.ts';

const skip = whyNoContainers() ?? false;
const first = new TestCluster('start-1');
const second = new TestCluster('start-2');

before(async () => {
  if (skip === false) {
    await first.clear();
    await second.clear();
  }
});

after(async () => {
  if (skip === false) {
    await first[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
  }
});

async function podUids(): Promise<readonly string[]> {
  using client = new ApiClient(first.kubeconfig);
  const { items } = await client.json<{ items: readonly Pod[] }>('/api/v1/namespaces/default/pods');
  return items.map(({ metadata }) => metadata.uid).toSorted();
}

test(
  'start: an example application answers, Ctrl-C leaves nothing, and the next start resumes',
  { skip },
  async () => {
    await first.start('start', ['--port', '0'], /Ctrl-C stops everything/);
    const phases = [
      'API server',
      'node',
      'three pods ready',
      'all three answer on the cluster IP',
      'all three answer by DNS name from a pod',
      'all three answer on the node port',
    ];
    for (const phase of phases) {
      assert.match(first.output, new RegExp(`✓ ${phase} +[\\d.]+ m?s\n`));
    }
    const [, url = ''] = /Ready after .*: (http:\S+)/.exec(first.output) ?? [];
    assert.match(await (await fetch(url)).text(), /^Hello from Coracle, answered by hello-/);
    assert.ok(first.output.includes(`kubeconfig  ${first.kubeconfig}`));
    const before_ = await podUids();
    assert.equal(before_.length, 3);
    const { instance } = first;

    assert.equal(await first.end('SIGINT'), 0, first.output);
    assert.deepEqual(leftovers(instance), []);
    assert.equal(await serviceRoute(first), '');

    await first.start('start', ['--port', '0'], /Ctrl-C stops everything/);
    assert.equal(first.instance, instance);
    assert.deepEqual(await podUids(), before_);
    assert.equal(await first.end('SIGINT'), 0, first.output);
    assert.deepEqual(leftovers(instance), []);
  },
);

test('up, status, down: two clusters live side by side', { skip }, async () => {
  for (const cluster of [first, second]) {
    const stopped = await cluster.coracle('status');
    assert.equal(stopped.code, 3);
    const up = await cluster.coracle('up', '--detach', '--port', '0');
    assert.equal(up.code, 0, up.stderr);
    assert.match(up.stdout, /^Cluster ready: https:\/\/127\.0\.0\.1:\d+\n {2}export KUBECONFIG=/);
    const status = await cluster.coracle('status');
    assert.equal(status.code, 0);
    assert.match(status.stdout, /^Running as process \d+\n {2}server +https:/);
  }
  const again = await first.coracle('up');
  assert.notEqual(again.code, 0);
  assert.match(
    again.stderr,
    /^coracle up: the cluster in \S+ already runs \(process \d+\); stop it with "coracle down"\n$/,
  );

  const { instance } = first;
  const down = await first.coracle('down');
  assert.deepEqual([down.code, down.stdout], [0, 'Stopped.\n']);
  assert.deepEqual(leftovers(instance), []);
  assert.match((await first.coracle('status')).stdout, /^Stopped\. /);
  assert.match((await first.coracle('down')).stdout, /^No cluster runs in /);
  {
    using client = new ApiClient(second.kubeconfig);
    assert.equal((await client.send({ path: '/readyz' })).body, 'ok');
  }
  assert.equal((await second.coracle('down')).code, 0);
  assert.deepEqual(leftovers(second.instance), []);
});

test('start: Ctrl-C in the middle leaves nothing either', { skip }, async () => {
  await first.start('start', ['--port', '0'], /example applied/);
  const { instance } = first;
  assert.equal(await first.end('SIGINT'), 0, first.output);
  assert.deepEqual(leftovers(instance), []);
});

test('down: what a killed program left on the host is removed', { skip }, async () => {
  await first.start('start', ['--port', '0'], /Ctrl-C stops everything/);
  const { instance } = first;
  await first.end('SIGKILL');
  assert.notDeepEqual(leftovers(instance), []);
  const { code, stdout } = await first.coracle('down');
  assert.deepEqual([code, stdout.split(';')[0]], [0, 'The cluster was not stopped but killed']);
  assert.deepEqual(leftovers(instance), []);
  assert.equal(await serviceRoute(first), '');
});

test('up: a port in use is one clear sentence', { skip }, async () => {
  const taken = createServer();
  taken.listen(0, '0.0.0.0');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const { code, stderr } = await second.coracle('up', '--port', String(port));
  taken.close();
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^coracle up: .*port ${port} is in use.*\n$`));
  assert.deepEqual(leftovers(second.instance), []);
});

interface BadDirectory {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly sentence: RegExp;
}

const BAD_DIRECTORIES: readonly BadDirectory[] = [
  {
    name: 'of another version',
    files: { 'cluster.json': '{"format":99}' },
    sentence: /^coracle \w+: \S+ has data format 99, this program reads format 1: .*\n$/,
  },
  {
    name: 'half written',
    files: { 'cluster.json': '{"format":1,"instanc' },
    sentence: /^coracle \w+: \S+cluster\.json is damaged .*\n$/,
  },
  {
    name: 'of a start that was cut short',
    files: { 'store/data.mdb': '' },
    sentence: /^coracle \w+: \S+ holds store but no cluster\.json; .*\n$/,
  },
  {
    name: 'that lacks settings',
    files: { 'cluster.json': '{"format":1}' },
    sentence: /^coracle \w+: \S+cluster\.json is damaged .*\n$/,
  },
  {
    name: 'whose store is no store',
    files: {
      'cluster.json': JSON.stringify({
        format: 1,
        instanceId: 'abcdef',
        serviceCidr: '10.251.0.0/16',
        podCidr: '10.250.0.0/16',
        port: 0,
      }),
      'store/data.mdb': 'this is no database',
    },
    sentence: /^coracle \w+: \S+store\S* .*\n$/,
  },
];

for (const { name, files, sentence } of BAD_DIRECTORIES) {
  test(`up: a data directory ${name} is one clear sentence`, { skip }, async () => {
    const bad = new TestCluster('bad-directory');
    rmSync(bad.directory.path, { recursive: true, force: true });
    for (const [path, content] of Object.entries(files)) {
      const full = join(bad.directory.path, path);
      mkdirSync(join(full, '..'), { recursive: true });
      writeFileSync(full, content);
    }
    const { code, stderr } = await bad.coracle('up', '--nodes', 'sim:1', '--port', '0');
    rmSync(bad.directory.path, { recursive: true, force: true });
    assert.notEqual(code, 0);
    assert.match(stderr, sentence);
  });
}

/** The host's route to the services of a cluster, as `ip` shows it. */
async function serviceRoute(cluster: TestCluster): Promise<string> {
  const { stdout } = await run(['ip', 'route', 'show', cluster.directory.readSettings()?.serviceCidr ?? '']);
  return stdout;
}
