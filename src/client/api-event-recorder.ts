import type { ApiObject, NewObject } from '#api/object.ts';
import { isNotFound, StatusError } from '#api/status-error.ts';
import { formatTime } from '#api/time.ts';
import type { Event, ObjectReference } from '#api/types/core.v1.ts';
import { EVENT } from '#api/types/resources.ts';
import { BoundedQueue } from '#base/bounded-queue.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { TaskGroup } from '#base/task-group.ts';
import type { Client, ResourceClient } from './client.ts';
import { type Correlation, EventCorrelator } from './event-correlator.ts';
import type { EventRecorder, EventTarget } from './event-recorder.ts';

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Who reports: `deployment-controller`, `kubelet`. */
  readonly component: string;
  /** The node that reports, for components that run one per node. */
  readonly host?: string;
}

interface Report {
  readonly subject: ObjectReference;
  readonly component: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
}

/** Events waiting to be written; beyond that the newest are dropped. */
const QUEUE_MAX = 1_000;
const TRIES_MAX = 12;
const RETRY_MS = 10_000;

/** Writes Events through the API. Close it to stop; what is still queued is then lost, as events may be. */
export class ApiEventRecorder implements EventRecorder, AsyncDisposable {
  readonly #options: EventRecorderOptions;
  readonly #events: ResourceClient<Event>;
  readonly #queue = new BoundedQueue<Report>(QUEUE_MAX);
  readonly #correlator = new EventCorrelator();
  readonly #tasks: TaskGroup;
  #sequence = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#events = options.client.of(EVENT);
    this.#tasks = TaskGroup.logging(options.log);
    this.#tasks.spawn('event recorder', (signal) => this.#run(signal));
  }

  event(target: ApiObject | EventTarget, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { component } =
      'object' in target ? { component: this.#options.component, ...target } : this.#options;
    const report = {
      subject: referenceTo(target),
      component,
      type,
      reason,
      message,
      atMs: this.#options.clock.nowMs(),
    };
    if (!this.#queue.offer(report)) {
      this.#options.log.debug('event dropped, the queue is full', { reason, message });
    }
  }

  async close(): Promise<void> {
    this.#queue.close();
    await this.#tasks.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (
      let reports = await this.#queue.takeAll();
      reports !== undefined;
      reports = await this.#queue.takeAll()
    ) {
      for (const report of reports) {
        if (signal.aborted) {
          return;
        }
        await this.#record(report, signal);
      }
    }
  }

  async #record(report: Report, signal: AbortSignal): Promise<void> {
    const { host = '', clock, random, log } = this.#options;
    const { subject, component, type, reason, message, atMs } = report;
    this.#sequence += 1;
    // Upstream's form: nanoseconds in hexadecimal; ours are counted up below the millisecond to stay unique.
    const stamp = (BigInt(Math.floor(atMs)) * 1_000_000n + BigInt(this.#sequence % 1_000_000)).toString(16);
    const observation = {
      source: `${component}\0${host}`,
      subject: subjectKey(subject),
      type,
      reason,
      message,
    };
    const correlation = this.#correlator.correlate(observation, `${subject.name ?? ''}.${stamp}`, atMs);
    for (let attempt = 1; correlation.kind !== 'drop' && attempt <= TRIES_MAX; attempt++) {
      try {
        await this.#write(report, correlation, signal);
        return;
      } catch (error) {
        if (signal.aborted || error instanceof StatusError) {
          // A refusal stays one; an event is not worth more.
          log.debug('event refused', { reason, message, error });
          return;
        }
        await clock.sleep(attempt === 1 ? RETRY_MS * random.float() : RETRY_MS, signal);
      }
    }
  }

  async #write(
    report: Report,
    { kind, series, message }: Exclude<Correlation, { kind: 'drop' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { host } = this.#options;
    const { subject, component, type, reason, atMs } = report;
    const namespace = subject.namespace ?? 'default';
    const lastTimestamp = formatTime(atMs);
    if (kind === 'countUp') {
      const patch = { count: series.count, lastTimestamp, message };
      try {
        await this.#events.patch(namespace, series.name, patch, { type: 'strategic' }, signal);
        return;
      } catch (error) {
        if (!isNotFound(error)) {
          throw error;
        }
      }
    }
    const event: NewObject<Event> = {
      metadata: { name: series.name, namespace },
      involvedObject: subject,
      reason,
      message,
      source: { component, ...(host === undefined ? {} : { host }) },
      firstTimestamp: formatTime(series.firstMs),
      lastTimestamp,
      count: series.count,
      type,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
    await this.#events.create(event, {}, signal);
  }
}

function referenceTo(target: ApiObject | EventTarget): ObjectReference {
  const { object, fieldPath } = 'object' in target ? target : { object: target, fieldPath: undefined };
  const { apiVersion, kind, metadata } = object;
  return {
    kind,
    ...(metadata.namespace === undefined || metadata.namespace === ''
      ? {}
      : { namespace: metadata.namespace }),
    name: metadata.name,
    uid: metadata.uid,
    apiVersion,
    resourceVersion: metadata.resourceVersion,
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}

function subjectKey({ kind, namespace, name, uid, apiVersion, fieldPath }: ObjectReference): string {
  return [kind, namespace, name, uid, apiVersion, fieldPath].join('\0');
}
