import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { isExpired } from '#api/status-error.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { TaskGroup } from '#base/task-group.ts';
import { Backoff } from './backoff.ts';
import { Client, type ResourceClient } from './client.ts';
import type { Informer, Informers, InformerScope } from './lister.ts';
import { ObjectCache } from './object-cache.ts';
import { ConnectionError, type Transport, type WatchEvent } from './transport.ts';

export interface InformersOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** The server ends a watch after 5 to 10 minutes, so that load moves when servers come and go. */
const WATCH_SECONDS_MIN = 300;
/** A watch that ended sooner and brought nothing counts as a failure, or a broken server would be asked in a loop. */
const WATCH_MS_MIN = 1_000;
const BACKOFF = { initialMs: 800, maxMs: 30_000, resetMs: 120_000 };

/** Informers that copy from an API server. Nothing runs until `start`. */
export function createInformers(options: InformersOptions): Informers {
  return new ServerInformers(options);
}

class ServerInformers implements Informers {
  readonly #options: InformersOptions;
  readonly #client: Client;
  readonly #tasks: TaskGroup;
  readonly #reflectors = new Map<string, Reflector<ApiObject>>();
  #isStarted = false;

  constructor(options: InformersOptions) {
    this.#options = options;
    this.#client = new Client(options.transport);
    this.#tasks = TaskGroup.logging(options.log);
  }

  of<T extends ApiObject>(resource: ResourceType<T>, scope: InformerScope = {}): Informer<T> {
    const key = keyOf(resource, scope);
    let reflector = this.#reflectors.get(key);
    if (reflector === undefined) {
      reflector = new Reflector<ApiObject>(this.#client.of(resource), scope, this.#options);
      this.#reflectors.set(key, reflector);
      if (this.#isStarted) {
        this.#spawn(reflector);
      }
    }
    // The reflector stored under a resource's key copies objects of that resource's type.
    return reflector.cache as unknown as Informer<T>;
  }

  start(): void {
    if (!this.#isStarted) {
      this.#isStarted = true;
      for (const reflector of this.#reflectors.values()) {
        this.#spawn(reflector);
      }
    }
  }

  async whenSynced(signal?: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    const ends = AbortSignal.any([this.#tasks.signal, ...(signal === undefined ? [] : [signal])]);
    const onAbort = (): void => aborted.reject(new DOMException('The informers were closed', 'AbortError'));
    ends.addEventListener('abort', onAbort, { once: true });
    if (ends.aborted) {
      onAbort();
    }
    const synced = Promise.all([...this.#reflectors.values()].map((reflector) => reflector.synced));
    try {
      await Promise.race([synced, aborted.promise]);
    } finally {
      ends.removeEventListener('abort', onAbort);
    }
  }

  close(): Promise<void> {
    return this.#tasks.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  forget(resource: ResourceType<ApiObject>): void {
    const key = keyOf(resource, {});
    this.#reflectors.get(key)?.end();
    this.#reflectors.delete(key);
  }

  #spawn(reflector: Reflector<ApiObject>): void {
    this.#tasks.spawn(`informer ${reflector.name}`, (signal) => reflector.run(signal));
  }
}

function keyOf(resource: ResourceType<ApiObject>, scope: InformerScope): string {
  const { group, version, resource: plural } = resource;
  const { namespace, labelSelector, fieldSelector } = scope;
  return JSON.stringify([group, version, plural, namespace, labelSelector, fieldSelector]);
}

/** Keeps one cache in step with the server: list once, then watch from the list's revision on. */
class Reflector<T extends ApiObject> {
  readonly cache: ObjectCache<T>;
  readonly name: string;
  readonly #client: ResourceClient<T>;
  readonly #scope: InformerScope;
  readonly #options: InformersOptions;
  readonly #log: Logger;
  readonly #synced = Promise.withResolvers<void>();
  readonly #ending = new AbortController();
  /** Every change up to this revision is in the cache; undefined when a list is needed. */
  #revision: string | undefined;
  #hasListed = false;

  constructor(client: ResourceClient<T>, scope: InformerScope, options: InformersOptions) {
    this.#client = client;
    this.#scope = scope;
    this.#options = options;
    this.name = client.resource.resource;
    this.#log = options.log.with({ informer: this.name });
    this.cache = new ObjectCache<T>(this.#log);
  }

  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Ends {@link run} before its signal does. */
  end(): void {
    this.#ending.abort();
    this.#synced.resolve();
  }

  async run(until: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([until, this.#ending.signal]);
    try {
      await this.#follow(signal);
    } catch (error) {
      if (!this.#ending.signal.aborted) {
        throw error;
      }
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const backoff = new Backoff({ clock, random, ...BACKOFF });
    this.cache.markStarted();
    for (;;) {
      const isHealthy = await this.#listAndWatch(signal);
      if (signal.aborted) {
        return;
      }
      if (isHealthy) {
        backoff.reset();
      } else {
        await clock.sleep(backoff.nextMs(), signal);
      }
    }
  }

  /** One list where needed and one watch; false when it should not be tried again at once. */
  async #listAndWatch(signal: AbortSignal): Promise<boolean> {
    try {
      if (this.#revision === undefined) {
        await this.#list(signal);
      }
      return await this.#watch(signal);
    } catch (error) {
      if (isExpired(error)) {
        const wasCurrent = this.#revision !== undefined;
        this.#revision = undefined;
        return wasCurrent;
      }
      if (!signal.aborted) {
        const report = error instanceof ConnectionError ? this.#log.info : this.#log.warn;
        report.call(this.#log, 'list and watch interrupted', { error });
      }
      return false;
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { namespace = '', ...selectors } = this.#scope;
    // Any state is good enough to begin with; after an expired watch only a state newer than that will do.
    const query = { ...selectors, ...(this.#hasListed ? {} : { resourceVersion: '0' }) };
    const list = await this.#client.list(namespace, query, signal);
    this.cache.replace(list.items);
    this.#revision = list.metadata.resourceVersion ?? '';
    this.#hasListed = true;
    this.#synced.resolve();
  }

  async #watch(signal: AbortSignal): Promise<boolean> {
    const { clock, random } = this.#options;
    const { namespace = '', ...selectors } = this.#scope;
    const startMs = clock.monotonicMs();
    let hasEvents = false;
    const events = this.#client.watch(
      namespace,
      {
        ...selectors,
        resourceVersion: this.#revision ?? '',
        allowWatchBookmarks: 'true',
        timeoutSeconds: String(Math.floor(WATCH_SECONDS_MIN * (1 + random.float()))),
      },
      signal,
    );
    for await (const event of events) {
      hasEvents = true;
      this.#apply(event);
    }
    return hasEvents || clock.monotonicMs() - startMs >= WATCH_MS_MIN;
  }

  #apply({ type, object }: WatchEvent<T>): void {
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
        this.cache.set(object);
        break;
      case 'DELETED':
        this.cache.remove(object);
        break;
      case 'BOOKMARK':
        break;
    }
    this.#revision = object.metadata.resourceVersion;
  }
}
