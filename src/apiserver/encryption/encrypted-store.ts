import { internalError } from '#api/status-error.ts';
import type {
  CreateOutcome,
  DeleteOutcome,
  KeyValue,
  ListOptions,
  ListResult,
  Revision,
  Store,
  StoreEvent,
  UpdateOutcome,
  WatchBatch,
  WatchOptions,
  WriteOptions,
} from '#store/store.ts';
import { TransformError, type Transformer } from './transformer.ts';

/**
 * The store as one resource sees it when its values are encrypted: plain bytes on this side, whatever the transformer
 * makes of them on the other. Keys, revisions and order are the store's own.
 */
export class EncryptedStore implements Store {
  readonly #inner: Store;
  readonly #transformer: () => Transformer;
  /** Plain values that are stored in a form that is no longer written. */
  readonly #stale = new WeakSet<Uint8Array>();
  /** Every watcher is given the same event; it is decrypted once for all. */
  readonly #events = new WeakMap<StoreEvent, Promise<StoreEvent>>();

  /** @param transformer asked anew for each value: the configuration may change */
  constructor(inner: Store, transformer: () => Transformer) {
    this.#inner = inner;
    this.#transformer = transformer;
  }

  /** True for a value read here that would be written differently now. */
  isStale(value: Uint8Array): boolean {
    return this.#stale.has(value);
  }

  /** Says of an older copy of a value what was just learned about the value. */
  renew(copy: Uint8Array, value: Uint8Array): void {
    if (copy !== value) {
      if (this.#stale.has(value)) {
        this.#stale.add(copy);
      } else {
        this.#stale.delete(copy);
      }
    }
  }

  currentRevision(): Promise<Revision> {
    return this.#inner.currentRevision();
  }

  async get(key: string, options?: { readonly revision?: Revision }): Promise<KeyValue | undefined> {
    const entry = await this.#inner.get(key, options);
    return entry === undefined ? undefined : this.#plain(entry);
  }

  async list(prefix: string, options?: ListOptions): Promise<ListResult> {
    const result = await this.#inner.list(prefix, options);
    return { ...result, items: await Promise.all(result.items.map((entry) => this.#plain(entry))) };
  }

  count(prefix: string): Promise<number> {
    return this.#inner.count(prefix);
  }

  async create(key: string, value: Uint8Array, options?: WriteOptions): Promise<CreateOutcome> {
    const outcome = await this.#inner.create(key, await this.#hidden(key, value), options);
    return outcome.kind === 'exists'
      ? { kind: 'exists', current: await this.#plain(outcome.current) }
      : outcome;
  }

  async update(
    key: string,
    value: Uint8Array,
    expected: Revision | undefined,
    options?: WriteOptions,
  ): Promise<UpdateOutcome> {
    const outcome = await this.#inner.update(key, await this.#hidden(key, value), expected, options);
    return outcome.kind === 'conflict'
      ? { kind: 'conflict', current: await this.#plain(outcome.current) }
      : outcome;
  }

  async delete(key: string, expected?: Revision): Promise<DeleteOutcome> {
    const outcome = await this.#inner.delete(key, expected);
    switch (outcome.kind) {
      case 'deleted':
        return { ...outcome, previous: await this.#plain(outcome.previous) };
      case 'conflict':
        return { kind: 'conflict', current: await this.#plain(outcome.current) };
      default:
        return outcome;
    }
  }

  async *watch(prefix: string, options: WatchOptions, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    for await (const { events, revision } of this.#inner.watch(prefix, options, signal)) {
      yield { events: await Promise.all(events.map((event) => this.#plainEvent(event))), revision };
    }
  }

  grantLease(ttlSeconds: number): ReturnType<Store['grantLease']> {
    return this.#inner.grantLease(ttlSeconds);
  }

  compact(revision: Revision): Promise<void> {
    return this.#inner.compact(revision);
  }

  status(): ReturnType<Store['status']> {
    return this.#inner.status();
  }

  /** The store behind belongs to whoever opened it. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #plainEvent(event: StoreEvent): Promise<StoreEvent> {
    let plain = this.#events.get(event);
    if (plain === undefined) {
      plain = this.#decrypted(event);
      this.#events.set(event, plain);
    }
    return plain;
  }

  async #decrypted(event: StoreEvent): Promise<StoreEvent> {
    if (event.type === 'delete') {
      return { ...event, previous: await this.#plain(event.previous) };
    }
    const { previous } = event;
    return {
      ...event,
      kv: await this.#plain(event.kv),
      previous: previous === undefined ? undefined : await this.#plain(previous),
    };
  }

  async #plain(entry: KeyValue): Promise<KeyValue> {
    try {
      const { value, isStale } = await this.#transformer().read(entry.value, entry.key);
      if (isStale) {
        this.#stale.add(value);
      }
      return { ...entry, value };
    } catch (error) {
      throw asInternal(error, 'from', entry.key);
    }
  }

  async #hidden(key: string, value: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#transformer().write(value, key);
    } catch (error) {
      throw asInternal(error, 'to', key);
    }
  }
}

function asInternal(error: unknown, direction: 'from' | 'to', key: string): unknown {
  if (!(error instanceof TransformError)) {
    return error;
  }
  return direction === 'from'
    ? internalError(`unable to transform key ${JSON.stringify(key)}: ${error.message}`, error)
    : internalError(error.message, error);
}
