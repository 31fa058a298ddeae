import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SILENT_LOGGER } from '#base/log.ts';
import { Cgroups } from '#runtime/oci/cgroups.ts';
import { InstancePaths } from '#runtime/oci/instance-paths.ts';
import { Libc } from '#runtime/oci/libc.ts';
import { OciRuntime } from '#runtime/oci/oci-runtime.ts';
import { mountsBelow } from '#runtime/oci/mount-table.ts';
import { leftovers, OciFixture, whyNoContainers } from './oci-host.fixture.ts';

const skip = whyNoContainers() ?? false;
const ROUNDS = 6;

/** Runs `oci-owner.ts` until it says something, waits, and kills it without a warning. */
async function runAndKill(fixture: OciFixture, mode: 'one' | 'churn', livesMs: number): Promise<string> {
  const { instance, podCidr, clock } = fixture.options;
  const args = [join(import.meta.dirname, 'oci-owner.ts'), fixture.directory, instance, podCidr, mode];
  const owner = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(owner, 'exit');
  const [said] = (await once(owner.stdout, 'data')) as [Buffer];
  await clock.sleep(livesMs);
  owner.kill('SIGKILL');
  await ended;
  return said.toString();
}

async function withFixture(
  instance: string,
  podCidr: string,
  run: (fixture: OciFixture) => Promise<void>,
): Promise<void> {
  const fixture = await OciFixture.open(instance, podCidr);
  try {
    await fixture.buildImage();
    await run(fixture);
  } finally {
    await fixture.destroy();
  }
  assert.deepEqual(leftovers(instance), []);
}

test('oci crash: containers outlive a killed owner', { skip }, async () => {
  await withFixture('ocikill', '10.253.18.0/24', async (fixture) => {
    await fixture.runtime.close();
    const started = await runAndKill(fixture, 'one', 0);
    const { podId, id } = JSON.parse(started) as { podId: string; id: string };
    await fixture.reopen();
    assert.equal((await fixture.runtime.containerStatus(id)).state, 'running');
    assert.equal((await fixture.runtime.podSandboxStatus(podId)).state, 'ready');
    await fixture.until(async () => (await fixture.log(id)).includes('line 30'));
  });
});

test('oci crash: what a killed owner left is removed by name alone', { skip }, async () => {
  await withFixture('ocigone', '10.253.23.0/24', async (fixture) => {
    await fixture.runtime.close();
    await runAndKill(fixture, 'one', 0);
    await OciRuntime.destroy(fixture.options);
    assert.deepEqual(leftovers('ocigone'), []);
    assert.deepEqual(mountsBelow(fixture.directory), []);
  });
});

test('oci crash: a kill at any moment leaves nothing half-made', { skip }, async () => {
  await withFixture('ocichurn', '10.253.20.0/24', async (fixture) => {
    for (let round = 0; round < ROUNDS; round++) {
      await fixture.runtime.close();
      await runAndKill(fixture, 'churn', 100 + fixture.options.random.int(500));
      await fixture.reopen();
      await fixture.until(
        async () => (await fixture.runtime.listContainers({ state: 'running' })).length === 0,
      );
      for (const { id } of await fixture.runtime.listPodSandbox()) {
        await fixture.runtime.removePodSandbox(id);
      }
      assert.deepEqual(await fixture.runtime.listContainers(), []);
      assert.deepEqual(mountsBelow(fixture.directory), []);
    }
  });
});

test('oci crash: after a reboot pods are not ready and containers have ended', { skip }, async () => {
  await withFixture('ociboot', '10.253.21.0/24', async (fixture) => {
    const { podId, id } = await fixture.run('rebooted', 'sleep 1000');
    const pod = fixture.pod('rebooted');
    const waiting = await fixture.runtime.createContainer(podId, {
      ...fixture.container(pod, 'exit 0'),
      metadata: { name: 'waiting', attempt: 0 },
    });
    await fixture.runtime.close();
    await reboot(fixture);
    await fixture.reopen();
    assert.equal((await fixture.runtime.podSandboxStatus(podId)).state, 'notready');
    assert.deepEqual((await fixture.runtime.podSandboxStatus(podId)).network.ips, []);
    assert.deepEqual(await fixture.ended(id), { exitCode: 255, reason: 'Unknown' });
    assert.equal((await fixture.runtime.containerStatus(waiting)).state, 'created');
    await fixture.runtime.removePodSandbox(podId);
    const again = await fixture.run('rebooted', 'exit 4');
    assert.equal((await fixture.ended(again.id)).exitCode, 4);
  });
});

/** Does to one instance what a reboot does: no process, no mount and nothing below /run is left. */
async function reboot(fixture: OciFixture): Promise<void> {
  const { instance, dataDir, clock } = fixture.options;
  const paths = new InstancePaths(instance, dataDir);
  const cgroups = Cgroups.detect(SILENT_LOGGER);
  await cgroups.kill(paths.cgroup, async () => await clock.sleep(10));
  for (const directory of [paths.runDir, dataDir]) {
    for (const mount of mountsBelow(directory)) {
      Libc.load()?.unmount(mount);
    }
  }
  rmSync(paths.runDir, { recursive: true });
  await clock.sleep(50);
  cgroups.remove(paths.cgroup);
}

test('oci crash: a container whose monitor was killed is noticed when it ends', { skip }, async () => {
  await withFixture('ocimon', '10.253.22.0/24', async (fixture) => {
    const { id } = await fixture.run('orphan', 'sleep 1000');
    const { dataDir } = fixture.options;
    process.kill(Number(readFileSync(join(dataDir, 'containers', id, 'conmon.pid'), 'utf8')), 'SIGKILL');
    await fixture.reopen();
    assert.equal((await fixture.runtime.containerStatus(id)).state, 'running');
    const { exitCode } = await fixture.runtime.execSync(id, ['sh', '-c', 'kill -9 1; exit 0'], 5);
    assert.equal(exitCode, 0); // The first process cannot be killed from inside.
    process.kill(Number(readFileSync(join(dataDir, 'containers', id, 'pid'), 'utf8')), 'SIGKILL');
    await fixture.reopen();
    assert.deepEqual(await fixture.ended(id), { exitCode: 255, reason: 'Unknown' });
  });
});
