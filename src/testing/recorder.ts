import type { ApiObject } from '#api/object.ts';
import type { Clock } from '#base/clock.ts';
import { TaskGroup } from '#base/task-group.ts';
import { utf8Decode } from '#base/bytes.ts';
import { decodeStored } from '#codec/stored-form.ts';
import { CompactedError, type Revision, type Store, type StoreEvent } from '#store/store.ts';

/** One change of one object. */
export interface Change<T extends ApiObject = ApiObject> {
  readonly revision: Revision;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** Time of the cluster's clock, milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** The user who wrote it; the field manager when it came over the network or from the server itself. */
  readonly by: string;
  /** The object after the change; its last state when it was deleted. */
  readonly object: T;
}

interface Recorded {
  readonly event: StoreEvent;
  readonly atMs: number;
}

/** Changes kept; beyond it the oldest are forgotten, so that years of virtual time fit in memory. */
const CHANGES_MAX = 100_000;
/** How many of the oldest are forgotten at once. */
const FORGET_COUNT = 10_000;

/** Follows the store and keeps what happened: for histories, timelines, invariants and for comparing two runs. */
export class Recorder implements AsyncDisposable {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #tasks: TaskGroup;
  readonly #onChange: (change: Change, key: string) => void;
  readonly #isWanted: (key: string) => boolean;
  #recorded: Recorded[];
  readonly #writers: Map<Revision, string>;
  #revision: Revision;

  constructor(
    { store, clock }: { readonly store: Store; readonly clock: Clock },
    listener: {
      /** Told of each change of the keys it wants, in order. */
      readonly onChange: (change: Change, key: string) => void;
      readonly isWanted: (key: string) => boolean;
    },
    past: { readonly recorder?: Recorder; readonly revision: Revision },
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#onChange = listener.onChange;
    this.#isWanted = listener.isWanted;
    this.#recorded = past.recorder?.changesUpTo(past.revision) ?? [];
    this.#writers = new Map(past.recorder?.writersUpTo(past.revision));
    this.#revision = past.revision;
    this.#tasks = new TaskGroup((_name, error) => {
      throw error;
    });
    this.#tasks.spawn('recorder', (signal) => this.#follow(signal));
  }

  /** The newest revision that was seen. */
  get revision(): Revision {
    return this.#revision;
  }

  /** Notes who made the write that the API answered with this object. */
  noteWriter(user: string, answer: unknown): void {
    const { metadata } = (answer ?? {}) as Partial<ApiObject>;
    const revision = Number(metadata?.resourceVersion);
    // Lists answer deletions of many with a revision of the store; writes that change nothing with an old one.
    if (metadata?.uid !== undefined && !this.#writers.has(revision)) {
      this.#writers.set(revision, user);
    }
  }

  /** Who made a change. */
  writerOf({ revision, object }: Pick<Change, 'revision' | 'object'>): string {
    return this.#writers.get(revision) ?? lastManagerOf(object);
  }

  /** What happened below a key prefix, oldest first. */
  changes(prefix: string): readonly Change[] {
    return this.#recorded
      .filter(({ event }) => event.key.startsWith(prefix))
      .map((item) => this.#changeOf(item));
  }

  /** What happened to one key, oldest first. */
  changesOf(key: string): readonly Change[] {
    return this.#recorded.filter(({ event }) => event.key === key).map((item) => this.#changeOf(item));
  }

  /** One line for each change with all its bytes: equal for two runs that went the same way. */
  transcript(): readonly string[] {
    return this.#recorded.map(({ event, atMs }) => {
      const value = event.type === 'put' ? utf8Decode(event.kv.value) : '';
      return `${event.revision} ${atMs} ${event.type} ${event.key} ${value}`;
    });
  }

  /** One short line for each change: when, what, which object, by whom. */
  timeline(startMs: number): readonly string[] {
    return this.#recorded.map((item) => {
      const { type, by, atMs, revision } = this.#changeOf(item);
      const path = item.event.key.replace('/registry/', '');
      return `+${((atMs - startMs) / 1_000).toFixed(3)}s ${revision} ${type} ${path} by ${by}`;
    });
  }

  close(): Promise<void> {
    return this.#tasks.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  protected changesUpTo(revision: Revision): Recorded[] {
    return this.#recorded.filter(({ event }) => event.revision <= revision);
  }

  protected writersUpTo(revision: Revision): readonly (readonly [Revision, string])[] {
    return [...this.#writers].filter(([written]) => written <= revision);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const { events, revision } of this.#store.watch('', { after: this.#revision }, signal)) {
          events.forEach((event) => this.#record(event));
          this.#revision = revision;
        }
      } catch (error) {
        if (!(error instanceof CompactedError)) {
          throw error;
        }
        this.#revision = error.compactedRevision;
      }
    }
  }

  #record(event: StoreEvent): void {
    const item = { event, atMs: this.#clock.nowMs() };
    this.#recorded.push(item);
    if (this.#recorded.length > CHANGES_MAX) {
      for (const { event: old } of this.#recorded.splice(0, FORGET_COUNT)) {
        this.#writers.delete(old.revision);
      }
    }
    if (this.#isWanted(event.key)) {
      this.#onChange(this.#changeOf(item), event.key);
    }
  }

  #changeOf({ event, atMs }: Recorded): Change {
    const { revision } = event;
    const kv = event.type === 'put' ? event.kv : event.previous;
    const type = event.type === 'delete' ? 'DELETED' : event.previous === undefined ? 'ADDED' : 'MODIFIED';
    const object = decodeStored(kv.value, String(revision));
    return { revision, type, atMs, by: this.writerOf({ revision, object }), object };
  }
}

function lastManagerOf({ metadata }: ApiObject): string {
  const [last] = (metadata.managedFields ?? []).toSorted((left, right) =>
    (right.time ?? '').localeCompare(left.time ?? ''),
  );
  return last?.manager ?? 'somebody';
}
