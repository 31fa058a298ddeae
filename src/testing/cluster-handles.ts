import type { ApiObject } from '#api/object.ts';
import type { Duration } from '#base/duration.ts';
import type { ServedListener } from './disturb.ts';

export interface LeapOptions {
  /** Awaited each time before time passes: programs outside of this process may have something to do first. */
  readonly beforeLeap?: () => Promise<void>;
}

export interface UntilOptions extends LeapOptions {
  /** Of the cluster's time; ten minutes when left out. */
  readonly within?: Duration;
  readonly namespace?: string;
}

export interface ServingOptions {
  readonly port?: number;
  /** Told of every request for a resource that comes over HTTPS, before it is served. */
  readonly onRequest?: ServedListener | undefined;
}

export interface NamespaceOption {
  /** `default` when left out, or all namespaces where many objects are meant. */
  readonly namespace?: string;
}

/** The cluster's time. */
export interface TestClock {
  now(): Date;
  nowMs(): number;
  /** Lets everything happen that can happen without time passing. */
  settle(): Promise<void>;
  /** Lets time pass; whatever was due on the way has happened, in order, when it resolves. */
  advance(duration: Duration, options?: LeapOptions): Promise<void>;
}

/** A simulated node, to be disturbed. */
export interface TestNode {
  readonly name: string;
  /** The machine stops: no heartbeats, and its containers are gone. */
  crash(): void;
  /** The network between node and API server is cut; its containers run on. */
  partition(): void;
  /** Ends a crash or a partition. */
  recover(): void;
}

/** Assertions about every state of some objects. */
export interface Watched<T extends ApiObject> {
  /** Fails the test, at the next `until`, `advance` or the end, when the predicate holds for any state of any object. */
  never(predicate: (object: T) => boolean, message?: string): Disposable;
  /** The same, when it does not hold. */
  always(predicate: (object: T) => boolean, message?: string): Disposable;
}
