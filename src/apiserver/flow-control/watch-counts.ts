import type { RequestInfo } from '../request-info.ts';

/** Counts open watches by what they watch, to know whom a write will wake. */
export class WatchCounts {
  readonly #counts = new Map<string, number>();

  /** Counts a watch until the returned function is called. */
  add(info: RequestInfo, query: URLSearchParams): () => void {
    // The watches of single nodes on their pods are found by an index, and a write wakes one of them at most.
    if (info.resource === 'pods' && /(?:^|,)spec\.nodeName==?[^,]/.test(query.get('fieldSelector') ?? '')) {
      return () => undefined;
    }
    const key = keyOf(info, info.namespace, info.name);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    let isCounted = true;
    return () => {
      if (!isCounted) {
        return;
      }
      isCounted = false;
      const left = (this.#counts.get(key) ?? 0) - 1;
      if (left > 0) {
        this.#counts.set(key, left);
      } else {
        this.#counts.delete(key);
      }
    };
  }

  /** Watches of all objects, of the namespace's, and of this very one. */
  interestedIn(info: RequestInfo): number {
    if (this.#counts.size === 0) {
      return 0;
    }
    let count = this.#counts.get(keyOf(info, '', '')) ?? 0;
    if (info.namespace !== '') {
      count += this.#counts.get(keyOf(info, info.namespace, '')) ?? 0;
    }
    if (info.name !== '') {
      count += this.#counts.get(keyOf(info, info.namespace, info.name)) ?? 0;
    }
    return count;
  }
}

function keyOf({ group, resource }: RequestInfo, namespace: string, name: string): string {
  return `${group}/${resource}/${namespace}/${name}`;
}
