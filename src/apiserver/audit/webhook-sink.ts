import { once } from 'node:events';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Clock } from '#base/clock.ts';
import { TaskGroup } from '#base/task-group.ts';
import { eventListText, type AuditEvent } from './audit-event.ts';
import type { AuditSink } from './auditor.ts';
import { EventBatches, type BatchOptions } from './event-batches.ts';

/** Where a webhook is and how it knows us: what its kubeconfig says. */
export interface WebhookTarget {
  readonly server: string;
  readonly ca?: string | undefined;
  readonly serverName?: string | undefined;
  readonly isInsecure?: boolean | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly token?: string | (() => string) | undefined;
}

export interface WebhookSinkDeps {
  readonly clock: Clock;
  /** Told of batches that were given up. */
  readonly onFailure: (error: unknown, events: number) => void;
}

/** An audit event found no room, or the webhook did not take it. */
export class AuditDeliveryError extends Error {
  override readonly name = 'AuditDeliveryError';
  readonly code = 'apiserver/audit-delivery';
}

const TRIES = 5;
const FIRST_RETRY_MS = 10_000;
const RETRY_FACTOR = 1.5;
const ANSWER_TIMEOUT_MS = 30_000;
/** For the last events when the server stops: whoever stops it waits. */
const LAST_WORDS_MS = 5_000;

/** Posts events to a webhook as `EventList`s, many at a time, and again when it does not take them. */
export class WebhookSink implements AuditSink {
  readonly name = 'buffered';
  readonly #url: URL;
  readonly #target: WebhookTarget;
  readonly #deps: WebhookSinkDeps;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #batches: EventBatches;
  readonly #tasks: TaskGroup;

  constructor(target: WebhookTarget, options: BatchOptions, deps: WebhookSinkDeps) {
    this.#url = new URL(target.server);
    this.#target = target;
    this.#deps = deps;
    const { ca, cert, key, serverName, isInsecure } = target;
    this.#agent =
      this.#url.protocol === 'http:'
        ? new HttpAgent({ keepAlive: true })
        : new HttpsAgent({
            keepAlive: true,
            rejectUnauthorized: isInsecure !== true,
            ...(ca === undefined ? {} : { ca }),
            ...(cert === undefined ? {} : { cert }),
            ...(key === undefined ? {} : { key }),
            ...(serverName === undefined ? {} : { servername: serverName }),
          });
    this.#tasks = new TaskGroup((_task, error) => deps.onFailure(error, 0));
    this.#batches = new EventBatches(deps.clock, options, (batch) => this.#deliver(batch));
    this.#tasks.spawn('audit webhook', (signal) => this.#batches.run(signal));
  }

  /** @throws {AuditDeliveryError} too many events wait already */
  process(event: AuditEvent): void {
    if (!this.#batches.add(event)) {
      throw new AuditDeliveryError('audit buffer queue blocked');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks.close();
    this.#agent.destroy();
  }

  async #deliver(batch: readonly AuditEvent[]): Promise<void> {
    const body = Buffer.from(eventListText(batch));
    let delayMs = FIRST_RETRY_MS;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#post(body);
        return;
      } catch (error) {
        if (attempt >= TRIES || this.#tasks.signal.aborted) {
          this.#deps.onFailure(error, batch.length);
          return;
        }
      }
      await this.#pause(delayMs);
      delayMs *= RETRY_FACTOR;
    }
  }

  /** The wait before another try ends early when the server stops: that try is the last. */
  async #pause(delayMs: number): Promise<void> {
    const { signal } = this.#tasks;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#deps.clock.schedule(delayMs, resolve);
    const stop = (): void => resolve();
    signal.addEventListener('abort', stop);
    await promise;
    signal.removeEventListener('abort', stop);
    timer.cancel();
  }

  async #post(body: Buffer): Promise<void> {
    const { token } = this.#target;
    const bearer = typeof token === 'function' ? token() : token;
    const send = this.#url.protocol === 'http:' ? httpRequest : httpsRequest;
    const aborting = new AbortController();
    const timeoutMs = this.#tasks.signal.aborted ? LAST_WORDS_MS : ANSWER_TIMEOUT_MS;
    const timer = this.#deps.clock.schedule(timeoutMs, () => aborting.abort());
    try {
      const request = send(this.#url, {
        method: 'POST',
        agent: this.#agent,
        signal: aborting.signal,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'content-length': body.length,
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        },
      });
      request.end(body);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.resume();
      await once(response, 'end');
      const { statusCode = 0 } = response;
      if (statusCode < 200 || statusCode > 299) {
        throw new AuditDeliveryError(
          `the audit webhook ${this.#url.host} answered with status ${statusCode}`,
        );
      }
    } finally {
      timer.cancel();
    }
  }
}
