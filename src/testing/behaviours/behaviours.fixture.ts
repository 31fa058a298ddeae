import { after, before, describe, test } from 'node:test';
import type { Pod } from '#api/types/core.v1.ts';
import { POD, startCluster, type TestCluster, type TestClusterOptions } from '../testing.ts';

/** What a cluster does, in plain words, and the proof. */
export type Behaviour = readonly [name: string, prove: (cluster: TestCluster) => Promise<void>];

/** Proves each on a cluster of its own, forked from one with three simulated nodes, in virtual time. */
export function proveAll(
  subject: string,
  behaviours: readonly Behaviour[],
  options: TestClusterOptions = { nodes: 3 },
): void {
  describe(subject, () => {
    let origin: TestCluster;
    before(async () => {
      origin = await startCluster(options);
    });
    after(() => origin.close());
    for (const [name, prove] of behaviours) {
      test(`${subject}: ${name}`, async () => {
        await using cluster = await origin.fork();
        await prove(cluster);
      });
    }
  });
}

const GROUPS: Readonly<Record<string, string>> = {
  Pod: 'v1',
  ReplicationController: 'v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
};

export interface PodParts {
  readonly image?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** The template of pods labelled with the name of their workload. */
export function template(
  name: string,
  { image = 'app:1', labels, annotations, spec }: PodParts = {},
): object {
  return {
    metadata: { labels: { app: name, ...labels }, ...(annotations === undefined ? {} : { annotations }) },
    spec: { containers: [{ name: 'main', image }], ...spec },
  };
}

/** A workload whose pods are labelled `app: <name>`. */
export function workload(kind: string, name: string, spec: object = {}, pod: PodParts = {}): object {
  const isBatch = kind === 'Job';
  const selector = kind === 'ReplicationController' ? { app: name } : { matchLabels: { app: name } };
  return {
    apiVersion: GROUPS[kind] ?? 'apps/v1',
    kind,
    metadata: { name, labels: { app: name } },
    spec: {
      ...(isBatch ? {} : { selector }),
      ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      template: template(name, isBatch ? { ...pod, spec: { restartPolicy: 'Never', ...pod.spec } } : pod),
      ...spec,
    },
  };
}

/** A pod of its own. */
export function pod(name: string, spec: object = {}, metadata: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: { containers: [{ name: 'main', image: 'app:1' }], ...spec },
  };
}

/** Those of a workload, in the order of their names. */
export async function podsOf(cluster: TestCluster, app: string): Promise<readonly Pod[]> {
  const pods = await cluster.list(POD, { labelSelector: `app=${app}` });
  return pods.toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1));
}

export function namesOf(
  objects: readonly { readonly metadata: { readonly name: string } }[],
): readonly string[] {
  return objects.map(({ metadata }) => metadata.name);
}

/** The name of the object that a pod belongs to. */
export function ownerOf({ metadata }: Pod): string | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true)?.name;
}

/** Ends a pod as its node would. */
export async function end(
  cluster: TestCluster,
  { metadata }: Pod,
  phase: 'Failed' | 'Succeeded',
): Promise<void> {
  const { namespace, name } = metadata;
  const query = { type: 'merge', subresource: 'status' } as const;
  await cluster.client.of(POD).patch(namespace, name, { status: { phase } }, query);
  await cluster.clock.settle();
}

/** Changes the labels of a pod; null takes one away. */
export async function relabel(
  cluster: TestCluster,
  { metadata: { namespace, name } }: Pod,
  app: string,
): Promise<void> {
  await cluster.client.of(POD).patch(namespace, name, { metadata: { labels: { app } } }, { type: 'merge' });
  await cluster.clock.advance({ seconds: 5 });
}
