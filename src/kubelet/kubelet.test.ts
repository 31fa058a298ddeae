import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { text } from 'node:stream/consumers';
import { SILENT_LOGGER } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { CONFIG_MAP, LEASE, NODE, POD } from '#api/types/resources.ts';
import { Client } from '#client/client.ts';
import { createInformers } from '#client/informer.ts';
import { MemoryTransport } from '#client/memory-transport.ts';
import { FakeRuntime } from '#runtime/fake-runtime.ts';
import { diskTurn, turnsUntil } from './disk-turn.fixture.ts';
import { createKubelet, type Kubelet } from './kubelet.ts';
import type { ProbeOutcome } from './probes/prober.ts';
import { aContainer, aPod } from './pod/pod.fixture.ts';
import { NO_CGROUPS } from './resources/pod-cgroups.ts';
import { NO_MOUNTS } from './volumes/host-mounts.ts';

interface World {
  readonly clock: VirtualClock;
  readonly transport: MemoryTransport;
  readonly runtime: FakeRuntime;
  readonly kubelet: Kubelet;
  readonly directory: string;
  readonly events: string[];
  /** What probes answer from now on. */
  outcome: ProbeOutcome;
  until(what: string, condition: () => boolean | Promise<boolean>): Promise<void>;
  advance(seconds: number): Promise<void>;
}

const FACTS = {
  cpuCount: 4,
  memoryBytes: 8 * 2 ** 30,
  swapBytes: 0,
  storageBytes: 100 * 2 ** 30,
  machineId: 'machine',
  systemUuid: 'system',
  bootId: 'boot',
  kernelVersion: '6.1.0',
  osImage: 'Debian',
  operatingSystem: 'linux',
  architecture: 'amd64',
};

async function open(t: TestContext): Promise<World> {
  const clock = new VirtualClock();
  const transport = new MemoryTransport(clock);
  const directory = await mkdtemp(join(tmpdir(), 'coracle-kubelet-'));
  const runtime = new FakeRuntime({
    clock,
    random: new SeededRandom(1),
    appendLog: (path, line) => {
      mkdirSync(dirname(path), { recursive: true });
      appendFileSync(path, line);
    },
  });
  const events: string[] = [];
  const informers = createInformers({ transport, clock, random: new SeededRandom(2), log: SILENT_LOGGER });
  const world: Omit<World, 'kubelet'> = {
    clock,
    transport,
    runtime,
    directory,
    events,
    outcome: { result: 'success', output: '' },
    until: async (what, condition) => {
      if (await turnsUntil(clock, directory, condition)) {
        return;
      }
      throw new Error(`never: ${what}; ${JSON.stringify(transport.all(POD).map(({ status }) => status))}`);
    },
    advance: async (seconds) => {
      for (let second = 0; second < seconds; second++) {
        await clock.advance(1000);
        await diskTurn(clock, directory);
        await diskTurn(clock, directory);
      }
    },
  };
  const kubelet = createKubelet({
    client: new Client(transport),
    informers,
    runtime,
    images: runtime.images,
    clock,
    random: new SeededRandom(3),
    log: SILENT_LOGGER,
    metrics: new MetricsRegistry(),
    events: { event: (_target, _type, reason, message) => void events.push(`${reason}: ${message}`) },
    cgroups: NO_CGROUPS,
    mounts: NO_MOUNTS,
    facts: FACTS,
    nodeName: 'node-1',
    addresses: [
      { type: 'InternalIP', address: '192.168.0.1' },
      { type: 'Hostname', address: 'node-1' },
    ],
    clusterDns: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    dataDir: join(directory, 'kubelet'),
    podCidrs: ['10.244.1.0/24'],
    resolvConf: 'nameserver 9.9.9.9\n',
    prober: { probe: () => Promise.resolve(world.outcome) },
  });
  t.after(async () => {
    runtime.close();
    await kubelet.close();
    await informers.close();
    await rm(directory, { recursive: true, force: true });
  });
  await kubelet.start();
  return Object.assign(world, { kubelet });
}

async function onlyContainer(runtime: FakeRuntime): Promise<string> {
  const [container, ...others] = await runtime.listContainers();
  assert.ok(container !== undefined && others.length === 0);
  return container.id;
}

function isReady({ transport }: World): boolean {
  return transport.peek(POD, 'default/web')?.status.containerStatuses?.[0]?.ready === true;
}

test('kubelet: the node is registered, told to be ready, and kept alive by its Lease', async (t) => {
  const world = await open(t);
  const { transport } = world;
  const condition = (): string | undefined =>
    transport.peek(NODE, 'node-1')?.status.conditions?.find(({ type }) => type === 'Ready')?.status;
  await world.until('ready', () => condition() === 'True');
  await world.until('leased', () => transport.peek(LEASE, 'kube-node-lease/node-1') !== undefined);
  const node = transport.peek(NODE, 'node-1');
  assert.equal(node?.metadata.labels?.['kubernetes.io/hostname'], 'node-1');
  assert.equal(node?.status.capacity?.['memory'], '8388608Ki');
  assert.equal(node?.status.allocatable?.['memory'], '8286208Ki');
  const renewed = (): string | undefined => transport.peek(LEASE, 'kube-node-lease/node-1')?.spec.renewTime;
  const before = renewed();
  const writes = (): number =>
    transport.requests.filter(({ verb, name }) => verb === 'patch' && name === 'node-1').length;
  const statusWrites = writes();
  await world.advance(20);
  assert.notEqual(renewed(), before);
  assert.equal(writes(), statusWrites, 'an unchanged status is not written again');
});

test('kubelet: a pod gets its address from the range of its node', async (t) => {
  const world = await open(t);
  await world.until('registered', () => world.transport.peek(NODE, 'node-1') !== undefined);
  await world.advance(1);
  world.transport.put(POD, aPod());
  await world.until('ready', () => isReady(world));
  assert.match(world.transport.peek(POD, 'default/web')?.status.podIP ?? '', /^10\.244\.1\./);
});

test('kubelet: a ConfigMap is mounted, and a change of it reaches the running container', async (t) => {
  const world = await open(t);
  const { transport } = world;
  transport.put(CONFIG_MAP, { metadata: { name: 'palette', namespace: 'default' }, data: { color: 'blue' } });
  transport.put(
    POD,
    aPod({
      volumes: [{ name: 'palette', configMap: { name: 'palette', defaultMode: 0o440 } }],
      containers: [aContainer({ volumeMounts: [{ name: 'palette', mountPath: '/etc/palette' }] })],
    }),
  );
  await world.until('ready', () => isReady(world));
  const id = await onlyContainer(world.runtime);
  const { mounts } = await world.runtime.containerStatus(id);
  const mount = mounts.find(({ containerPath }) => containerPath === '/etc/palette');
  const file = join(mount?.hostPath ?? '', 'color');
  assert.equal(mount?.readonly, true);
  assert.equal(await readFile(file, 'utf8'), 'blue');
  assert.equal((await stat(file)).mode & 0o777, 0o440);
  transport.put(CONFIG_MAP, { metadata: { name: 'palette', namespace: 'default' }, data: { color: 'red' } });
  await world.advance(91);
  await world.until('renewed', async () => (await readFile(file, 'utf8')) === 'red');
});

test('kubelet: a failing readiness probe makes a pod unready, a failing liveness probe restarts its container', async (t) => {
  const world = await open(t);
  const probe = {
    httpGet: { port: 80 },
    periodSeconds: 5,
    failureThreshold: 2,
    timeoutSeconds: 1,
    successThreshold: 1,
  };
  world.transport.put(
    POD,
    aPod({ containers: [aContainer({ readinessProbe: probe, livenessProbe: probe })] }),
  );
  await world.until('ready', () => isReady(world));
  world.outcome = { result: 'failure', output: 'HTTP probe failed with statuscode: 500' };
  await world.advance(6);
  assert.ok(isReady(world), 'one failure is not enough');
  await world.advance(5);
  await world.until('unready', () => !isReady(world));
  assert.ok(
    world.events.includes('Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 500'),
  );
  world.outcome = { result: 'success', output: '' };
  await world.advance(6);
  await world.until('restarted', () => {
    const [status] = world.transport.peek(POD, 'default/web')?.status.containerStatuses ?? [];
    return status?.restartCount === 1 && status.ready;
  });
  assert.ok(world.events.includes('Killing: Container main failed liveness probe, will be restarted'));
});

test('kubelet: logs are read, followed to the end, and refused in the words people know', async (t) => {
  const world = await open(t);
  const { runtime, kubelet } = world;
  const target = { namespace: 'default', pod: 'web', container: 'main' };
  const never = new AbortController().signal;
  await assert.rejects(kubelet.streams.logs(target, {}, never), { message: 'pods "web" not found' });
  world.transport.put(POD, aPod({ restartPolicy: 'Never' }));
  await world.until('ready', () => isReady(world));
  const id = await onlyContainer(runtime);
  runtime.writeLog(id, 'stdout', 'one');
  runtime.writeLog(id, 'stderr', 'two');
  assert.equal(await text(await kubelet.streams.logs(target, {}, never)), 'one\ntwo\n');
  assert.equal(await text(await kubelet.streams.logs(target, { tailLines: 1 }, never)), 'two\n');
  assert.equal(await text(await kubelet.streams.logs(target, { stream: 'Stdout' }, never)), 'one\n');
  assert.equal(await text(await kubelet.streams.logs(target, { limitBytes: 5 }, never)), 'one\nt');
  assert.equal(
    await text(await kubelet.streams.logs(target, { timestamps: true, tailLines: 1 }, never)),
    `${new Date(world.clock.nowMs()).toISOString().replace('Z', '000000Z')} two\n`,
  );
  await assert.rejects(kubelet.streams.logs(target, { previous: true }, never), {
    message: 'previous terminated container "main" in pod "web" not found',
  });
  const following = text(await kubelet.streams.logs(target, { follow: true }, never));
  await world.advance(1);
  runtime.writeLog(id, 'stdout', 'three');
  runtime.exitContainer(id, 0);
  await world.advance(3);
  assert.equal(await following, 'one\ntwo\nthree\n');
});

test('kubelet: what runs of a pod that was deleted in the meantime is ended', async (t) => {
  const world = await open(t);
  world.transport.put(POD, aPod());
  await world.until('ready', () => isReady(world));
  world.transport.drop(POD, 'default/web');
  await world.advance(3);
  await world.until('gone', async () => (await world.runtime.listPodSandbox()).length === 0);
});

test('kubelet: the node answers on its own paths', async (t) => {
  const world = await open(t);
  world.transport.put(POD, aPod());
  await world.until('ready', () => isReady(world));
  const get = async (path: string, query = ''): Promise<string> => {
    const { status, body } = await world.kubelet.http.get(
      path,
      new URLSearchParams(query),
      new AbortController().signal,
    );
    return `${status} ${typeof body === 'string' ? body : await text(body)}`;
  };
  assert.equal(await get('/healthz'), '200 ok');
  assert.match(await get('/pods'), /^200 .*"name":"web"/);
  assert.match(
    await get('/stats/summary'),
    /"podRef":\{"name":"web","namespace":"default","uid":"uid-web"\}/,
  );
  assert.match(
    await get('/metrics/resource'),
    /^container_cpu_usage_seconds_total\{container="main",namespace="default",pod="web"\} 0$/m,
  );
  assert.match(await get('/metrics'), /^kubelet_running_pods 1$/m);
  world.runtime.writeLog(await onlyContainer(world.runtime), 'stdout', 'hello');
  assert.equal(await get('/containerLogs/default/web/main', 'tailLines=1'), '200 hello\n');
  assert.equal(await get('/containerLogs/default/gone/main'), '404 pods "gone" not found\n');
  assert.match(await get('/exec/default/web/main'), /^501 /);
});
