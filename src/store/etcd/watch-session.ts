import { once } from 'node:events';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Clock, Timer } from '#base/clock.ts';
import { utf8Encode } from '#base/bytes.ts';
import { TaskGroup } from '#base/task-group.ts';
import { isInRange } from '../key-history.ts';
import { CompactedError } from '../store.ts';
import { commonPrefix, rangeOfWire, wireEntry } from './etcd-entries.ts';
import {
  EVENT,
  EVENT_DELETE,
  EVENT_PUT,
  FILTER_NO_DELETE,
  FILTER_NO_PUT,
  KEY_VALUE,
  WATCH_RESPONSE,
} from './messages.ts';
import { COMPACTED_WORDS, refusalOf } from './server-status.ts';
import type { KeyRange } from '../key-history.ts';
import type { Revision, Store, StoreEvent } from '../store.ts';
import type {
  ResponseHeader,
  WatchCreateRequest,
  WatchRequest,
  WatchResponse,
  WireEvent,
} from './messages.ts';

/** How often a quiet watch that asked for it hears how far it is; etcd's own default. */
const PROGRESS_MS = 10 * 60_000;

/** Watches on one stream; a client that wants more opens another. */
const WATCHES_MAX = 10_000;

/** The stream's own number in answers that concern every watch on it. */
const ALL_WATCHES = -1;

interface Watch {
  readonly id: number;
  readonly range: KeyRange;
  readonly request: WatchCreateRequest;
  readonly stop: AbortController;
  delivered: Revision;
  wasQuiet: boolean;
}

export interface WatchSessionDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly header: (revision: Revision) => ResponseHeader;
}

/** One client's stream of watches. A client that reads slowly holds up its own watches, nobody else's. */
export class WatchSession {
  readonly #deps: WatchSessionDeps;
  readonly #call: ServerDuplexStream<WatchRequest, Partial<WatchResponse>>;
  // The way in which grpc-js is told to end a stream with a status.
  readonly #tasks = new TaskGroup((_, error) => void this.#call.emit('error', refusalOf(error)));
  readonly #watches = new Map<number, Watch>();
  /** Revisions the client asked to be told once every watch has seen them. */
  #asked: Revision[] = [];
  #nextId = 0;
  #timer: Timer | undefined;

  constructor(deps: WatchSessionDeps, call: ServerDuplexStream<WatchRequest, Partial<WatchResponse>>) {
    this.#deps = deps;
    this.#call = call;
  }

  /** Serves the stream until the client ends it. */
  async run(): Promise<void> {
    this.#schedule();
    try {
      for await (const request of this.#call) {
        // Typed by grpc-js as anything at all.
        await this.#take(request as WatchRequest);
      }
    } catch (error) {
      if (!this.#call.cancelled) {
        this.#call.emit('error', refusalOf(error));
      }
    } finally {
      this.#timer?.cancel();
      for (const watch of this.#watches.values()) {
        watch.stop.abort();
      }
      await this.#tasks.close();
      this.#call.end();
    }
  }

  async #take({ create, cancel, progress }: WatchRequest): Promise<void> {
    if (create !== undefined) {
      await this.#create(create);
    } else if (cancel !== undefined) {
      await this.#cancel(cancel.watchId);
    } else if (progress !== undefined) {
      this.#asked.push(await this.#deps.store.currentRevision());
      await this.#answerProgress();
    }
  }

  async #create(request: WatchCreateRequest): Promise<void> {
    const { store, header } = this.#deps;
    const newest = await store.currentRevision();
    const id = request.watchId === 0 ? this.#freeId() : request.watchId;
    if (this.#watches.has(id) || this.#watches.size >= WATCHES_MAX) {
      const cancelReason = this.#watches.has(id)
        ? 'etcdserver: duplicate watch ID provided on the WatchStream'
        : 'etcdserver: too many watches on one stream';
      const refusal = { watchId: ALL_WATCHES, created: true, canceled: true, cancelReason };
      await this.#send({ ...refusal, header: header(newest) });
      return;
    }
    const watch: Watch = {
      id,
      range: rangeOfWire(request.key.length === 0 ? Uint8Array.of(0) : request.key, request.rangeEnd),
      request,
      stop: new AbortController(),
      delivered: await this.#startOf(request.startRevision, newest),
      wasQuiet: false,
    };
    this.#watches.set(id, watch);
    await this.#send({ watchId: id, created: true, header: header(newest) });
    this.#tasks.spawn(`watch ${id}`, () => this.#follow(watch));
  }

  /** The revision after which to tell changes. */
  async #startOf(start: Revision, newest: Revision): Promise<Revision> {
    if (start <= 0 || start > newest) {
      return newest;
    }
    const { compactedRevision } = await this.#deps.store.status();
    // As etcd: the compacted revision itself is a start, though what it changed may be forgotten.
    return start === compactedRevision ? start : start - 1;
  }

  async #follow(watch: Watch): Promise<void> {
    const { store, header } = this.#deps;
    const { id, range, stop, delivered } = watch;
    try {
      const options = { after: delivered, progress: true };
      for await (const batch of store.watch(commonPrefix(range), options, stop.signal)) {
        const events = batch.events
          .filter((event) => isWanted(event, watch))
          .map((event) => wireEvent(event, watch));
        if (events.length > 0) {
          watch.wasQuiet = false;
          await this.#send({ watchId: id, header: header(batch.revision), events });
        }
        watch.delivered = batch.revision;
        await this.#answerProgress();
      }
    } catch (error) {
      if (!(error instanceof CompactedError)) {
        throw error;
      }
      this.#watches.delete(id);
      await this.#send({
        watchId: id,
        canceled: true,
        compactRevision: error.compactedRevision,
        cancelReason: `etcdserver: ${COMPACTED_WORDS}`,
        header: header(await store.currentRevision()),
      });
    }
  }

  async #cancel(id: number): Promise<void> {
    const watch = this.#watches.get(id);
    if (watch !== undefined) {
      this.#watches.delete(id);
      watch.stop.abort();
      const revision = await this.#deps.store.currentRevision();
      await this.#send({ watchId: id, canceled: true, header: this.#deps.header(revision) });
      await this.#answerProgress();
    }
  }

  /** Progress is told only when every watch of the stream has been sent everything up to it. */
  async #answerProgress(): Promise<void> {
    const seen = Math.min(...Array.from(this.#watches.values(), ({ delivered }) => delivered));
    const due = this.#asked.filter((revision) => revision <= seen);
    this.#asked = this.#asked.filter((revision) => revision > seen);
    for (const revision of due) {
      await this.#send({ watchId: ALL_WATCHES, header: this.#deps.header(revision) });
    }
  }

  #schedule(): void {
    this.#timer = this.#deps.clock.schedule(PROGRESS_MS, () => {
      this.#tasks.spawn('progress', () => this.#notifyQuiet());
      this.#schedule();
    });
  }

  async #notifyQuiet(): Promise<void> {
    for (const watch of this.#watches.values()) {
      if (watch.request.progressNotify && watch.wasQuiet) {
        await this.#send({ watchId: watch.id, header: this.#deps.header(watch.delivered) });
      }
      watch.wasQuiet = true;
    }
  }

  #freeId(): number {
    while (this.#watches.has(this.#nextId)) {
      this.#nextId += 1;
    }
    this.#nextId += 1;
    return this.#nextId - 1;
  }

  /** Resolves when the client has room for more, or is gone. */
  async #send(response: Partial<WatchResponse>): Promise<void> {
    if (this.#call.cancelled || this.#call.destroyed || this.#call.write(WATCH_RESPONSE.of(response))) {
      return;
    }
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    this.#call.once('close', leave).once('cancelled', leave);
    try {
      await once(this.#call, 'drain', { signal: gone.signal });
    } catch (error) {
      if (!gone.signal.aborted) {
        throw error;
      }
    } finally {
      this.#call.off('close', leave).off('cancelled', leave);
    }
  }
}

function isWanted(event: StoreEvent, { range, request }: Watch): boolean {
  const refused = event.type === 'put' ? FILTER_NO_PUT : FILTER_NO_DELETE;
  return (
    isInRange(range, event.key) &&
    event.revision >= request.startRevision &&
    !request.filters.includes(refused)
  );
}

function wireEvent(event: StoreEvent, { request }: Watch): WireEvent {
  const prevKv = request.prevKv && event.previous !== undefined ? wireEntry(event.previous) : undefined;
  const kv =
    event.type === 'put'
      ? wireEntry(event.kv)
      : KEY_VALUE.of({ key: utf8Encode(event.key), modRevision: event.revision });
  return EVENT.of({ type: event.type === 'put' ? EVENT_PUT : EVENT_DELETE, kv, prevKv });
}
