import { nextTurn } from '#base/next-turn.ts';
import type { TaskGroup } from '#base/task-group.ts';
import type { ChangeLog } from './change-log.ts';
import type { Journal, LogHeader } from './journal.ts';
import type { KeyHistory } from './key-history.ts';
import type { Revision } from './store.ts';

/** Changes worked off before others get a turn. */
const PAGE_MAX = 500;

export interface CompactorParts {
  readonly keys: KeyHistory;
  readonly log: ChangeLog;
  readonly journal: Journal;
  readonly tasks: TaskGroup;
}

/**
 * Forgets history in two steps: first it is made known, durably, that nothing older may be read; then
 * what nobody can reach any more is erased, change by change, beside other work.
 *
 * Every change made one older state superfluous, the one it replaced, and a deletion also itself. So the
 * work is that of the changes since the last time, whatever the number of keys.
 */
export class Compactor {
  readonly #parts: CompactorParts;
  #compacted: Revision;
  /** Everything superfluous up to here is erased. Behind `#compacted` while there is work. */
  #swept: Revision;
  /** The newest compaction that is being made known. */
  #marking: Promise<void> = Promise.resolve();
  #sweeping: Promise<void> | undefined;

  constructor(parts: CompactorParts, compacted: Revision, swept: Revision) {
    this.#parts = parts;
    this.#compacted = compacted;
    this.#swept = swept;
  }

  /** The oldest revision that can be read; 0 when nothing was ever compacted. */
  get compactedRevision(): Revision {
    return this.#compacted;
  }

  get sweptRevision(): Revision {
    return this.#swept;
  }

  /** Resolves when everything is erased. A revision that was compacted before is no error. */
  async compact(revision: Revision): Promise<void> {
    // One after the other, so that an older revision can never be remembered over a newer one.
    const marked = this.#marking.then(() => this.#mark(revision));
    this.#marking = marked.catch((error: unknown) => void error);
    await marked;
    this.start();
    await this.#sweeping;
  }

  /** Goes on with the work that is left, if there is any. */
  start(): void {
    if (this.#sweeping === undefined && this.#swept < this.#compacted) {
      this.#parts.tasks.spawn('compaction', (signal) => {
        this.#sweeping = this.#sweep(signal).finally(() => {
          this.#sweeping = undefined;
        });
        return this.#sweeping;
      });
    }
  }

  /** Waits until nothing is being made known any more. */
  async settle(): Promise<void> {
    await this.#marking;
  }

  async #mark(revision: Revision): Promise<void> {
    if (revision > this.#compacted) {
      await this.#parts.journal.markCompacted(revision);
      this.#compacted = revision;
    }
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { keys, log, journal } = this.#parts;
    while (this.#swept < this.#compacted && !signal.aborted) {
      const compacted = this.#compacted;
      const until = Math.min(this.#swept + PAGE_MAX, compacted);
      const headers = log.headers(this.#swept, until);
      for (const key of new Set(headers.map((header) => header.key))) {
        keys.trim(key, compacted);
      }
      await journal.erase(headers.flatMap(superfluousAfter), until);
      log.drop(until);
      this.#swept = until;
      await nextTurn();
    }
  }
}

function superfluousAfter({ revision, isDelete, replaced }: LogHeader): Revision[] {
  const older = replaced === 0 ? [] : [replaced];
  return isDelete ? [...older, revision] : older;
}
