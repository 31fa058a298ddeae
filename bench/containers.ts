import { join } from 'node:path';
import { SystemClock } from '#base/clock.ts';
import { SystemCommands } from '#base/command.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { SystemRandom } from '#base/random.ts';
import { POD } from '#api/types/resources.ts';
import { DataDirectory } from '#cluster/data-directory.ts';
import { EXAMPLE_IMAGE, exampleImage } from '#cluster/example-image.ts';
import { LocalCluster } from '#cluster/local-cluster.ts';
import { checkHost } from '#runtime/oci/check-host.ts';
import { scratchDirectory, type BenchContext, type Workload } from './bench.ts';
import type { Row } from './row.ts';

const SERVER = join(import.meta.dirname, '../examples/hello/server.mjs');
const NAMESPACE = 'default';

/** Pods of real containers on this host: from the request to Running. */
export const containers: Workload = { name: 'containers', run };

async function run(context: BenchContext): Promise<readonly Row[]> {
  const check = checkHost();
  if (check.kind === 'lacking') {
    context.note(`no real containers here: ${check.problems.map(({ what }) => what).join(', ')}`);
    return [];
  }
  const firstMs: number[] = [];
  const podMs: number[] = [];
  for (let round = 0; round < context.size.rounds; round++) {
    using directory = scratchDirectory();
    const startMs = performance.now();
    const cluster = await LocalCluster.start({
      directory: new DataDirectory(join(directory.path, 'd')),
      nodes: { kind: 'oci', programs: check.programs, registryMirrors: new Map() },
      port: 0,
      clock: new SystemClock(),
      random: new SystemRandom(),
      log: SILENT_LOGGER,
      onPhase: () => undefined,
    });
    try {
      const clusterMs = performance.now() - startMs;
      // The image is taken for there already: making it is no part of what is measured.
      await cluster.node?.runtime.images.build(await exampleImage(new SystemCommands(), SERVER));
      const first = await untilRunning(cluster, `first-${round}`);
      firstMs.push(clusterMs + first);
      podMs.push(await untilRunning(cluster, `next-${round}`), await untilRunning(cluster, `last-${round}`));
    } finally {
      await cluster.destroy();
    }
  }
  context.note('pods of real containers');
  return [
    { name: 'cluster start to first pod Running', unit: 'ms', values: firstMs },
    { name: 'pod create to Running, image present', unit: 'ms', target: 250, values: podMs },
  ];
}

/** Creates a pod and waits, by a watch, until its node says that it runs. Milliseconds from the request. */
async function untilRunning(cluster: LocalCluster, name: string): Promise<number> {
  const pods = cluster.plane.client.of(POD);
  const stop = new AbortController();
  const startMs = performance.now();
  const container = { name: 'c', image: EXAMPLE_IMAGE, command: ['/bin/sleep', '1000'] };
  const spec = { containers: [container], terminationGracePeriodSeconds: 0 };
  const { metadata } = await pods.create({ metadata: { namespace: NAMESPACE, name }, spec });
  const query = { fieldSelector: `metadata.name=${name}`, resourceVersion: metadata.resourceVersion };
  for await (const { object } of pods.watch(NAMESPACE, query, stop.signal)) {
    if (object.status.phase === 'Running') {
      break;
    }
  }
  const elapsedMs = performance.now() - startMs;
  stop.abort();
  return elapsedMs;
}
