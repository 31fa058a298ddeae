import { ApiBench, rounds } from './api-bench.ts';
import type { BenchContext, Workload } from './bench.ts';
import type { Row } from './row.ts';
import { sampleConfigMap, samplePod } from './sample-objects.ts';

const CORE = '/api/v1/namespaces/default';

/** Many objects at once: lists, deletion of a collection, fan-out to watchers. */
export const apiCollections: Workload = { name: 'collections', run };

async function run(context: BenchContext): Promise<readonly Row[]> {
  await using bench = await ApiBench.start();
  const rows: Row[] = [];
  await createPods(bench, context);
  rows.push({
    name: `list ${context.size.pods} Pods`,
    unit: 'ms',
    target: 34,
    values: await listMs(bench, context, `${CORE}/pods`),
  });
  rows.push({
    name: 'list them by label, half match',
    unit: 'ms',
    target: 16,
    values: await listMs(bench, context, `${CORE}/pods?labelSelector=team%3Dred`),
  });
  context.note('lists');
  const deletions: number[] = [];
  for (let round = 0; round < Math.min(3, context.size.rounds); round++) {
    const { seconds } = await bench.order({
      kind: 'once',
      method: 'DELETE',
      path: `${CORE}/pods?gracePeriodSeconds=0`,
    });
    await mustBeEmpty(bench);
    deletions.push(context.size.pods / seconds);
    await createPods(bench, context);
  }
  rows.push({
    name: `deletecollection of ${context.size.pods}`,
    unit: '/s',
    target: 3_850,
    values: deletions,
  });
  context.note('deletecollection');
  rows.push({
    name: `fan-out to ${context.size.watchers} watchers`,
    unit: '/s',
    target: 148_000,
    values: await fanOut(bench, context),
  });
  return rows;
}

async function createPods(bench: ApiBench, { size }: BenchContext): Promise<void> {
  for (const team of ['red', 'blue']) {
    const count = size.pods / 2;
    await bench.order({
      kind: 'requests',
      method: 'POST',
      path: `${CORE}/pods`,
      // As large as pods of real clusters are when listed, near 2.8 KB.
      body: JSON.stringify(samplePod(`${team}-{n}`, { team }, { volumes: volumes() })),
      connections: size.connections,
      ...bench.take(count),
    });
  }
}

function volumes(): object[] {
  return Array.from({ length: 6 }, (_, index) => ({
    name: `volume-${index}`,
    configMap: { name: `configuration-of-the-application-${index}` },
  }));
}

function listMs(bench: ApiBench, context: BenchContext, path: string): Promise<readonly number[]> {
  return rounds(context, async () => {
    const { seconds } = await bench.order({
      kind: 'requests',
      method: 'GET',
      path,
      connections: 1,
      ...bench.take(1),
    });
    return seconds * 1000;
  });
}

function fanOut(bench: ApiBench, context: BenchContext): Promise<readonly number[]> {
  const { watchers, changes, connections } = context.size;
  return rounds(context, async () => {
    const { seconds } = await bench.order({
      kind: 'fan-out',
      method: 'POST',
      path: `${CORE}/configmaps`,
      body: JSON.stringify({ ...sampleConfigMap('seen-{n}'), data: { key: 'value' } }),
      // From the newest state on, so that a watch begins with nothing.
      watchPath: `${CORE}/configmaps?watch=true&resourceVersion=${await newestVersion(bench)}`,
      watchers,
      connections,
      ...bench.take(changes),
    });
    return (watchers * changes) / seconds;
  });
}

/** A deletion counts only if it happened. */
async function mustBeEmpty(bench: ApiBench): Promise<void> {
  const { body } = await bench.order({ kind: 'once', method: 'GET', path: `${CORE}/pods?limit=1` });
  if (!body.includes('"items":[]')) {
    throw new Error('pods were left by deletecollection');
  }
}

async function newestVersion(bench: ApiBench): Promise<string> {
  const { body } = await bench.order({ kind: 'once', method: 'GET', path: `${CORE}/configmaps?limit=1` });
  return /"resourceVersion":"(\d+)"/.exec(body)?.[1] ?? '0';
}
