import { SystemClock } from '#base/clock.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { SystemRandom } from '#base/random.ts';
import { checkHost } from '#runtime/oci/check-host.ts';
import { OciRuntime } from '#runtime/oci/oci-runtime.ts';
import { join } from 'node:path';
import { IMAGE } from './oci-host.fixture.ts';

/** A process that starts a container, says so, and waits to be killed. */
const directory = process.argv[2] ?? '';
const check = checkHost();
if (check.kind === 'ready') {
  const runtime = await OciRuntime.open({
    instance: 'ocikill',
    dataDir: join(directory, 'data'),
    programs: check.programs,
    podCidr: '10.253.18.0/24',
    clock: new SystemClock(),
    random: new SystemRandom(),
    log: SILENT_LOGGER,
  });
  const namespaceOptions = { network: 'pod', pid: 'container', ipc: 'pod' } as const;
  const pod = {
    metadata: { name: 'owned', uid: 'uid-owned', namespace: 'test', attempt: 0 },
    hostname: 'owned',
    logDirectory: join(directory, 'logs', 'owned'),
    labels: {},
    annotations: {},
    linux: { cgroupParent: '/kubepods/pod-owned', securityContext: { namespaceOptions } },
  };
  const podId = await runtime.runPodSandbox(pod);
  const id = await runtime.createContainer(podId, {
    metadata: { name: 'main', attempt: 0 },
    image: { image: IMAGE },
    command: ['/bin/sh', '-c', 'n=0; while true; do n=$((n+1)); echo line $n; sleep 0.02; done'],
    envs: [],
    mounts: [],
    labels: {},
    annotations: {},
    logPath: 'main.log',
    linux: { resources: {}, securityContext: { namespaceOptions } },
  });
  await runtime.startContainer(id);
  process.stdout.write(JSON.stringify({ podId, id }));
}
