import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text } from 'node:stream/consumers';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { RuntimeError, type ContainerConfig, type ContainerEvent, type PodSandboxConfig } from './cri.ts';
import type { FakeLife } from './fake-life.ts';
import { FakeRuntime } from './fake-runtime.ts';

const NAMESPACES = { network: 'pod', pid: 'container', ipc: 'pod' } as const;
const POD: PodSandboxConfig = {
  metadata: { name: 'web', uid: 'uid-1', namespace: 'default', attempt: 0 },
  hostname: 'web',
  logDirectory: '/logs/web',
  labels: { app: 'web' },
  annotations: {},
  linux: { cgroupParent: '/kubepods/poduid-1', securityContext: { namespaceOptions: NAMESPACES } },
};
const CONTAINER: ContainerConfig = {
  metadata: { name: 'main', attempt: 0 },
  image: { image: 'nginx' },
  envs: [],
  mounts: [],
  labels: { app: 'web' },
  annotations: {},
  logPath: 'main/0.log',
  linux: { resources: {}, securityContext: { namespaceOptions: NAMESPACES } },
};

function setUp(life: FakeLife = {}): {
  clock: VirtualClock;
  runtime: FakeRuntime;
  logged: string[];
  start: () => Promise<{ podSandboxId: string; containerId: string }>;
} {
  const clock = new VirtualClock();
  const logged: string[] = [];
  const runtime = new FakeRuntime({
    clock,
    random: new SeededRandom(1),
    life: () => life,
    appendLog: (path, line) => logged.push(`${path} ${line}`),
  });
  const start = async (): Promise<{ podSandboxId: string; containerId: string }> => {
    await runtime.images.pullImage({ image: 'nginx' });
    const podSandboxId = await runtime.runPodSandbox(POD);
    const containerId = await runtime.createContainer(podSandboxId, CONTAINER, POD);
    await runtime.startContainer(containerId);
    return { podSandboxId, containerId };
  };
  return { clock, runtime, logged, start };
}

const stops: readonly { name: string; life: FakeLife; grace: number; afterMs: number; exitCode: number }[] = [
  { name: 'an obedient container ends at once', life: {}, grace: 30, afterMs: 0, exitCode: 143 },
  {
    name: 'a slow one within its grace',
    life: { stopAfterMs: 5000, stopExitCode: 0 },
    grace: 30,
    afterMs: 5000,
    exitCode: 0,
  },
  {
    name: 'a deaf one is killed after the grace',
    life: { stopAfterMs: Infinity },
    grace: 30,
    afterMs: 30_000,
    exitCode: 137,
  },
  { name: 'no grace kills', life: {}, grace: 0, afterMs: 0, exitCode: 137 },
];
for (const { name, life, grace, afterMs, exitCode } of stops) {
  test(`fake runtime: stopping: ${name}`, async () => {
    const { clock, runtime, start } = setUp(life);
    const { containerId } = await start();
    const startedAtMs = clock.nowMs();
    const stopped = runtime.stopContainer(containerId, grace);
    await clock.advance(60_000);
    await stopped;
    const status = await runtime.containerStatus(containerId);
    assert.equal(status.state, 'exited');
    assert.equal(status.exitCode, exitCode);
    assert.equal((status.finishedAtMs ?? 0) - startedAtMs, afterMs);
  });
}

test('fake runtime: a container that ends by itself tells it, with reason', async () => {
  const { clock, runtime, start } = setUp({ exitAfterMs: 1000, exitCode: 3 });
  const { containerId } = await start();
  await clock.advance(999);
  assert.equal((await runtime.containerStatus(containerId)).state, 'running');
  await clock.advance(1);
  const { state, exitCode, reason } = await runtime.containerStatus(containerId);
  assert.deepEqual({ state, exitCode, reason }, { state: 'exited', exitCode: 3, reason: 'Error' });
});

test('fake runtime: events come in order and end with the signal', async () => {
  const { runtime, start } = setUp();
  const controller = new AbortController();
  const seen: ContainerEvent['type'][] = [];
  const reading = (async (): Promise<void> => {
    for await (const event of runtime.containerEvents(controller.signal)) {
      seen.push(event.type);
      if (event.type === 'deleted') {
        controller.abort();
      }
    }
  })();
  const { podSandboxId, containerId } = await start();
  runtime.exitContainer(containerId, 137, 'OOMKilled');
  await runtime.removePodSandbox(podSandboxId);
  await reading;
  assert.deepEqual(seen, ['created', 'started', 'oom', 'stopped', 'sandbox-stopped', 'deleted']);
});

test('fake runtime: a start error leaves an exited container with code 128', async () => {
  const { runtime, start } = setUp({ startError: 'exec: "nope": not found' });
  await assert.rejects(start(), (error: RuntimeError) => error.code === 'internal');
  const [container] = await runtime.listContainers({ state: 'exited' });
  const status = await runtime.containerStatus(container?.id ?? '');
  assert.equal(status.exitCode, 128);
  assert.equal(status.reason, 'StartError');
});

test('fake runtime: stops and removes of what is gone succeed', async () => {
  const { runtime, start } = setUp();
  const { podSandboxId, containerId } = await start();
  for (let round = 0; round < 2; round++) {
    await runtime.removePodSandbox(podSandboxId);
    await runtime.stopPodSandbox(podSandboxId);
    await runtime.stopContainer(containerId, 1);
    await runtime.removeContainer(containerId);
  }
  assert.deepEqual(await runtime.listPodSandbox(), []);
  assert.deepEqual(await runtime.listContainers(), []);
});

test('fake runtime: exec connects streams, execSync collects and times out on the clock', async () => {
  const { clock, runtime, start } = setUp();
  const { containerId } = await start();
  runtime.onExec(async ({ cmd, stdin, stdout, stderr, signal }) => {
    if (cmd[0] === 'hang') {
      await clock.sleep(3_600_000, signal);
    }
    stdout.write(`out ${cmd.join(' ')} ${await text(stdin)}`);
    stderr.write('err');
    return 7;
  });
  const session = await runtime.exec({
    containerId,
    cmd: ['cat'],
    stdin: true,
    stdout: true,
    stderr: true,
    tty: false,
  });
  session.stdin?.end('hello');
  assert.ok(session.stdout);
  assert.equal(await text(session.stdout), 'out cat hello');
  assert.deepEqual(await session.exit, { exitCode: 7 });

  const { exitCode, stderr } = await runtime.execSync(containerId, ['ls'], 1);
  assert.equal(exitCode, 7);
  assert.equal(Buffer.from(stderr).toString(), 'err');

  const hanging = runtime.execSync(containerId, ['hang'], 1);
  const refused = assert.rejects(hanging, (error: RuntimeError) => error.code === 'deadline-exceeded');
  await clock.advance(1000);
  await refused;
});

test('fake runtime: logs have the CRI form and reach attached sessions', async () => {
  const { runtime, logged, start } = setUp();
  const { containerId } = await start();
  const session = await runtime.attach({
    containerId,
    stdin: false,
    stdout: true,
    stderr: true,
    tty: false,
  });
  runtime.writeLog(containerId, 'stdout', 'hello');
  assert.deepEqual(logged, [
    '/logs/web/main/0.log ',
    '/logs/web/main/0.log 2026-01-01T00:00:00.000000000Z stdout F hello\n',
  ]);
  runtime.exitContainer(containerId, 0);
  assert.ok(session.stdout);
  assert.equal(await text(session.stdout), 'hello\n');
});

test('fake runtime: a planned failure happens once', async () => {
  const { runtime } = setUp();
  runtime.failNext('runPodSandbox', new RuntimeError('unavailable', 'no network yet'));
  await assert.rejects(runtime.runPodSandbox(POD), /no network yet/);
  const id = await runtime.runPodSandbox(POD);
  assert.deepEqual((await runtime.podSandboxStatus(id)).network.ips, ['10.88.0.2']);
  await assert.rejects(runtime.runPodSandbox(POD), (error: RuntimeError) => error.code === 'already-exists');
});

test('fake runtime: a refused pull says why, and works again later', async () => {
  const { runtime } = setUp();
  runtime.images.refusePulls('nope', new RuntimeError('image-not-found', 'not found'));
  await assert.rejects(runtime.images.pullImage({ image: 'nope:latest' }), /not found/);
  runtime.images.refusePulls('nope', undefined);
  const id = await runtime.images.pullImage({ image: 'nope' });
  assert.deepEqual((await runtime.images.imageStatus({ image: id }))?.repoTags, [
    'docker.io/library/nope:latest',
  ]);
});
