import type { ApiObject } from '#api/object.ts';
import { structOfKind } from '#api/schema/schema.ts';
import { serviceUnavailable, StatusError, type StatusReason } from '#api/status-error.ts';
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '#api/types/admissionregistration.v1.ts';
import { jsonEqual } from '#base/json-equal.ts';
import type { AdmissionAttributes } from '../admission.ts';
import type { ExpressionInput } from '../expressions/activation.ts';
import { forbid } from '../forbid.ts';
import { inVersion, withVersionedObject, type VersionedWrite } from '../matching/versioned-write.ts';
import { Rounds } from '../reinvocation.ts';
import { applyConfigurationValue, applyPatchValue, type Changed, type ObjectType } from './apply-change.ts';
import { MutatingEvaluator } from './mutating-evaluator.ts';
import type { PolicyDeps } from './policy-deps.ts';
import { matchPolicies, type PolicyMatch } from './policy-invocations.ts';
import { errorTypeOf, PolicyMetrics } from './policy-metrics.ts';
import { namespaceOf } from './policy-namespace.ts';
import type { PolicyHook } from './policy-source.ts';

type Policy = MutatingAdmissionPolicy;
type Binding = MutatingAdmissionPolicyBinding;
type Invocation = Extract<PolicyMatch<Policy, Binding>, { kind: 'invoke' }>;

const PLUGIN_NAME = 'MutatingAdmissionPolicy';

interface Problem {
  readonly text: string;
  /** Of the status; the one of any refusal when empty. */
  readonly reason: string;
}

/** One write on its way through the policies. */
interface Pass {
  attributes: AdmissionAttributes;
  readonly rounds: Rounds;
  readonly problems: Problem[];
}

/** Evaluates policies one after the other, each on what those before made of the object. */
export class MutatingDispatcher {
  readonly #deps: PolicyDeps;
  readonly #metrics: PolicyMetrics;
  /** Stored policies are frozen, and another object after every change. */
  readonly #evaluators = new WeakMap<Policy, MutatingEvaluator>();

  constructor(deps: PolicyDeps) {
    this.#deps = deps;
    this.#metrics = new PolicyMetrics(deps.registry, 'mutating');
  }

  /** @throws {StatusError} when a policy that may not fail does */
  async change(
    hooks: readonly PolicyHook<Policy, Binding>[],
    attributes: AdmissionAttributes,
  ): Promise<ApiObject | undefined> {
    const { reinvocation } = attributes;
    const pass: Pass = { attributes, rounds: reinvocation?.of(PLUGIN_NAME) ?? new Rounds(), problems: [] };
    if (reinvocation?.isAgain === true && !jsonEqual(pass.rounds.lastOutput, attributes.object)) {
      pass.rounds.changed();
    }
    for (const match of await matchPolicies(this.#deps, hooks, attributes)) {
      if (match.kind === 'misconfigured') {
        pass.problems.push({ text: problemText(match, match.message), reason: '' });
      } else {
        for (const params of match.params) {
          await this.#invoke(match, params, pass);
        }
      }
    }
    pass.rounds.lastOutput = pass.attributes.object;
    if (pass.problems.length > 0) {
      throw refusal(pass.problems, attributes);
    }
    return pass.attributes.object;
  }

  async #invoke(invocation: Invocation, params: ApiObject | undefined, pass: Pass): Promise<void> {
    const { policy, version } = invocation;
    const { reinvocation } = pass.attributes;
    const evaluator = this.#evaluatorOf(policy);
    const write = await inVersion(pass.attributes, { resource: version.resource, kind: version.kind });
    const { authorizer } = this.#deps;
    const namespace = namespaceOf(this.#deps.reader, pass.attributes);
    const input = { write, params, namespace, authorizer };
    if (!this.#conditionsHold(invocation, evaluator, { input, pass })) {
      return;
    }
    const id = invocationId(invocation, params);
    if (reinvocation?.isAgain === true && !pass.rounds.wantsAgain(id)) {
      return;
    }
    const object = this.#mutate(invocation, evaluator, { input, pass });
    if (object !== undefined && !jsonEqual(object, write.object)) {
      pass.attributes = await withVersionedObject(write, object);
      pass.rounds.changed();
      if (reinvocation !== undefined) {
        reinvocation.isNeeded = true;
      }
    }
    if (policy.spec.reinvocationPolicy === 'IfNeeded') {
      pass.rounds.invoked(id);
    }
  }

  #conditionsHold(
    invocation: Invocation,
    { conditions }: MutatingEvaluator,
    { input, pass }: { readonly input: ExpressionInput; readonly pass: Pass },
  ): boolean {
    if (conditions === undefined) {
      return true;
    }
    const startMs = this.#deps.clock.monotonicMs();
    const matched = conditions.match(input);
    this.#deps.metrics().conditionsEvaluated(
      {
        name: invocation.policy.metadata.name,
        kind: 'policy',
        type: 'validate',
        operation: input.write.attributes.operation,
      },
      {
        seconds: (this.#deps.clock.monotonicMs() - startMs) / 1000,
        failures: matched.kind === 'matches' ? 0 : matched.failures,
      },
    );
    if (matched.kind === 'failed') {
      pass.problems.push({ text: problemText(invocation, matched.message), reason: 'Invalid' });
    }
    return matched.kind === 'matches';
  }

  /** The object after all mutations of one policy. One that fails changes nothing, and the next is tried. */
  #mutate(
    invocation: Invocation,
    evaluator: MutatingEvaluator,
    { input, pass }: { readonly input: ExpressionInput; readonly pass: Pass },
  ): ApiObject | undefined {
    const type = this.#typeOf(input.write);
    let { object } = input.write;
    for (let index = 0; index < evaluator.mutationCount && object !== undefined; index++) {
      const startMs = this.#deps.clock.monotonicMs();
      const write = { ...input.write, object };
      const changed = mutateOnce(evaluator, index, { input: { ...input, write }, object, type });
      const seconds = (this.#deps.clock.monotonicMs() - startMs) / 1000;
      const errorType = changed.kind === 'failed' ? errorTypeOf(changed.message) : 'no_error';
      const { policy, binding } = invocation;
      this.#metrics.checked([policy.metadata.name, binding.metadata.name, errorType], seconds);
      if (changed.kind === 'changed') {
        object = changed.object;
      } else if (policy.spec.failurePolicy !== 'Ignore') {
        pass.problems.push({ text: problemText(invocation, changed.message), reason: 'Invalid' });
      }
    }
    return object;
  }

  #typeOf({ kind }: VersionedWrite): ObjectType {
    const builtIn = structOfKind(kind.group, kind.version, kind.kind);
    const struct = builtIn ?? this.#deps.kinds.structOf(kind);
    if (struct === undefined && kind.group !== '') {
      throw serviceUnavailable(
        `Resource kind ${kind.group}/${kind.version}, Kind=${kind.kind} not found. There can be a delay between when CustomResourceDefinitions are created and when they are available.`,
      );
    }
    return { kind, struct, isBuiltIn: builtIn !== undefined };
  }

  #evaluatorOf(policy: Policy): MutatingEvaluator {
    let evaluator = this.#evaluators.get(policy);
    if (evaluator === undefined) {
      evaluator = new MutatingEvaluator(policy);
      this.#evaluators.set(policy, evaluator);
    }
    return evaluator;
  }
}

function mutateOnce(
  evaluator: MutatingEvaluator,
  index: number,
  {
    input,
    object,
    type,
  }: { readonly input: ExpressionInput; readonly object: ApiObject; readonly type: ObjectType },
): Changed {
  const wanted = evaluator.evaluate(index, input);
  switch (wanted.kind) {
    case 'patch':
      return applyPatchValue(object, wanted.value, type);
    case 'apply':
      return applyConfigurationValue(object, wanted.value, type);
    case 'failed':
      return wanted;
  }
}

/** Policies are asked again by policy, binding and parameter. */
function invocationId({ policy, binding }: Invocation, params: ApiObject | undefined): string {
  const { namespace = '', name = '' } = params?.metadata ?? {};
  return JSON.stringify([policy.metadata.name, binding.metadata.name, namespace, name]);
}

function problemText({ policy, binding }: PolicyMatch<Policy, Binding>, message: string): string {
  const { name } = policy.metadata;
  return binding === undefined
    ? `policy ${JSON.stringify(name)} denied request: ${message}`
    : `policy '${name}' with binding '${binding.metadata.name}' denied request: ${message}`;
}

function refusal(problems: readonly Problem[], attributes: AdmissionAttributes): StatusError {
  const [first = { text: '', reason: '' }] = problems;
  const { code, reason, details } = forbid(attributes, 'admission request denied by policy');
  return new StatusError({
    code,
    reason: first.reason === '' ? reason : (first.reason as StatusReason),
    message: first.text,
    details: { ...details, causes: problems.map(({ text }) => ({ message: text })) },
  });
}
