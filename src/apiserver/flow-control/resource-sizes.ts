import type { Clock } from '#base/clock.ts';
import type { TaskGroup } from '#base/task-group.ts';
import type { Store } from '#store/store.ts';
import type { Registry } from '../registry/registry.ts';
import type { RequestInfo } from '../request-info.ts';

export interface ResourceSizesDeps {
  readonly registry: Pick<Registry, 'storage'>;
  readonly store: Store;
  readonly clock: Clock;
  readonly tasks: TaskGroup;
}

interface Sizes {
  readonly count: number;
  readonly averageBytes: number;
}

interface Known {
  sizes: Sizes | undefined;
  /** When it was last asked for. */
  atMs: number;
}

/** Upstream counts once a minute too. */
const REFRESH_MS = 60_000;
/** Objects weighed for the average. */
const SAMPLE = 20;

/** How many objects resources have, and how large they are: a guess up to a minute old, made when somebody asks. */
export class ResourceSizes {
  readonly #deps: ResourceSizesDeps;
  /** By the prefix of the resource's keys; there are no more than resources. */
  readonly #known = new Map<string, Known>();

  constructor(deps: ResourceSizesDeps) {
    this.#deps = deps;
  }

  /** Undefined for resources that nobody has asked for yet, or that are not stored here. */
  statsOf(info: RequestInfo): Sizes | undefined {
    const storage = this.#deps.registry.storage(info);
    if (storage === undefined) {
      return undefined;
    }
    const nowMs = this.#deps.clock.monotonicMs();
    let known = this.#known.get(storage.prefix);
    if (known === undefined) {
      known = { sizes: undefined, atMs: -Infinity };
      this.#known.set(storage.prefix, known);
    }
    if (nowMs - known.atMs >= REFRESH_MS) {
      known.atMs = nowMs;
      this.#refresh(storage.prefix, known);
    }
    return known.sizes;
  }

  #refresh(prefix: string, known: Known): void {
    this.#deps.tasks.spawn('count objects', async () => {
      const { store } = this.#deps;
      const { items } = await store.list(prefix, { limit: SAMPLE });
      const bytes = items.reduce((sum, { value }) => sum + value.length, 0);
      known.sizes = {
        count: await store.count(prefix),
        averageBytes: items.length === 0 ? 0 : bytes / items.length,
      };
    });
  }
}
