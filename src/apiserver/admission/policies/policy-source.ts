import type { ResourceType } from '#api/resource-type.ts';
import type { MatchResources, ParamKind, ParamRef } from '#api/types/admissionregistration.v1.ts';
import type { ObjectReader } from '../../object-reader.ts';
import { criteriaOf, type MatchCriteria } from '../matching/match-request.ts';

/** What both kinds of policies have in common. */
export interface AnyPolicy {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly failurePolicy?: string;
    readonly paramKind?: ParamKind;
    readonly matchConstraints?: MatchResources;
  };
}

export interface AnyBinding {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly policyName?: string;
    readonly paramRef?: ParamRef;
    readonly matchResources?: MatchResources;
  };
}

/** A policy that is bound, with its bindings. */
export interface PolicyHook<P extends AnyPolicy, B extends AnyBinding> {
  readonly policy: P;
  readonly criteria: MatchCriteria;
  readonly bindings: readonly {
    readonly binding: B;
    /** Undefined narrows nothing down. */
    readonly criteria: MatchCriteria | undefined;
  }[];
}

/** The bound policies of one kind, by name; read anew after a change only. */
export class PolicySource<P extends AnyPolicy, B extends AnyBinding> {
  readonly #reader: ObjectReader;
  readonly #types: { readonly policies: ResourceType<P>; readonly bindings: ResourceType<B> };
  #hooks: readonly PolicyHook<P, B>[] | undefined;

  constructor(
    reader: ObjectReader,
    types: { readonly policies: ResourceType<P>; readonly bindings: ResourceType<B> },
  ) {
    this.#reader = reader;
    this.#types = types;
    const forget = (): void => {
      this.#hooks = undefined;
    };
    reader.onChange(types.policies, forget);
    reader.onChange(types.bindings, forget);
  }

  all(): readonly PolicyHook<P, B>[] {
    this.#hooks ??= this.#read();
    return this.#hooks;
  }

  #read(): readonly PolicyHook<P, B>[] {
    const bindings = this.#reader.list(this.#types.bindings, '').toSorted(byName);
    if (bindings.length === 0) {
      return [];
    }
    return this.#reader
      .list(this.#types.policies, '')
      .toSorted(byName)
      .map((policy) => ({
        policy,
        criteria: criteriaOf(policy.spec.matchConstraints ?? {}),
        bindings: bindings
          .filter(({ spec }) => spec.policyName === policy.metadata.name)
          .map((binding) => ({
            binding,
            criteria:
              binding.spec.matchResources === undefined ? undefined : criteriaOf(binding.spec.matchResources),
          })),
      }))
      .filter((hook) => hook.bindings.length > 0);
  }
}

function byName(left: AnyPolicy | AnyBinding, right: AnyPolicy | AnyBinding): number {
  return left.metadata.name < right.metadata.name ? -1 : 1;
}
