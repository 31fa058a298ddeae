import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import {
  RuntimeError,
  type ContainerChange,
  type ExecSession,
  type LinuxContainerConfig,
} from '#runtime/cri.ts';
import { IMAGE, leftovers, OciFixture, whyNoContainers } from './oci-host.fixture.ts';

const INSTANCE = 'ocitest';
const skip = whyNoContainers() ?? false;
let fixture: OciFixture;

before(async () => {
  if (skip === false) {
    fixture = await OciFixture.open(INSTANCE, '10.253.17.0/24');
    await fixture.buildImage();
  }
});

after(async () => {
  if (skip === false) {
    await fixture.destroy();
    assert.deepEqual(leftovers(INSTANCE), []);
  }
});

test('oci runtime: a container runs, logs, and ends with its exit code', { skip }, async () => {
  const { id, podId } = await fixture.run(
    'exits',
    'echo out; echo err >&2; echo $FROM_IMAGE $EXTRA $(hostname); pwd; exit 7',
    {
      envs: [{ key: 'EXTRA', value: 'more' }],
    },
  );
  assert.deepEqual(await fixture.ended(id), { exitCode: 7, reason: 'Error' });
  assert.deepEqual((await fixture.log(id)).split('\n').toSorted(), ['/tmp', 'err', 'out', 'yes more exits']);
  const { logPath, startedAtMs = 0, finishedAtMs = 0 } = await fixture.runtime.containerStatus(id);
  assert.match(readFileSync(logPath, 'utf8'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\S+ stdout F out$/m);
  assert.ok(finishedAtMs >= startedAtMs - 10);
  await fixture.runtime.removePodSandbox(podId);
  await assert.rejects(fixture.runtime.containerStatus(id), { code: 'not-found' });
});

test('oci runtime: events tell a life in order', { skip }, async () => {
  const controller = new AbortController();
  const events = fixture.runtime.containerEvents(controller.signal);
  const { id, podId } = await fixture.run('events', 'exit 0');
  await fixture.ended(id);
  await fixture.runtime.removePodSandbox(podId);
  const seen: ContainerChange['type'][] = [];
  for await (const event of events) {
    if (event.type !== 'overflow' && event.podSandboxId === podId) {
      seen.push(event.type);
    }
    if (event.type === 'deleted') {
      controller.abort();
    }
  }
  assert.deepEqual(seen, ['created', 'started', 'stopped', 'sandbox-stopped', 'deleted']);
});

test('oci runtime: a program that is not there is a start error', { skip }, async () => {
  const pod = fixture.pod('nope');
  const podId = await fixture.runtime.runPodSandbox(pod);
  const config = { ...fixture.container(pod, ''), command: ['/bin/nope'] };
  const id = await fixture.runtime.createContainer(podId, config);
  await assert.rejects(fixture.runtime.startContainer(id), /\/bin\/nope.*no such file or directory/);
  const { state, exitCode, reason } = await fixture.runtime.containerStatus(id);
  assert.deepEqual({ state, exitCode, reason }, { state: 'exited', exitCode: 128, reason: 'StartError' });
  await fixture.runtime.removePodSandbox(podId);
});

test('oci runtime: too much memory is killed and told', { skip }, async () => {
  const pod = fixture.pod('oom');
  const podId = await fixture.runtime.runPodSandbox(pod);
  const linux = limited(pod.linux.securityContext.namespaceOptions, { memoryLimitInBytes: 32 * 1024 * 1024 });
  const id = await fixture.start(podId, pod, 'exec dd if=/dev/zero of=/dev/null bs=200M count=1', { linux });
  assert.deepEqual(await fixture.ended(id), { exitCode: 137, reason: 'OOMKilled' });
  await fixture.runtime.removePodSandbox(podId);
});

test('oci runtime: exec gives output, exit code and takes input', { skip }, async () => {
  const { id, podId } = await fixture.run('exec', 'sleep 1000');
  const result = await fixture.runtime.execSync(id, ['sh', '-c', 'echo out; echo err >&2; exit 3'], 10);
  assert.equal(result.exitCode, 3);
  assert.equal(Buffer.from(result.stdout).toString(), 'out\n');
  assert.equal(Buffer.from(result.stderr).toString(), 'err\n');

  const session = await openExec(id, ['cat'], { stdin: true });
  const large = 'x'.repeat(1_000_000);
  session.stdin?.end(large);
  assert.equal(await text(readable(session)), large);
  assert.deepEqual(await session.exit, { exitCode: 0 });

  await assert.rejects(fixture.runtime.execSync(id, ['nope'], 10), /OCI runtime exec failed: .*nope/);
  await assert.rejects(fixture.runtime.execSync(id, ['sleep', '100'], 1), { code: 'deadline-exceeded' });
  await fixture.until(async () => !(await processes(id)).includes('sleep 100\n'));
  await fixture.runtime.removePodSandbox(podId);
  await assert.rejects(fixture.runtime.execSync(id, ['ls'], 10), { code: 'not-found' });
});

test('oci runtime: a terminal has a size that can change', { skip }, async () => {
  const { id, podId } = await fixture.run('terminal', 'sleep 1000');
  const session = await openExec(id, ['sh', '-c', 'sleep 0.2; read go; stty size; exit 5'], {
    stdin: true,
    tty: true,
  });
  session.resize(99, 33);
  session.stdin?.write('go\n');
  assert.match(await text(readable(session)), /33 99/);
  assert.deepEqual(await session.exit, { exitCode: 5 });
  await fixture.runtime.removePodSandbox(podId);
});

test(
  'oci runtime: output is kept for a client that comes after the command has ended',
  { skip },
  async () => {
    const { id, podId } = await fixture.run('late', 'sleep 1000');
    const streams = { stdin: false, stdout: true, stderr: true, tty: false };
    const session = await fixture.runtime.exec({
      containerId: id,
      cmd: ['/bin/sh', '-c', 'echo hello'],
      ...streams,
    });
    await fixture.options.clock.sleep(500); // The command is long over.
    assert.equal(await text(readable(session)), 'hello\n');
    assert.deepEqual(await session.exit, { exitCode: 0 });
    await fixture.runtime.removePodSandbox(podId);
  },
);

test('oci runtime: attach reads output, writes input and resizes', { skip }, async () => {
  const script = 'while read line; do echo "got $line"; [ "$line" = end ] && exit 4; done';
  const { id, podId } = await fixture.run('attach', script, { stdin: true });
  const options = { containerId: id, stdin: true, stdout: true, stderr: true, tty: false };
  const session = await fixture.runtime.attach(options);
  session.stdin?.write('one\n');
  session.stdin?.write('end\n');
  assert.equal(await text(readable(session)), 'got one\ngot end\n');
  await session.exit;
  assert.equal((await fixture.ended(id)).exitCode, 4);
  await fixture.runtime.removePodSandbox(podId);

  const tty = await fixture.run('attachtty', 'read go; stty size', { stdin: true, tty: true });
  const terminal = await fixture.runtime.attach({ ...options, containerId: tty.id, tty: true });
  terminal.resize(77, 22);
  await fixture.options.clock.sleep(100); // The monitor reads its two pipes in no order.
  terminal.stdin?.write('go\n');
  assert.match(await text(readable(terminal)), /22 77/);
  await fixture.runtime.removePodSandbox(tty.podId);
});

test(
  'oci runtime: a client that has nothing more to say is let go, and the container listens on',
  { skip },
  async () => {
    const script = 'while read line; do echo "got $line"; done; echo over';
    const { id, podId } = await fixture.run('leftopen', script, { stdin: true });
    const options = { containerId: id, stdin: true, stdout: true, stderr: true, tty: false };
    for (const line of ['one', 'two']) {
      const session = await fixture.runtime.attach(options);
      session.stdin?.end(`${line}\n`);
      readable(session).resume();
      assert.deepEqual(await session.exit, { exitCode: 0 });
    }
    const last = await fixture.runtime.attach(options);
    last.stdin?.write('three\n');
    for await (const chunk of readable(last)) {
      if (String(chunk).includes('three')) {
        break;
      }
    }
    last.close();
    await fixture.runtime.removePodSandbox(podId);

    const once = await fixture.run('once', script, { stdin: true, stdinOnce: true });
    const only = await fixture.runtime.attach({ ...options, containerId: once.id });
    only.stdin?.end('one\n');
    assert.match(await text(readable(only)), /over\n$/);
    await fixture.runtime.removePodSandbox(once.podId);
  },
);

test('oci runtime: a port of the pod is reached through the sandbox', { skip }, async () => {
  const { id, podId } = await fixture.run('forward', 'nc -l -p 8080 -e /bin/cat');
  await fixture.until(async () => {
    const table = await fixture.runtime.execSync(id, ['cat', '/proc/net/tcp', '/proc/net/tcp6'], 10);
    return Buffer.from(table.stdout).toString().includes(':1F90');
  });
  const stream = await fixture.runtime.portForward(podId, 8080);
  stream.end('hello');
  assert.equal(await text(stream), 'hello');
  await assert.rejects(fixture.runtime.portForward(podId, 8081), { code: 'unavailable' });
  await fixture.runtime.removePodSandbox(podId);
});

test('oci runtime: pods have addresses, reach each other, and share host ports', { skip }, async () => {
  const server = fixture.pod('server', {
    portMappings: [{ protocol: 'TCP', containerPort: 8080, hostPort: 28_080 }],
  });
  const serverId = await fixture.runtime.runPodSandbox(server);
  const id = await fixture.start(serverId, server, 'while true; do echo served | nc -l -p 8080; done');
  const [ip = ''] = (await fixture.runtime.podSandboxStatus(serverId)).network.ips;
  assert.match(ip, /^10\.253\.17\.\d+$/);
  const client = await fixture.run('client', 'sleep 1000');
  await fixture.until(async () => {
    const { stdout } = await fixture.runtime.execSync(client.id, ['nc', '-w', '1', ip, '8080'], 5);
    return Buffer.from(stdout).toString() === 'served\n';
  });
  await fixture.until(async () => (await readPort(28_080)) === 'served\n');
  const taken = fixture.pod('taken', { portMappings: server.portMappings ?? [] });
  await assert.rejects(fixture.runtime.runPodSandbox(taken), /host port 28080\/TCP is taken/);
  assert.equal((await fixture.runtime.containerStatus(id)).state, 'running');
  await fixture.runtime.removePodSandbox(client.podId);
  await fixture.runtime.removePodSandbox(serverId);
});

test(
  'oci runtime: two containers share network and memory, each sees its own processes',
  { skip },
  async () => {
    const { pod, podId } = await fixture.run(
      'shared',
      'echo fromfirst > /dev/shm/note; nc -l -p 9000 -e /bin/cat',
    );
    const second = await fixture.start(podId, pod, 'sleep 1000', {
      metadata: { name: 'second', attempt: 0 },
    });
    await fixture.until(async () => {
      const { stdout } = await fixture.runtime.execSync(
        second,
        ['sh', '-c', 'cat /dev/shm/note; echo hi | nc 127.0.0.1 9000'],
        5,
      );
      return Buffer.from(stdout).toString() === 'fromfirst\nhi\n';
    });
    assert.doesNotMatch(await processes(second), /9000/);
    await fixture.runtime.removePodSandbox(podId);
  },
);

test('oci runtime: a shared process namespace has the pause process first', { skip }, async () => {
  const { pod, podId } = await fixture.run('onepid', 'sleep 1234', {}, { pid: 'pod' });
  const second = await fixture.start(podId, pod, 'sleep 1000', { metadata: { name: 'second', attempt: 0 } });
  const seen = await processes(second);
  assert.match(seen, /1 65535 .*\/pause/);
  assert.match(seen, /sleep 1234/);
  await fixture.runtime.stopContainer(second, 0);
  assert.deepEqual(await fixture.ended(second), { exitCode: 137, reason: 'Error' });
  await fixture.runtime.removePodSandbox(podId);
});

test('oci runtime: stop gives grace, then kills', { skip }, async () => {
  const kind = await fixture.run('kind', 'trap "exit 9" TERM; while true; do sleep 0.1; done');
  await fixture.until(async () => (await fixture.runtime.containerStatus(kind.id)).state === 'running');
  await fixture.options.clock.sleep(100);
  await fixture.runtime.stopContainer(kind.id, 10);
  assert.deepEqual(await fixture.ended(kind.id), { exitCode: 9, reason: 'Error' });
  const deaf = await fixture.run('deaf', 'trap "" TERM; while true; do sleep 0.1; done');
  const startMs = fixture.options.clock.monotonicMs();
  await fixture.runtime.stopContainer(deaf.id, 1);
  assert.ok(fixture.options.clock.monotonicMs() - startMs >= 1000);
  assert.deepEqual(await fixture.ended(deaf.id), { exitCode: 137, reason: 'Error' });
  await fixture.runtime.stopContainer(deaf.id, 1);
  await fixture.runtime.removePodSandbox(kind.podId);
  await fixture.runtime.removePodSandbox(deaf.podId);
});

test('oci runtime: the log moves on to a new file', { skip }, async () => {
  const { id, podId } = await fixture.run(
    'rotate',
    'n=0; while true; do n=$((n+1)); echo line $n; sleep 0.02; done',
  );
  const { logPath } = await fixture.runtime.containerStatus(id);
  await fixture.until(async () => readFileSync(logPath, 'utf8').includes('line 5'));
  renameSync(logPath, `${logPath}.1`);
  await fixture.runtime.reopenContainerLog(id);
  await fixture.until(
    async () => existsSync(logPath) && readFileSync(logPath, 'utf8').split('\n').length > 5,
  );
  const numbers = [`${logPath}.1`, logPath].flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(/F line (\d+)$/gm)].map(([, number]) => Number(number)),
  );
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
  await fixture.runtime.removePodSandbox(podId);
});

test('oci runtime: users, mounts, read-only roots and limits are as asked', { skip }, async () => {
  const hostDirectory = join(fixture.directory, 'volume');
  mkdirSync(hostDirectory);
  writeFileSync(join(hostDirectory, 'file'), 'from the host\n');
  const pod = fixture.pod('user');
  const podId = await fixture.runtime.runPodSandbox(pod);
  const { namespaceOptions } = pod.linux.securityContext;
  const id = await fixture.start(
    podId,
    pod,
    'id; cat /vol/file; echo x > /vol/new; echo y > /root-file; sleep 1000',
    {
      mounts: [{ containerPath: '/vol', hostPath: hostDirectory, readonly: true }],
      linux: {
        resources: {
          memoryLimitInBytes: 64 * 1024 * 1024,
          cpuShares: 512,
          cpuQuota: 20_000,
          cpuPeriod: 100_000,
        },
        securityContext: {
          namespaceOptions,
          runAsUser: 1000,
          supplementalGroups: [3000],
          readonlyRootfs: true,
          noNewPrivs: true,
          seccomp: { profileType: 'RuntimeDefault' },
          capabilities: { dropCapabilities: ['ALL'] },
        },
      },
    },
  );
  await fixture.until(async () => (await fixture.log(id)).split('\n').length >= 4);
  const log = await fixture.log(id);
  assert.match(log, /uid=1000\(web\) gid=1000\(web\) groups=1000\(web\),2000\(extra\),3000/);
  assert.match(log, /from the host/);
  assert.equal(log.match(/Read-only file system/g)?.length, 2);
  const status = await fixture.runtime.execSync(id, ['cat', '/proc/self/status'], 10);
  assert.match(
    Buffer.from(status.stdout).toString(),
    /CapEff:\s*0+\n[^]*NoNewPrivs:\s*1\n[^]*Seccomp:\s*2\n/,
  );

  const stats = await fixture.runtime.containerStats(id);
  assert.ok((stats.memory?.availableBytes ?? 0) < 64 * 1024 * 1024);
  assert.ok((stats.cpu?.usageCoreNanoSeconds ?? 0) > 0);
  await fixture.runtime.updateContainerResources(id, { memoryLimitInBytes: 128 * 1024 * 1024 });
  const after = await fixture.runtime.podSandboxStats(podId);
  assert.ok((after.containers[0]?.memory?.availableBytes ?? 0) > 100 * 1024 * 1024);
  assert.equal(after.network?.defaultInterface.name, 'eth0');
  assert.ok((after.process?.processCount ?? 0) >= 1);
  await fixture.runtime.removePodSandbox(podId);
});

test('oci runtime: a pod in the host network has the host name space', { skip }, async () => {
  const { id, podId } = await fixture.run(
    'hostnet',
    'ls /sys/class/net; sleep 1000',
    {},
    { network: 'node' },
  );
  await fixture.until(async () => (await fixture.log(id)).includes(`cor${INSTANCE}`));
  assert.deepEqual((await fixture.runtime.podSandboxStatus(podId)).network.ips, []);
  await fixture.runtime.removePodSandbox(podId);
});

test('oci runtime: a new runtime takes over what runs and learns what ended', { skip }, async () => {
  const staying = await fixture.run(
    'staying',
    'n=0; while true; do n=$((n+1)); echo line $n; sleep 0.02; done',
  );
  const ending = await fixture.run('ending', 'sleep 0.3; exit 6');
  await fixture.runtime.close();
  await fixture.options.clock.sleep(500);
  await fixture.reopen();
  assert.equal((await fixture.runtime.containerStatus(staying.id)).state, 'running');
  assert.deepEqual(await fixture.ended(ending.id), { exitCode: 6, reason: 'Error' });
  const { exitCode } = await fixture.runtime.execSync(staying.id, ['sh', '-c', 'exit 2'], 10);
  assert.equal(exitCode, 2);
  const another = await fixture.run('another', 'sleep 1000');
  const ips = await Promise.all(
    [staying.podId, another.podId].map(
      async (id) => (await fixture.runtime.podSandboxStatus(id)).network.ips[0],
    ),
  );
  assert.notEqual(ips[0], ips[1]);
  await fixture.runtime.stopContainer(staying.id, 0);
  assert.equal((await fixture.ended(staying.id)).exitCode, 137);
  for (const podId of [staying.podId, ending.podId, another.podId]) {
    await fixture.runtime.removePodSandbox(podId);
  }
});

test(
  'oci runtime: closing lets go of a stop that is under way, and the container runs on',
  { skip },
  async () => {
    const deaf = await fixture.run('deafer', 'trap "" TERM; while true; do sleep 0.1; done');
    await fixture.until(async () => (await fixture.runtime.containerStatus(deaf.id)).state === 'running');
    const startMs = fixture.options.clock.monotonicMs();
    const stopping = fixture.runtime.stopContainer(deaf.id, 30);
    await fixture.runtime.close();
    await stopping;
    assert.ok(fixture.options.clock.monotonicMs() - startMs < 5_000);
    await fixture.reopen();
    assert.equal((await fixture.runtime.containerStatus(deaf.id)).state, 'running');
    await fixture.runtime.removePodSandbox(deaf.podId);
  },
);

test('oci runtime: images that containers use outlive their removal', { skip }, async () => {
  const { id, podId } = await fixture.run('imageless', 'sleep 1000');
  await fixture.runtime.images.removeImage({ image: IMAGE });
  assert.equal(await fixture.runtime.images.imageStatus({ image: IMAGE }), undefined);
  assert.equal((await fixture.runtime.execSync(id, ['cat', '/etc/group'], 10)).exitCode, 0);
  await fixture.runtime.removePodSandbox(podId);
  await fixture.buildImage();
});

function limited(
  namespaceOptions: LinuxContainerConfig['securityContext']['namespaceOptions'],
  resources: LinuxContainerConfig['resources'],
): LinuxContainerConfig {
  return { resources, securityContext: { namespaceOptions } };
}

async function openExec(
  containerId: string,
  cmd: readonly string[],
  { stdin = false, tty = false },
): Promise<ExecSession> {
  return await fixture.runtime.exec({ containerId, cmd, stdin, stdout: true, stderr: !tty, tty });
}

function readable(session: ExecSession): Readable {
  assert.ok(session.stdout);
  return session.stdout;
}

async function processes(id: string): Promise<string> {
  const { stdout } = await fixture.runtime.execSync(id, ['ps', '-o', 'pid,user,args'], 10);
  return Buffer.from(stdout).toString();
}

async function readPort(port: number): Promise<string> {
  const socket = createConnection(port, '127.0.0.1');
  try {
    return await text(socket);
  } catch (error) {
    if (error instanceof RuntimeError) {
      throw error;
    }
    return '';
  }
}
