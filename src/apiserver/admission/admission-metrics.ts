import { Counter, Histogram, type MetricsRegistry } from '#base/metrics.ts';
import type { Operation } from './admission.ts';

const WEBHOOK_SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25];
const CONDITION_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25];

/** Codes beyond count as this one, whatever a webhook makes up. */
const CODE_MAX = 600;

/** Whose match conditions were evaluated. */
export interface ConditionLabels {
  readonly name: string;
  readonly kind: 'webhook' | 'policy';
  readonly type: string;
  readonly operation: Operation;
}

export interface WebhookLabels {
  readonly name: string;
  readonly type: 'admit' | 'validating';
  readonly operation: Operation;
}

/** Counts what webhooks and match conditions do, under upstream's names. */
export class AdmissionMetrics {
  readonly #webhookSeconds: Histogram;
  readonly #webhookRequests: Counter;
  readonly #webhookRejections: Counter;
  readonly #webhookFailOpen: Counter;
  readonly #conditionErrors: Counter;
  readonly #conditionExclusions: Counter;
  readonly #conditionSeconds: Histogram;

  constructor(registry: MetricsRegistry) {
    const counter = (name: string, help: string, labels: readonly string[]): Counter =>
      registry.register(new Counter({ name: `apiserver_admission_${name}`, help, labels }));
    this.#webhookSeconds = registry.register(
      new Histogram({
        name: 'apiserver_admission_webhook_admission_duration_seconds',
        help: 'Latency of admission webhooks by name, operation and type (admit or validating), in seconds.',
        labels: ['name', 'type', 'operation', 'rejected'],
        buckets: WEBHOOK_SECONDS,
      }),
    );
    this.#webhookRequests = counter('webhook_request_total', 'Calls of admission webhooks by HTTP status.', [
      'name',
      'type',
      'operation',
      'code',
      'rejected',
    ]);
    this.#webhookRejections = counter(
      'webhook_rejection_count',
      'Requests refused by admission webhooks, or because one could not be called.',
      ['name', 'type', 'operation', 'error_type', 'rejection_code'],
    );
    this.#webhookFailOpen = counter(
      'webhook_fail_open_count',
      'Calls of admission webhooks that failed and were ignored.',
      ['name', 'type'],
    );
    const condition = ['name', 'kind', 'type', 'operation'];
    this.#conditionErrors = counter(
      'match_condition_evaluation_errors_total',
      'Match conditions that failed to evaluate.',
      condition,
    );
    this.#conditionExclusions = counter(
      'match_condition_exclusions_total',
      'Requests left out by match conditions.',
      condition,
    );
    this.#conditionSeconds = registry.register(
      new Histogram({
        name: 'apiserver_admission_match_condition_evaluation_seconds',
        help: 'Time to evaluate match conditions, in seconds.',
        labels: condition,
        buckets: CONDITION_SECONDS,
      }),
    );
  }

  webhookCalled(
    { name, type, operation }: WebhookLabels,
    { code, seconds, isRejected }: { code: number; seconds: number; isRejected: boolean },
  ): void {
    const rejected = String(isRejected);
    this.#webhookRequests.inc([name, type, operation, String(Math.min(code, CODE_MAX)), rejected]);
    this.#webhookSeconds.observe(seconds, [name, type, operation, rejected]);
  }

  webhookRejected(
    { name, type, operation }: WebhookLabels,
    why: 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error',
    code: number,
  ): void {
    this.#webhookRejections.inc([name, type, operation, why, String(Math.min(code, CODE_MAX))]);
  }

  webhookFailedOpen({ name, type }: Pick<WebhookLabels, 'name' | 'type'>): void {
    this.#webhookFailOpen.inc([name, type]);
  }

  conditionsEvaluated(
    { name, kind, type, operation }: ConditionLabels,
    { seconds, failures }: { seconds: number; failures: number },
  ): void {
    const labels = [name, kind, type, operation];
    this.#conditionSeconds.observe(seconds, labels);
    if (failures > 0) {
      this.#conditionErrors.inc(labels, failures);
    }
  }

  conditionsExcluded({ name, kind, type, operation }: ConditionLabels): void {
    this.#conditionExclusions.inc([name, kind, type, operation]);
  }
}
