import { AssertionError } from '#base/assert.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { SequencedStore, emptyState } from './sequenced-store.ts';
import type { Journal, LogHeader, LogPage } from './journal.ts';
import type { KeyHistory } from './key-history.ts';
import type { StoreState } from './sequenced-store.ts';
import type { KeyValue } from './store.ts';

export interface MemoryStoreDeps {
  readonly clock: Clock;
  readonly log?: Logger | undefined;
}

/** The store that forgets everything when the process ends: for tests, and for clusters made to be thrown away. */
export class MemoryStore extends SequencedStore {
  readonly #deps: MemoryStoreDeps;

  constructor(deps: MemoryStoreDeps, state: StoreState = emptyState()) {
    super(deps, new MemoryJournal(state.keys), state);
    this.#deps = deps;
  }

  /** What the store holds at this moment; it shares values and goes on by itself. */
  image(): StoreState {
    return this.snapshot();
  }

  /** An independent store with the same committed contents, history and leases. Values are shared. */
  fork(deps: MemoryStoreDeps = this.#deps): MemoryStore {
    return new MemoryStore(deps, this.snapshot());
  }
}

/** Keeps nothing: values live with their keys, the log in the window of recent events, which has no end here. */
class MemoryJournal implements Journal {
  readonly keepsValuesInHeap = true;
  readonly recentEventsMax = Infinity;
  readonly recentBytesMax = Infinity;
  readonly #keys: KeyHistory;

  constructor(keys: KeyHistory) {
    this.#keys = keys;
  }

  async commit(): Promise<void> {}

  read(): KeyValue {
    return neverOnDisk();
  }

  readLog(): LogPage {
    return neverOnDisk();
  }

  headers(): readonly LogHeader[] {
    return neverOnDisk();
  }

  async markCompacted(): Promise<void> {}

  async erase(): Promise<void> {}

  sizeBytes(): number {
    return this.#keys.heapBytes;
  }

  async close(): Promise<void> {}
}

function neverOnDisk(): never {
  throw new AssertionError('heap and window hold everything a memory store has');
}
