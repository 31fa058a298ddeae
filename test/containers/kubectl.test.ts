import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildProgram } from '../crash/built-program.ts';
import { BusyboxImage } from './busybox-image.fixture.ts';
import { TestCluster } from './cluster.fixture.ts';
import { OBJECT_STEPS } from './kubectl-objects.fixture.ts';
import { POD_STEPS } from './kubectl-pods.fixture.ts';
import { binDirectory, kubectlPrograms, type KubectlProgram } from './kubectl-program.fixture.ts';
import { whyNoContainers } from './oci-host.fixture.ts';
import { TestRegistry } from './registry.fixture.ts';
import { play, shows, type Step } from './shell.fixture.ts';

const skip = whyNoContainers() ?? false;
const cluster = new TestCluster('kubectl');
let registry: TestRegistry;

before(async () => {
  if (skip !== false) {
    return;
  }
  await cluster.clear();
  registry = await TestRegistry.start();
  const image = await BusyboxImage.create(registry);
  image.serve('library/box', '1', ['/bin/idle']);
  image.serve('library/web', '1', ['/bin/web']);
  const mirror = `docker.io=http://${registry.host}`;
  await cluster.start('up', ['--nodes', 'oci', '--port', '0', '--registry-mirror', mirror], /Cluster ready/);
});

after(async () => {
  if (skip === false) {
    await cluster[Symbol.asyncDispose]();
    await registry.stop();
  }
  rmSync(packageDirectory, { recursive: true, force: true });
});

/** Coracle's own, as it is installed. */
const OWN = 'coracle kubectl';
const packageDirectory = mkdtempSync(join(tmpdir(), 'coracle-test-package-'));

async function programs(): Promise<readonly KubectlProgram[]> {
  if (skip !== false) {
    return kubectlPrograms();
  }
  const program = await buildProgram(packageDirectory);
  return [...kubectlPrograms(), { name: OWN, path: `${process.execPath} ${program} kubectl`, why: '' }];
}

/** What it does with objects alone is compared with upstream's word for word elsewhere. */
function stepsFor({ name }: KubectlProgram): Readonly<Record<string, readonly Step[]>> {
  return name === OWN ? POD_STEPS : { ...OBJECT_STEPS, ...POD_STEPS };
}

for (const [index, program] of (await programs()).entries()) {
  describe(program.name, { skip: skip === false && program.path === undefined ? program.why : skip }, () => {
    const namespace = `t${index}`;
    let session: { env: NodeJS.ProcessEnv; home: string };

    before(async () => {
      session = openSession(program, namespace);
      await play(
        [
          shows('kubectl create namespace $NS'),
          shows('kubectl config set-context --current --namespace=$NS', /modified/),
        ],
        session.env,
        session.home,
      );
    });

    after(() => rmSync(session.home, { recursive: true, force: true }));

    for (const [name, steps] of Object.entries(stepsFor(program))) {
      test(`kubectl: ${name}`, async () => await play(steps, session.env, session.home));
    }
  });
}

test('kubectl: nothing failed inside the cluster', { skip }, () => {
  assert.doesNotMatch(cluster.output, /ERROR/);
});

/** A home of its own: what kubectl caches and what is done to the kubeconfig stay there. */
function openSession(
  { path = '' }: KubectlProgram,
  namespace: string,
): { env: NodeJS.ProcessEnv; home: string } {
  const home = mkdtempSync(join(tmpdir(), 'coracle-test-home-'));
  const kubeconfig = join(home, 'config');
  cpSync(cluster.kubeconfig, kubeconfig);
  mkdirSync(join(home, 'bin'));
  const env = {
    ...process.env,
    PATH: `${binDirectory(home, path)}:${process.env['PATH'] ?? ''}`,
    HOME: home,
    KUBECONFIG: kubeconfig,
    NS: namespace,
    NODE: hostname(),
  };
  return { env, home };
}
