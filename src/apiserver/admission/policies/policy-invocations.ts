import type { ApiObject } from '#api/object.ts';
import { StatusError } from '#api/status-error.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { matchRequest, type MatchedVersion } from '../matching/match-request.ts';
import { collectParams, kindOfParams, type ServedKinds } from './policy-params.ts';
import type { AnyBinding, AnyPolicy, PolicyHook } from './policy-source.ts';

/** A policy and a binding that both want to see a write, or what keeps them from it. */
export type PolicyMatch<P, B> =
  | {
      readonly kind: 'invoke';
      readonly policy: P;
      readonly binding: B;
      readonly version: MatchedVersion;
      /** Each is an evaluation of its own; undefined stands for none. */
      readonly params: readonly (ApiObject | undefined)[];
    }
  | {
      readonly kind: 'misconfigured';
      readonly policy: P;
      /** Undefined when the policy itself is the problem. */
      readonly binding: B | undefined;
      readonly message: string;
    };

export interface InvocationDeps {
  readonly reader: ObjectReader;
  readonly kinds: ServedKinds;
}

/** What is to be evaluated for a write, policies and bindings by name. Failures of policies that ignore them are left out. */
export async function matchPolicies<P extends AnyPolicy, B extends AnyBinding>(
  deps: InvocationDeps,
  hooks: readonly PolicyHook<P, B>[],
  attributes: AdmissionAttributes,
): Promise<readonly PolicyMatch<P, B>[]> {
  const matches: PolicyMatch<P, B>[] = [];
  for (const hook of hooks) {
    const found = await matchPolicy(deps, hook, attributes);
    const ignoresFailures = hook.policy.spec.failurePolicy === 'Ignore';
    matches.push(...found.filter(({ kind }) => kind === 'invoke' || !ignoresFailures));
  }
  return matches;
}

async function matchPolicy<P extends AnyPolicy, B extends AnyBinding>(
  deps: InvocationDeps,
  { policy, criteria, bindings }: PolicyHook<P, B>,
  attributes: AdmissionAttributes,
): Promise<readonly PolicyMatch<P, B>[]> {
  const misconfigured = (why: string, binding?: B): PolicyMatch<P, B> => ({
    kind: 'misconfigured',
    policy,
    binding,
    message: `failed to configure ${binding === undefined ? 'policy' : 'binding'}: ${why}`,
  });
  const version = trying(() => matchRequest(criteria, attributes, deps.reader));
  if (version === undefined) {
    return [];
  }
  if (typeof version === 'string') {
    return [misconfigured(version)];
  }
  const { paramKind } = policy.spec;
  const objects = paramKind === undefined ? undefined : deps.kinds.find(kindOfParams(paramKind));
  if (paramKind !== undefined && objects === undefined) {
    const { group, version: wanted, kind } = kindOfParams(paramKind);
    return [
      misconfigured(`failed to find resource referenced by paramKind: '${group}/${wanted}, Kind=${kind}'`),
    ];
  }
  const matches: PolicyMatch<P, B>[] = [];
  for (const { binding, criteria: narrower } of bindings) {
    const matched =
      narrower === undefined ? version : trying(() => matchRequest(narrower, attributes, deps.reader));
    if (matched === undefined) {
      continue;
    }
    const params =
      typeof matched === 'string'
        ? matched
        : await collectParams(objects, binding.spec.paramRef, attributes.namespace);
    matches.push(
      typeof params === 'string'
        ? misconfigured(params, binding)
        : { kind: 'invoke', policy, binding, version, params },
    );
  }
  return matches;
}

/** The outcome, or what the refusal says. */
function trying<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    if (error instanceof StatusError) {
      return error.message;
    }
    throw error;
  }
}
