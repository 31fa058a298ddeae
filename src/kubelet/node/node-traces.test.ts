import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SILENT_LOGGER } from '#base/log.ts';
import { HostPodCgroups } from '../resources/pod-cgroups.ts';
import { NO_MOUNTS } from '../volumes/host-mounts.ts';
import { removeNodeTraces } from './node-traces.ts';

test('node traces: a given-up node leaves no directory and no cgroup, and those of other nodes alone', async (t) => {
  const host = await mkdtemp(join(tmpdir(), 'coracle-traces-'));
  t.after(() => rm(host, { recursive: true, force: true }));
  const mountInfo = join(host, 'mountinfo');
  const roots = ['cpu', 'memory'].map((name) => join(host, 'cgroup', name));
  await writeFile(
    mountInfo,
    roots
      .map((root, index) => `3${index} 1 0:1 / ${root} rw - cgroup cgroup rw,${['cpu', 'memory'][index]}\n`)
      .join(''),
  );
  const cgroups = new HostPodCgroups(SILENT_LOGGER, mountInfo);
  for (const root of roots) {
    await mkdir(join(root, 'kubepods/burstable/podours'), { recursive: true });
    await mkdir(join(root, 'kubepods/podtheirs'), { recursive: true });
  }
  const dataDir = join(host, 'kubelet');
  await mkdir(join(dataDir, 'pods/ours/volumes'), { recursive: true });
  await removeNodeTraces({ dataDir, cgroups, mounts: NO_MOUNTS });
  assert.equal(existsSync(dataDir), false);
  for (const root of roots) {
    assert.deepEqual(await readdir(join(root, 'kubepods')), ['podtheirs']);
  }
});
