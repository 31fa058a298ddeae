import type { Clock } from '#base/clock.ts';
import { Counter, type MetricsRegistry } from '#base/metrics.ts';
import { attributesOf } from '../authz/request-attributes.ts';
import { isLongRunning } from '../flow-control/request-limiter.ts';
import type { AuditEvent } from './audit-event.ts';
import type { PolicyEvaluator } from './audit-policy.ts';
import { AuditTrail, type AuditedRequest } from './audit-trail.ts';

/** Where events go. */
export interface AuditSink extends AsyncDisposable {
  /** Names the sink in `apiserver_audit_error_total`. */
  readonly name: string;
  /** Takes an event. @throws what the file system or the like says; the request goes on */
  process(event: AuditEvent): void;
}

export interface AuditorDeps {
  readonly policy: PolicyEvaluator;
  readonly sinks: readonly AuditSink[];
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  /** Told of events that could not be recorded. */
  readonly onFailure: (sink: string, error: unknown) => void;
}

/** Decides of each request what is recorded, and hands events to the sinks. */
export class Auditor implements AsyncDisposable {
  readonly #deps: AuditorDeps;
  readonly #events: Counter;
  readonly #errors: Counter;
  readonly #levels: Counter;

  constructor(deps: AuditorDeps) {
    this.#deps = deps;
    this.#events = deps.metrics.register(
      new Counter({ name: 'apiserver_audit_event_total', help: 'Audit events generated.' }),
    );
    this.#errors = deps.metrics.register(
      new Counter({
        name: 'apiserver_audit_error_total',
        help: 'Audit events that could not be recorded.',
        labels: ['plugin'],
      }),
    );
    this.#levels = deps.metrics.register(
      new Counter({
        name: 'apiserver_audit_level_total',
        help: 'Requests by the level they are recorded at.',
        labels: ['level'],
      }),
    );
  }

  /** Starts to record a request; undefined when nothing of it is to be recorded. */
  begin(request: AuditedRequest): AuditTrail | undefined {
    const config = this.#deps.policy.configFor(attributesOf(request));
    this.#levels.inc([config.level]);
    return config.level === 'None'
      ? undefined
      : new AuditTrail(request, config, {
          clock: this.#deps.clock,
          emit: (event) => this.#emit(event),
          isLongRunning: isLongRunning(request.info),
        });
  }

  /** Lets the sinks finish. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#deps.sinks.map((sink) => sink[Symbol.asyncDispose]()));
  }

  #emit(event: AuditEvent): void {
    this.#events.inc();
    for (const sink of this.#deps.sinks) {
      try {
        sink.process(event);
      } catch (error) {
        this.#errors.inc([sink.name]);
        this.#deps.onFailure(sink.name, error);
      }
    }
  }
}
