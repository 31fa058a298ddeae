import type { ApiObject } from '#api/object.ts';
import { MUTATING_ADMISSION_POLICY, MUTATING_ADMISSION_POLICY_BINDING } from '#api/types/resources.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin } from '../admission.ts';
import { isPolicy } from '../matching/admission-resources.ts';
import type { MutatingDispatcher } from './mutating-dispatcher.ts';
import type { PolicyDeps } from './policy-deps.ts';
import { PolicySource } from './policy-source.ts';

/** Changes objects by the expressions of MutatingAdmissionPolicies that are bound. */
export class MutatingPolicies implements MutatingPlugin {
  readonly name = 'MutatingAdmissionPolicy';
  readonly scope: AdmissionScope = { operations: ['CREATE', 'UPDATE', 'CONNECT'], resources: 'all' };
  readonly #deps: PolicyDeps;
  readonly #source;
  #dispatcher: Promise<MutatingDispatcher> | undefined;

  constructor(deps: PolicyDeps) {
    this.#deps = deps;
    this.#source = new PolicySource(deps.reader, {
      policies: MUTATING_ADMISSION_POLICY,
      bindings: MUTATING_ADMISSION_POLICY_BINDING,
    });
  }

  isActive(): boolean {
    return this.#source.all().length > 0;
  }

  admit(attributes: AdmissionAttributes): ApiObject | undefined | Promise<ApiObject | undefined> {
    return this.isActive() && !isPolicy(attributes) ? this.#change(attributes) : attributes.object;
  }

  async #change(attributes: AdmissionAttributes): Promise<ApiObject | undefined> {
    this.#dispatcher ??= this.#load();
    return (await this.#dispatcher).change(this.#source.all(), attributes);
  }

  /** A server without policies never loads what evaluates them. */
  async #load(): Promise<MutatingDispatcher> {
    const { MutatingDispatcher: Dispatcher } = await import('./mutating-dispatcher.ts');
    return new Dispatcher(this.#deps);
  }
}
