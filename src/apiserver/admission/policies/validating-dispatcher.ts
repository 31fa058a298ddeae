import { StatusError, type StatusReason } from '#api/status-error.ts';
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '#api/types/admissionregistration.v1.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { annotateAs } from '../audit-annotation.ts';
import type { ExpressionInput } from '../expressions/activation.ts';
import { forbid } from '../forbid.ts';
import { inVersion, type VersionedWrite } from '../matching/versioned-write.ts';
import type { PolicyDeps } from './policy-deps.ts';
import { matchPolicies, type PolicyMatch } from './policy-invocations.ts';
import { errorTypeOf, PolicyMetrics } from './policy-metrics.ts';
import { namespaceOf } from './policy-namespace.ts';
import type { PolicyHook } from './policy-source.ts';
import { ValidatingEvaluator, type Decision, type Verdict } from './validating-evaluator.ts';

type Policy = ValidatingAdmissionPolicy;
type Binding = ValidatingAdmissionPolicyBinding;
type Invocation = Extract<PolicyMatch<Policy, Binding>, { kind: 'invoke' }>;

/** Of the value of one audit annotation. */
const NOTE_LENGTH_MAX = 10 * 1024;
/** More failures than this are not listed in the audit event. */
const FAILURES_MAX = 50;
const FAILURES_KEY = 'validation.policy.admission.k8s.io/validation_failure';

const CODES: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
};

interface Denial {
  readonly policy: string;
  readonly binding: string | undefined;
  readonly message: string;
  readonly reason: string;
}

/** What the judgements of one write come to. */
interface Outcome {
  readonly denials: Denial[];
  readonly failures: object[];
  /** Values of audit annotations by key, for each policy. */
  readonly notes: Map<string, Map<string, Set<string>>>;
}

/** Evaluates policies and acts as their bindings say. */
export class ValidatingDispatcher {
  readonly #deps: PolicyDeps;
  readonly #metrics: PolicyMetrics;
  /** Stored policies are frozen, and another object after every change. */
  readonly #evaluators = new WeakMap<Policy, ValidatingEvaluator>();

  constructor(deps: PolicyDeps) {
    this.#deps = deps;
    this.#metrics = new PolicyMetrics(deps.registry, 'validating', ['enforcement_action']);
  }

  /** @throws {StatusError} when a policy denies the write */
  async judge(hooks: readonly PolicyHook<Policy, Binding>[], attributes: AdmissionAttributes): Promise<void> {
    const outcome: Outcome = { denials: [], failures: [], notes: new Map() };
    for (const match of await matchPolicies(this.#deps, hooks, attributes)) {
      const policy = match.policy.metadata.name;
      const binding = match.binding?.metadata.name;
      if (match.kind === 'misconfigured') {
        outcome.denials.push({ policy, binding, message: match.message, reason: '' });
        continue;
      }
      try {
        await this.#invoke(match, attributes, outcome);
      } catch (error) {
        if (!(error instanceof ConversionError)) {
          throw error;
        }
        if (match.policy.spec.failurePolicy !== 'Ignore') {
          outcome.denials.push({ policy, binding, message: error.message, reason: '' });
        }
      }
    }
    this.#publish(outcome, attributes);
    const [first] = outcome.denials;
    if (first !== undefined) {
      throw refusal(first, attributes);
    }
  }

  async #invoke(invocation: Invocation, attributes: AdmissionAttributes, outcome: Outcome): Promise<void> {
    const { policy, params, version } = invocation;
    if (params.length === 0) {
      return;
    }
    const evaluator = this.#evaluatorOf(policy);
    const write = await this.#convert(attributes, version);
    const namespace = namespaceOf(this.#deps.reader, attributes);
    for (const each of params) {
      const input = { write, params: each, namespace, authorizer: this.#deps.authorizer };
      const startMs = this.#deps.clock.monotonicMs();
      const verdict = this.#judgeWith(evaluator, policy, input);
      const seconds = (this.#deps.clock.monotonicMs() - startMs) / 1000;
      this.#act(invocation, verdict, { attributes, outcome, seconds });
    }
  }

  async #convert(attributes: AdmissionAttributes, version: Invocation['version']): Promise<VersionedWrite> {
    try {
      return await inVersion(attributes, { resource: version.resource, kind: version.kind });
    } catch (error) {
      if (error instanceof StatusError) {
        throw new ConversionError(error.message);
      }
      throw error;
    }
  }

  #judgeWith(evaluator: ValidatingEvaluator, { metadata }: Policy, input: ExpressionInput): Verdict {
    const { conditions } = evaluator;
    if (conditions !== undefined) {
      const { operation } = input.write.attributes;
      const startMs = this.#deps.clock.monotonicMs();
      const matched = conditions.match(input);
      this.#deps.metrics().conditionsEvaluated(
        { name: metadata.name, kind: 'policy', type: 'validate', operation },
        {
          seconds: (this.#deps.clock.monotonicMs() - startMs) / 1000,
          failures: matched.kind === 'matches' ? 0 : matched.failures,
        },
      );
      if (matched.kind === 'failed') {
        return { decisions: [evaluator.failure(matched.message)], notes: [] };
      }
      if (matched.kind === 'differs') {
        return { decisions: [], notes: [] };
      }
    }
    return evaluator.evaluate(input);
  }

  #act(
    { policy, binding }: Invocation,
    { decisions, notes }: Verdict,
    {
      attributes,
      outcome,
      seconds,
    }: { readonly attributes: AdmissionAttributes; readonly outcome: Outcome; readonly seconds: number },
  ): void {
    const names = { policy: policy.metadata.name, binding: binding.metadata.name };
    const count = (decision: Decision, action: string): void => {
      const errorType = decision.evaluation === 'admit' ? 'no_error' : errorTypeOf(decision.message);
      this.#metrics.checked([names.policy, names.binding, errorType, action], seconds);
    };
    for (const [expressionIndex, decision] of decisions.entries()) {
      if (decision.action === 'admit') {
        if (decision.evaluation === 'error') {
          count(decision, 'allow');
        }
        continue;
      }
      const { message, reason } = decision;
      const { validationActions } = binding.spec;
      for (const action of validationActions) {
        count(decision, action.toLowerCase());
        if (action === 'Deny') {
          outcome.denials.push({ ...names, message, reason });
        } else if (action === 'Warn') {
          attributes.warn?.(
            `Validation failed for ValidatingAdmissionPolicy '${names.policy}' with binding '${names.binding}': ${message}`,
          );
        } else {
          outcome.failures.push({ message, ...names, expressionIndex, validationActions });
        }
      }
    }
    for (const note of notes) {
      if (note.kind === 'publish') {
        const ofPolicy = outcome.notes.getOrInsertComputed(names.policy, () => new Map());
        const values = ofPolicy.getOrInsertComputed(note.key, () => new Set());
        values.add(note.value.slice(0, NOTE_LENGTH_MAX));
      } else {
        outcome.denials.push({ ...names, message: note.message, reason: '' });
        this.#metrics.checked([names.policy, names.binding, errorTypeOf(note.message), 'deny'], seconds);
      }
    }
  }

  #publish({ notes, failures }: Outcome, attributes: AdmissionAttributes): void {
    for (const [policy, values] of notes) {
      for (const [key, each] of values) {
        annotateAs(attributes, { key: `${policy}/${key}`, value: [...each].join(', ') }, this.#deps.log);
      }
    }
    if (failures.length > 0) {
      attributes.annotate?.(FAILURES_KEY, JSON.stringify(failures.slice(0, FAILURES_MAX)));
    }
  }

  #evaluatorOf(policy: Policy): ValidatingEvaluator {
    let evaluator = this.#evaluators.get(policy);
    if (evaluator === undefined) {
      evaluator = new ValidatingEvaluator(policy);
      this.#evaluators.set(policy, evaluator);
    }
    return evaluator;
  }
}

/** The write could not be shown in the version the policy asked for. */
class ConversionError extends Error {
  override readonly name = 'ConversionError';
  readonly code = 'apiserver/policy-conversion';

  constructor(why: string) {
    super(`failed to configure binding: failed to convert object version: ${why}`);
  }
}

function refusal({ policy, binding, message, reason }: Denial, attributes: AdmissionAttributes): StatusError {
  const who = `ValidatingAdmissionPolicy '${policy}'${binding === undefined ? '' : ` with binding '${binding}'`}`;
  const text = `${who} denied request: ${message}`;
  const { message: full, details } = forbid(attributes, text);
  const known = reason === '' ? 'Invalid' : reason;
  return new StatusError({
    code: CODES[known] ?? 422,
    // Validation admits only reasons that are statuses'.
    reason: known as StatusReason,
    message: full,
    details: { ...details, causes: [{ message: text }] },
  });
}
