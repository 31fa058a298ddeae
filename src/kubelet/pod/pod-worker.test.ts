import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '#runtime/cri.ts';
import { aContainer, aPod } from './pod.fixture.ts';
import { PodBench } from './pod-workers.fixture.ts';

test('pod worker: a new pod gets a sandbox, its image, its container, and is told to be ready', async () => {
  await using bench = await PodBench.open();
  bench.create(aPod());
  await bench.until('ready', () => bench.summary() === 'Running main:running*');
  const { status } = bench.pod();
  assert.equal(status.podIP, '10.88.0.2');
  assert.deepEqual(
    status.conditions?.map(({ type, status: value }) => `${type}=${value}`),
    [
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ],
  );
  assert.deepEqual(bench.events, [
    'Pulling: Pulling image "nginx:1"',
    'Pulled: Successfully pulled image "nginx:1" in 0s (0s including waiting). Image size: 1000000 bytes.',
    'Created: Container created',
    'Started: Container started',
  ]);
});

test('pod worker: a crashing container is restarted at once, then after 10 s, then after 20 s', async () => {
  await using bench = await PodBench.open({ life: () => ({ exitAfterMs: 1000, exitCode: 3 }) });
  bench.create(aPod());
  await bench.until('running', () => bench.summary() === 'Running main:running*');
  await bench.advance(1);
  await bench.until('restarted', () => bench.summary() === 'Running main:running*x1');
  await bench.advance(1);
  await bench.until('waiting', () => bench.summary() === 'Running main:waiting(CrashLoopBackOff)x1');
  const [main] = bench.pod().status.containerStatuses ?? [];
  assert.equal(
    main?.state.waiting?.message,
    'back-off 10s restarting failed container=main pod=web_default(uid-web)',
  );
  assert.equal(main?.lastState.terminated?.exitCode, 3);
  await bench.advance(10);
  await bench.until('restarted again', () => bench.summary() === 'Running main:running*x2');
  await bench.advance(1);
  await bench.until('waiting', () => bench.summary() === 'Running main:waiting(CrashLoopBackOff)x2');
  await bench.advance(19);
  assert.equal(bench.summary(), 'Running main:waiting(CrashLoopBackOff)x2');
  await bench.advance(1);
  await bench.until('restarted', () => bench.summary() === 'Running main:running*x3');
});

test('pod worker: init containers run one after the other, each to its end, then sidecars stay', async () => {
  const ends: Readonly<Record<string, number>> = { one: 1000, two: 2000 };
  await using bench = await PodBench.open({
    life: ({ metadata }) => {
      const exitAfterMs = ends[metadata.name];
      return exitAfterMs === undefined ? {} : { exitAfterMs };
    },
  });
  bench.create(
    aPod({
      initContainers: [
        aContainer({ name: 'one' }),
        aContainer({ name: 'proxy', restartPolicy: 'Always' }),
        aContainer({ name: 'two' }),
      ],
    }),
  );
  await bench.until('one runs', () => bench.summary().includes('one:running'));
  assert.equal(
    bench.summary(),
    'Pending one:running proxy:waiting(PodInitializing) two:waiting(PodInitializing) main:waiting(PodInitializing)',
  );
  await bench.advance(1);
  await bench.until('two runs', () => bench.summary().includes('two:running'));
  assert.equal(
    bench.summary(),
    'Pending one:ended(0 Completed) proxy:running* two:running main:waiting(PodInitializing)',
  );
  await bench.advance(2);
  await bench.until('main runs', () => bench.summary().includes('main:running'));
  assert.equal(
    bench.summary(),
    'Running one:ended(0 Completed) proxy:running* two:ended(0 Completed) main:running*',
  );
});

test('pod worker: a pod that runs to its end is Succeeded once its sidecar has been stopped', async () => {
  await using bench = await PodBench.open({
    life: ({ metadata }) =>
      metadata.name === 'main' ? { exitAfterMs: 1000 } : { stopAfterMs: 3000, stopExitCode: 0 },
  });
  bench.create(
    aPod({
      restartPolicy: 'Never',
      initContainers: [aContainer({ name: 'proxy', restartPolicy: 'Always' })],
    }),
  );
  await bench.until('runs', () => bench.summary() === 'Running proxy:running* main:running*');
  await bench.advance(2);
  assert.equal(bench.summary(), 'Running proxy:running* main:ended(0 Completed)');
  await bench.advance(3);
  await bench.until(
    'over',
    () => bench.summary() === 'Succeeded proxy:ended(0 Completed) main:ended(0 Completed)',
  );
  assert.deepEqual(
    (await bench.runtime.listPodSandbox()).map(({ state }) => state),
    ['notready'],
  );
});

test('pod worker: a failed pod with restart policy Never is Failed', async () => {
  await using bench = await PodBench.open({ life: () => ({ exitAfterMs: 1000, exitCode: 1 }) });
  bench.create(aPod({ restartPolicy: 'Never' }));
  await bench.until('runs', () => bench.summary() === 'Running main:running*');
  await bench.advance(1);
  await bench.until('failed', () => bench.summary() === 'Failed main:ended(1 Error)');
  assert.equal(bench.pod().status.conditions?.find(({ type }) => type === 'Ready')?.reason, 'PodFailed');
});

test('pod worker: containers whose turn never came still wait when an init container ends the pod', async () => {
  await using bench = await PodBench.open({
    life: ({ metadata }) => ({ exitAfterMs: 1000, exitCode: metadata.name === 'bad' ? 1 : 0 }),
  });
  const initContainers = ['good', 'bad', 'late'].map((name) => aContainer({ name }));
  bench.create(aPod({ restartPolicy: 'Never', initContainers }));
  for (let second = 0; second < 4; second++) {
    await bench.advance(1);
    await bench.settle();
  }
  assert.equal(
    bench.summary(),
    'Failed good:ended(0 Completed) bad:ended(1 Error) late:waiting(PodInitializing) main:waiting(PodInitializing)',
  );
});

test('pod worker: a deleted pod ends within its grace period and leaves nothing', async () => {
  await using bench = await PodBench.open({ life: () => ({ stopAfterMs: 5000 }) });
  bench.create(aPod());
  await bench.until('runs', () => bench.summary() === 'Running main:running*');
  bench.markDeleted(30);
  await bench.advance(4);
  assert.equal(bench.summary(), 'Running main:running*');
  assert.ok(bench.events.includes('Killing: Stopping container main'));
  await bench.advance(2);
  await bench.until('gone', () => bench.find() === undefined);
  await bench.until('forgotten', () => bench.workers.size === 0);
  assert.deepEqual(await bench.runtime.listPodSandbox(), []);
  assert.deepEqual(await bench.runtime.listContainers(), []);
});

test('pod worker: a pod that a finalizer holds is deleted once, and forgotten when it goes', async () => {
  await using bench = await PodBench.open();
  bench.create(aPod({}, { finalizers: ['example.com/held'] }));
  await bench.until('runs', () => bench.summary() === 'Running main:running*');
  bench.markDeleted(1);
  await bench.advance(3);
  await bench.until('deleted', () => bench.deletionCount > 0);
  await bench.advance(120);
  assert.equal(bench.deletionCount, 1);
  assert.equal(bench.workers.size, 1);
  bench.drop();
  await bench.until('forgotten', () => bench.workers.size === 0);
});

test('pod worker: a shorter grace period during the deletion is kept', async () => {
  await using bench = await PodBench.open({ life: () => ({ stopAfterMs: Infinity }) });
  bench.create(aPod());
  await bench.until('runs', () => bench.summary() === 'Running main:running*');
  bench.markDeleted(30);
  await bench.advance(5);
  bench.markDeleted(3);
  await bench.advance(4);
  await bench.until('gone', () => bench.find() === undefined);
});

test('pod worker: a restarted kubelet takes over what runs, without starting anything twice', async () => {
  await using bench = await PodBench.open({ life: () => ({ exitAfterMs: 100_000, exitCode: 1 }) });
  bench.create(aPod());
  await bench.until('runs', () => bench.summary() === 'Running main:running*');
  const before = await bench.containerId('main');
  await bench.restartKubelet();
  await bench.settle();
  assert.equal(await bench.containerId('main'), before);
  await bench.advance(100);
  await bench.until('restarted', () => bench.summary() === 'Running main:running*x1');
  assert.equal((await bench.runtime.listPodSandbox()).length, 1);
});

test('pod worker: an image that cannot be pulled is shown as refused, then as waiting', async () => {
  await using bench = await PodBench.open();
  bench.runtime.images.refusePulls('nginx:1', new RuntimeError('image-not-found', 'not found: nginx:1'));
  bench.create(aPod());
  await bench.until('refused', () => bench.summary() === 'Pending main:waiting(ErrImagePull)');
  await bench.advance(2);
  await bench.until('waits', () => bench.summary() === 'Pending main:waiting(ImagePullBackOff)');
  assert.ok(bench.events.includes('BackOff: Back-off pulling image "nginx:1"'));
  bench.runtime.images.refusePulls('nginx:1', undefined);
  await bench.advance(60);
  await bench.until('runs', () => bench.summary() === 'Running main:running*');
});

test('pod worker: a missing ConfigMap holds up the container, and its coming lets it start', async () => {
  await using bench = await PodBench.open();
  const env = [{ name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'palette', key: 'color' } } }];
  bench.create(aPod({ containers: [aContainer({ env })] }));
  await bench.until('held up', () => bench.summary() === 'Pending main:waiting(CreateContainerConfigError)');
  const [main] = bench.pod().status.containerStatuses ?? [];
  assert.equal(main?.state.waiting?.message, 'configmap "palette" not found');
  bench.transport.put(
    { group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap', isNamespaced: true },
    { metadata: { name: 'palette', namespace: 'default' }, data: { color: 'blue' } } as never,
  );
  await bench.advance(10);
  await bench.until('runs', () => bench.summary() === 'Running main:running*');
});

test('pod worker: a pod past its active deadline fails with the reason', async () => {
  await using bench = await PodBench.open();
  bench.create(aPod({ activeDeadlineSeconds: 5 }));
  await bench.until('runs', () => bench.summary() === 'Running main:running*');
  await bench.advance(6);
  await bench.until('failed', () => bench.pod().status.phase === 'Failed');
  assert.equal(bench.pod().status.reason, 'DeadlineExceeded');
});

test('pod worker: after a reboot the pod gets a new sandbox, and its restarts are counted on', async () => {
  await using bench = await PodBench.open();
  bench.create(aPod());
  await bench.until('runs', () => bench.summary() === 'Running main:running*');
  await bench.workers.close();
  for (const { id } of await bench.runtime.listPodSandbox()) {
    await bench.runtime.removePodSandbox(id);
  }
  await bench.restartKubelet();
  await bench.until('runs again', () => bench.summary() === 'Running main:running*x1');
  const [main] = bench.pod().status.containerStatuses ?? [];
  assert.equal(main?.lastState.terminated?.reason, 'ContainerStatusUnknown');
});

test('pod worker: a changed image restarts the container, changed limits do not', async () => {
  await using bench = await PodBench.open();
  bench.create(aPod({ containers: [aContainer({ resources: { limits: { cpu: '1', memory: '64Mi' } } })] }));
  await bench.until('runs', () => bench.summary() === 'Running main:running*');
  const change = (container: Parameters<typeof aContainer>[0]): void => {
    const { metadata, status } = bench.pod();
    bench.create({ ...aPod({ containers: [aContainer(container)] }), metadata, status });
  };
  change({ resources: { limits: { cpu: '2', memory: '64Mi' } } });
  const id = await bench.containerId('main');
  await bench.settle();
  assert.equal((await bench.runtime.containerStatus(id)).resources?.cpuQuota, 200_000);
  assert.equal(bench.summary(), 'Running main:running*');
  change({ image: 'nginx:2' });
  await bench.advance(1);
  await bench.until('restarted', () => bench.summary() === 'Running main:running*x1');
  assert.ok(bench.events.includes('Killing: Container main definition changed, will be restarted'));
});

test('pod worker: a pod stays ready while a changed image is put in place, and is not when that fails', async () => {
  await using bench = await PodBench.open({ life: () => ({ stopAfterMs: 500 }) });
  bench.create(aPod());
  await bench.until('runs', () => bench.summary() === 'Running main:running*');
  const { requests } = bench.transport;
  const firstRequest = requests.length;
  const change = (image: string): void => {
    const { metadata, status } = bench.pod();
    bench.create({ ...aPod({ containers: [aContainer({ image })] }), metadata, status });
  };
  change('nginx:2');
  await bench.advance(1);
  await bench.until('restarted', () => bench.summary() === 'Running main:running*x1');
  const told = requests.slice(firstRequest).map(({ body }) => JSON.stringify(body));
  assert.ok(told.length > 0);
  assert.deepEqual(
    told.filter((text) => text.includes('ContainersNotReady')),
    [],
  );
  bench.runtime.images.refusePulls('nginx:3', new RuntimeError('image-not-found', 'not found: nginx:3'));
  change('nginx:3');
  await bench.advance(1);
  await bench.until('refused', () => bench.summary().startsWith('Running main:waiting('));
});

test('pod worker: an ephemeral container joins a running pod and is never restarted', async () => {
  await using bench = await PodBench.open({
    life: ({ metadata }) => (metadata.name === 'debug' ? { exitAfterMs: 1000 } : {}),
  });
  bench.create(aPod());
  await bench.until('runs', () => bench.summary() === 'Running main:running*');
  const pod = bench.pod();
  const debug = aContainer({ name: 'debug' });
  bench.create({ ...pod, spec: { ...pod.spec, ephemeralContainers: [debug] } });
  await bench.until('joined', () => bench.summary() === 'Running main:running* debug:running');
  await bench.advance(2);
  await bench.until('over', () => bench.summary() === 'Running main:running* debug:ended(0 Completed)');
  await bench.advance(60);
  assert.equal(bench.summary(), 'Running main:running* debug:ended(0 Completed)');
});

test('pod worker: a failing postStart hook ends its container, a preStop hook has its time before the signal', async () => {
  await using bench = await PodBench.open({ life: () => ({ stopAfterMs: 1000 }) });
  const ran: string[] = [];
  let exitCode = 1;
  bench.runtime.onExec(({ cmd }) => {
    ran.push(cmd.join(' '));
    return cmd[0] === 'hello' ? exitCode : 0;
  });
  const lifecycle = { postStart: { exec: { command: ['hello'] } }, preStop: { sleep: { seconds: 5 } } };
  bench.create(aPod({ containers: [aContainer({ lifecycle })] }));
  await bench.until('hook failed', () => bench.events.includes('FailedPostStartHook: PostStartHook failed'));
  exitCode = 0;
  await bench.advance(20);
  await bench.until('runs', () => bench.summary().startsWith('Running main:running*'));
  assert.ok(ran.length >= 2);
  bench.markDeleted(30);
  await bench.advance(5);
  assert.match(bench.summary(), /main:running/);
  await bench.advance(3);
  await bench.until('gone', () => bench.find() === undefined);
});

test('pod worker: a pod with a forbidden sysctl is refused for good', async () => {
  await using bench = await PodBench.open();
  bench.create(aPod({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }));
  await bench.until('refused', () => bench.pod().status.phase === 'Failed');
  assert.equal(bench.pod().status.reason, 'SysctlForbidden');
  assert.deepEqual(await bench.runtime.listPodSandbox(), []);
});

test('pod worker: closing does not wait for a container that takes its time to end', async () => {
  await using bench = await PodBench.open({ life: () => ({ stopAfterMs: 20_000 }) });
  bench.create(aPod());
  await bench.until('runs', () => bench.summary() === 'Running main:running*');
  bench.markDeleted(30);
  await bench.until('stopping', () => bench.events.includes('Killing: Stopping container main'));
  let isClosed = false;
  const closing = bench.workers.close().then(() => {
    isClosed = true;
  });
  await bench.advance(2);
  assert.ok(isClosed);
  await closing;
});
