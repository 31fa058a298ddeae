import type { ApiBench } from './api-bench.ts';

/** What a cluster did while nobody asked it for anything. */
export interface Rest {
  /** Processor time of the whole server, in percent of one core. */
  readonly coreShare: number;
  /** Writes that were answered, by `VERB resource`. */
  readonly writes: ReadonlyMap<string, number>;
}

const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE', 'APPLY', 'DELETECOLLECTION']);

export async function observeRest(bench: ApiBench, durationMs: number): Promise<Rest> {
  const before = await writeCounts(bench);
  const beforeCpuMs = bench.serverCpuMs();
  const startMs = performance.now();
  await pause(durationMs);
  const coreShare = ((bench.serverCpuMs() - beforeCpuMs) / (performance.now() - startMs)) * 100;
  const after = await writeCounts(bench);
  const grown = [...after].map(([key, count]) => [key, count - (before.get(key) ?? 0)] as const);
  return { coreShare, writes: new Map(grown.filter(([, count]) => count > 0)) };
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

async function writeCounts(bench: ApiBench): Promise<ReadonlyMap<string, number>> {
  const { body } = await bench.order({ kind: 'once', method: 'GET', path: '/metrics' });
  const counts = new Map<string, number>();
  for (const [, labels = '', value = '0'] of body.matchAll(/^apiserver_request_total\{(.*)\} (\S+)$/gm)) {
    const verb = label(labels, 'verb');
    if (WRITES.has(verb)) {
      const subresource = label(labels, 'subresource');
      const key = `${verb} ${label(labels, 'resource')}${subresource === '' ? '' : `/${subresource}`}`;
      counts.set(key, (counts.get(key) ?? 0) + Number(value));
    }
  }
  return counts;
}

function label(labels: string, name: string): string {
  return new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
}
