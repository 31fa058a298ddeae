import type { ApiBench } from './api-bench.ts';

/** What a cluster did while nobody asked it for anything. */
export interface Rest {
  /** Processor time of the whole server, in percent of one core. */
  readonly coreShare: number;
  /** All writes to the store. */
  readonly writes: number;
}

interface ObjectList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items?: readonly {
    readonly metadata: {
      readonly namespace?: string;
      readonly name: string;
      readonly resourceVersion: string;
    };
  }[];
}

interface Discovered {
  readonly groupVersion: string;
  readonly resources: readonly { readonly name: string; readonly verbs: readonly string[] }[];
}

export async function observeRest(bench: ApiBench, durationMs: number): Promise<Rest> {
  const before = await storeRevision(bench);
  const beforeCpuMs = bench.serverCpuMs();
  const startMs = performance.now();
  await pause(durationMs);
  const coreShare = ((bench.serverCpuMs() - beforeCpuMs) / (performance.now() - startMs)) * 100;
  return { coreShare, writes: (await storeRevision(bench)) - before };
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

/** Grows by one with every write. */
export async function storeRevision(bench: ApiBench): Promise<number> {
  const { metadata } = await read<ObjectList>(bench, '/api/v1/nodes?limit=1');
  return Number(metadata.resourceVersion);
}

/** The version of every object that clients can create, by `resource namespace/name`. */
export async function objectVersions(bench: ApiBench): Promise<ReadonlyMap<string, string>> {
  const { groups } = await read<{
    readonly groups: readonly { readonly preferredVersion: { readonly groupVersion: string } }[];
  }>(bench, '/apis');
  const paths = [
    '/api/v1',
    ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`),
  ];
  const versions = new Map<string, string>();
  for (const path of paths) {
    const { resources } = await read<Discovered>(bench, path);
    for (const { name: resource } of resources.filter(
      ({ verbs }) => verbs.includes('list') && verbs.includes('create'),
    )) {
      const { items = [] } = await read<ObjectList>(bench, `${path}/${resource}`);
      for (const { metadata } of items) {
        versions.set(`${resource} ${metadata.namespace ?? ''}/${metadata.name}`, metadata.resourceVersion);
      }
    }
  }
  return versions;
}

async function read<T>(bench: ApiBench, path: string): Promise<T> {
  const { body } = await bench.order({ kind: 'once', method: 'GET', path });
  return JSON.parse(body) as T;
}
