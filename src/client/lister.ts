import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';

/** Read access to a local copy of one resource. Objects are deep-frozen and shared; never modify them. */
export interface Lister<T extends ApiObject> {
  /** By `namespace/name`, or `name` for objects of the cluster (see `objectKey`). */
  get(key: string): T | undefined;
  /** All objects, in no particular order. */
  list(): readonly T[];
  /** The objects for which the index function returned `value`. `namespace` is always indexed. */
  byIndex(index: string, value: string): readonly T[];
}

/** Told of every change of the local copy, in order, after the copy has it. Must not throw or block. */
export interface InformerHandler<T extends ApiObject> {
  onAdd?(object: T): void;
  onUpdate?(previous: T, current: T): void;
  /** `last` is the last state that was seen; a deletion during a lost watch may have skipped later ones. */
  onDelete?(last: T): void;
}

/** A {@link Lister} kept in step with the server by list and watch. */
export interface Informer<T extends ApiObject> extends Lister<T> {
  /** True once the first list is in the copy and its handlers were told. */
  readonly hasSynced: boolean;
  /** Adds a handler; what is already in the copy is delivered to it as adds at once. */
  addHandler(handler: InformerHandler<T>): Disposable;
  /** Adds an index; before `start` only. Adding the same name twice keeps the first. */
  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void;
}

export interface InformerScope {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** The informers of one process: asking twice for the same resource and scope gives the same one. */
export interface Informers extends AsyncDisposable {
  of<T extends ApiObject>(resource: ResourceType<T>, scope?: InformerScope): Informer<T>;
  /** Starts those asked for so far; one asked for later starts at once. */
  start(): void;
  /** Ends the informer of a resource that is no longer served, and lets its copy go. */
  forget(resource: ResourceType<ApiObject>): void;
  /** Resolves when all started ones have synced. */
  whenSynced(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
