import { utf8Decode, utf8Encode } from '#base/bytes.ts';
import type { VirtualClock } from '#base/virtual-clock.ts';
import type { KeyValue, LeaseId, ListOptions, Revision, Store, WatchBatch, WatchOptions } from './store.ts';

/** Writes down what a store answers, one line per call, so that backends can be compared and read. */
export class StoreTranscript {
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly #lines: string[] = [];

  constructor(store: Store, clock: VirtualClock) {
    this.store = store;
    this.clock = clock;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  note(line: string): void {
    this.#lines.push(line);
  }

  async create(key: string, value: string, lease?: LeaseId): Promise<void> {
    await this.#ask(`create ${key} ${value}`, async () => {
      const outcome = await this.store.create(key, utf8Encode(value), leased(lease));
      return outcome.kind === 'created' ? `created@${outcome.revision}` : `exists ${show(outcome.current)}`;
    });
  }

  async update(key: string, value: string, expected?: Revision, lease?: LeaseId): Promise<void> {
    await this.#ask(`update ${key}${at(expected)} ${value}`, async () => {
      const outcome = await this.store.update(key, utf8Encode(value), expected, leased(lease));
      switch (outcome.kind) {
        case 'updated':
          return `updated@${outcome.revision}`;
        case 'conflict':
          return `conflict ${show(outcome.current)}`;
        case 'missing':
          return 'missing';
        default:
          return outcome satisfies never;
      }
    });
  }

  async delete(key: string, expected?: Revision): Promise<void> {
    await this.#ask(`delete ${key}${at(expected)}`, async () => {
      const outcome = await this.store.delete(key, expected);
      switch (outcome.kind) {
        case 'deleted':
          return `deleted@${outcome.revision} was ${show(outcome.previous)}`;
        case 'conflict':
          return `conflict ${show(outcome.current)}`;
        case 'missing':
          return 'missing';
        default:
          return outcome satisfies never;
      }
    });
  }

  async get(key: string, revision?: Revision): Promise<void> {
    await this.#ask(`get ${key}${at(revision)}`, async () => {
      const found = await this.store.get(key, revision === undefined ? {} : { revision });
      return found === undefined ? 'nothing' : show(found);
    });
  }

  async list(prefix: string, options: ListOptions = {}): Promise<void> {
    const { revision, limit, after } = options;
    const asked = `${at(revision)}${limit === undefined ? '' : ` limit ${limit}`}${after === undefined ? '' : ` after ${after}`}`;
    await this.#ask(`list ${prefix}${asked}`, async () => {
      const page = await this.store.list(prefix, options);
      const more = page.hasMore ? ` and ${page.remaining} more` : '';
      return `@${page.revision} [${page.items.map(show).join(', ')}]${more}`;
    });
  }

  async count(prefix: string): Promise<void> {
    await this.#ask(`count ${prefix}`, async () => String(await this.store.count(prefix)));
  }

  async compact(revision: Revision): Promise<void> {
    await this.#ask(`compact ${revision}`, async () => {
      await this.store.compact(revision);
      return 'done';
    });
  }

  async grantLease(ttlSeconds: number): Promise<LeaseId> {
    const lease = await this.store.grantLease(ttlSeconds);
    this.note(`lease of ${ttlSeconds} s: ${lease}`);
    return lease;
  }

  /** Takes batches until everything up to `until` was delivered, and notes the events, not their batching. */
  async watch(prefix: string, options: WatchOptions, until: Revision): Promise<void> {
    await this.#ask(`watch ${prefix} after ${options.after}`, async () => {
      const controller = new AbortController();
      const seen: string[] = [];
      for await (const batch of this.store.watch(prefix, { ...options, progress: true }, controller.signal)) {
        seen.push(...showEvents(batch));
        if (batch.revision >= until) {
          controller.abort();
        }
      }
      return `[${seen.join(', ')}]`;
    });
  }

  async status(): Promise<void> {
    const { revision, compactedRevision, keys, leases, watchers } = await this.store.status();
    this.note(
      `status: @${revision} compacted ${compactedRevision} keys ${keys} leases ${leases} watchers ${watchers}`,
    );
  }

  async #ask(question: string, answer: () => Promise<string>): Promise<void> {
    // Questions asked at once are written down in the order they were asked, not answered.
    const slot = this.#lines.push(question) - 1;
    let line: string;
    try {
      line = await answer();
    } catch (error) {
      line = error instanceof Error && 'code' in error ? `! ${error.message}` : `!! ${String(error)}`;
    }
    this.#lines[slot] = `${question}: ${line}`;
  }
}

/** `/a=1 (2..5 v3)`: value, revisions of creation and last change, version; `#7` when on lease 7. */
export function show(kv: KeyValue): string {
  const lease = kv.lease === 0 ? '' : ` #${kv.lease}`;
  return `${kv.key}=${utf8Decode(kv.value)} (${kv.createRevision}..${kv.modRevision} v${kv.version}${lease})`;
}

export function showEvents(batch: WatchBatch): string[] {
  return batch.events.map((event) => {
    const was = event.previous === undefined ? '' : ` was ${show(event.previous)}`;
    return event.type === 'put'
      ? `put ${show(event.kv)}${was}`
      : `delete ${event.key}@${event.revision}${was}`;
  });
}

function at(revision: Revision | undefined): string {
  return revision === undefined ? '' : `@${revision}`;
}

function leased(lease: LeaseId | undefined): { readonly lease?: LeaseId } {
  return lease === undefined ? {} : { lease };
}
