import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Revision, Store } from '#store/store.ts';

/** History is kept at least this long, as upstream's `--etcd-compaction-interval` has it by default. */
const INTERVAL_MS = 5 * 60_000;

/** Forgets history that no client can still need: everything that was past an interval ago. */
export class Compactor {
  readonly #deps: { readonly store: Store; readonly clock: Clock; readonly log: Logger };

  constructor(deps: { readonly store: Store; readonly clock: Clock; readonly log: Logger }) {
    this.#deps = deps;
  }

  /** Runs until `signal` fires. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.#deps;
    let previous: Revision = await store.currentRevision();
    for (;;) {
      await clock.sleep(INTERVAL_MS, signal);
      const current = await store.currentRevision();
      if (current > previous) {
        await store.compact(previous);
        log.debug('compacted the store', { revision: previous });
      }
      previous = current;
    }
  }
}
