import { VALIDATING_ADMISSION_POLICY, VALIDATING_ADMISSION_POLICY_BINDING } from '#api/types/resources.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { isPolicy } from '../matching/admission-resources.ts';
import type { PolicyDeps } from './policy-deps.ts';
import { PolicySource } from './policy-source.ts';
import type { ValidatingDispatcher } from './validating-dispatcher.ts';

/** Judges writes by the expressions of ValidatingAdmissionPolicies that are bound. */
export class ValidatingPolicies implements ValidatingPlugin {
  readonly name = 'ValidatingAdmissionPolicy';
  readonly scope: AdmissionScope = {
    operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
    resources: 'all',
  };
  readonly #deps: PolicyDeps;
  readonly #source;
  #dispatcher: Promise<ValidatingDispatcher> | undefined;

  constructor(deps: PolicyDeps) {
    this.#deps = deps;
    this.#source = new PolicySource(deps.reader, {
      policies: VALIDATING_ADMISSION_POLICY,
      bindings: VALIDATING_ADMISSION_POLICY_BINDING,
    });
  }

  isActive(): boolean {
    return this.#source.all().length > 0;
  }

  validate(attributes: AdmissionAttributes): void | Promise<void> {
    if (this.isActive() && !isPolicy(attributes)) {
      return this.#judge(attributes);
    }
  }

  async #judge(attributes: AdmissionAttributes): Promise<void> {
    this.#dispatcher ??= this.#load();
    await (await this.#dispatcher).judge(this.#source.all(), attributes);
  }

  /** A server without policies never loads what evaluates them. */
  async #load(): Promise<ValidatingDispatcher> {
    const { ValidatingDispatcher: Dispatcher } = await import('./validating-dispatcher.ts');
    return new Dispatcher(this.#deps);
  }
}
