import { AssertionError } from '#base/assert.ts';
import type { CommitBatch, Journal, LogHeader, LogPage } from './journal.ts';
import type { KeyValue } from './store.ts';

/** A journal whose commits wait until a test lets them through, or fails them. */
export class GatedJournal implements Journal {
  readonly keepsValuesInHeap = true;
  readonly recentEventsMax = Infinity;
  readonly recentBytesMax = Infinity;
  /** The keys of each commit asked for, in order. */
  readonly commits: string[][] = [];
  #gate: PromiseWithResolvers<void> | undefined;

  commit(batch: CommitBatch): Promise<void> {
    this.commits.push(batch.changes.map((change) => change.key));
    this.#gate = Promise.withResolvers();
    return this.#gate.promise;
  }

  /** Lets the commit under way succeed. */
  pass(): void {
    this.#gate?.resolve();
  }

  /** Fails the commit under way. */
  refuse(error: Error): void {
    this.#gate?.reject(error);
  }

  read(): KeyValue {
    throw new AssertionError('values are on the heap');
  }

  readLog(): LogPage {
    throw new AssertionError('the log is on the heap');
  }

  headers(): readonly LogHeader[] {
    throw new AssertionError('the log is on the heap');
  }

  async markCompacted(): Promise<void> {}

  async erase(): Promise<void> {}

  sizeBytes(): number {
    return 0;
  }

  async close(): Promise<void> {}
}
