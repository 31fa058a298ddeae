import { Counter, Histogram, type MetricsRegistry } from '#base/metrics.ts';

const SECONDS = [0.0000005, 0.001, 0.01, 0.1, 1];

export type PolicyErrorType = 'no_error' | 'compile_error' | 'invalid_error' | 'out_of_budget';

/** The kind of failure, as its message begins. */
export function errorTypeOf(message: string): PolicyErrorType {
  if (message.startsWith('compilation')) {
    return 'compile_error';
  }
  return message.startsWith('validation failed due to running out of cost budget')
    ? 'out_of_budget'
    : 'invalid_error';
}

/** Counts what one kind of policy decides, under upstream's names. */
export class PolicyMetrics {
  readonly #checks: Counter;
  readonly #seconds: Histogram;

  /** @param labels what tells checks of one policy, binding and error apart */
  constructor(registry: MetricsRegistry, kind: 'validating' | 'mutating', labels: readonly string[] = []) {
    const all = ['policy', 'policy_binding', 'error_type', ...labels];
    this.#checks = registry.register(
      new Counter({
        name: `apiserver_${kind}_admission_policy_check_total`,
        help: `Checks by ${kind} admission policies.`,
        labels: all,
      }),
    );
    this.#seconds = registry.register(
      new Histogram({
        name: `apiserver_${kind}_admission_policy_check_duration_seconds`,
        help: `Time for one expression of ${kind} admission policies, in seconds.`,
        labels: all,
        buckets: SECONDS,
      }),
    );
  }

  /** @param labels policy, binding, error type, and the metric's own */
  checked(labels: readonly string[], seconds: number): void {
    this.#checks.inc(labels);
    this.#seconds.observe(seconds, labels);
  }
}
