import { join } from 'node:path';
import { SystemClock } from '#base/clock.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { SystemRandom } from '#base/random.ts';
import { checkHost } from '#runtime/oci/check-host.ts';
import { OciRuntime } from '#runtime/oci/oci-runtime.ts';
import { IMAGE } from './oci-host.fixture.ts';

// A process that owns a runtime and is killed by a test: `node oci-owner.ts <directory> <instance> <range> <mode>`.
// `one` starts a container, says so and waits; `churn` makes and removes pods without end.
const [directory = '', instance = '', podCidr = '', mode = ''] = process.argv.slice(2);
const random = new SystemRandom();
const namespaceOptions = { network: 'pod', pid: 'container', ipc: 'pod' } as const;

async function startPod(
  runtime: OciRuntime,
  name: string,
  script: string,
): Promise<{ podId: string; id: string }> {
  const podId = await runtime.runPodSandbox({
    metadata: { name, uid: `uid-${name}`, namespace: 'test', attempt: 0 },
    hostname: name,
    logDirectory: join(directory, 'logs', name),
    labels: {},
    annotations: {},
    linux: { cgroupParent: `/kubepods/pod-${name}`, securityContext: { namespaceOptions } },
  });
  const id = await runtime.createContainer(podId, {
    metadata: { name: 'main', attempt: 0 },
    image: { image: IMAGE },
    command: ['/bin/sh', '-c', script],
    envs: [],
    mounts: [],
    labels: {},
    annotations: {},
    logPath: 'main.log',
    linux: { resources: {}, securityContext: { namespaceOptions } },
  });
  await runtime.startContainer(id);
  return { podId, id };
}

async function churn(runtime: OciRuntime): Promise<void> {
  for (;;) {
    const { podId, id } = await startPod(runtime, random.bytes(4).toHex(), 'sleep 0.05; exit 3');
    if (random.int(3) === 0) {
      await runtime.stopContainer(id, 1);
    }
    if (random.int(2) === 0) {
      await runtime.removePodSandbox(podId);
    }
  }
}

const check = checkHost();
if (check.kind === 'ready') {
  const runtime = await OciRuntime.open({
    instance,
    dataDir: join(directory, 'data'),
    programs: check.programs,
    podCidr,
    clock: new SystemClock(),
    random,
    log: SILENT_LOGGER,
  });
  if (mode === 'one') {
    const started = await startPod(
      runtime,
      'owned',
      'n=0; while true; do n=$((n+1)); echo line $n; sleep 0.02; done',
    );
    process.stdout.write(JSON.stringify(started));
  } else {
    process.stdout.write('ready');
    await Promise.all([churn(runtime), churn(runtime)]);
  }
}
