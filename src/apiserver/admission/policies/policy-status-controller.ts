import type { ApiObject } from '#api/object.ts';
import { apiVersionOf } from '#api/resource-type.ts';
import { isNotFound } from '#api/status-error.ts';
import type { ExpressionWarning, ValidatingAdmissionPolicy } from '#api/types/admissionregistration.v1.ts';
import { VALIDATING_ADMISSION_POLICY } from '#api/types/resources.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { applyPatch } from '#codec/managed-fields/server-side-apply.ts';
import { normalizeObject } from '#codec/typed-decode.ts';
import { DueNames } from '../../due-names.ts';
import type { ObjectReader } from '../../object-reader.ts';
import { timestamp } from '../../registry/metadata.ts';
import type { RequestContext } from '../../registry/request-context.ts';
import type { ResourceStorage } from '../../registry/resource-storage.ts';
import type { DraftObject } from '../../registry/strategy.ts';
import { updateObject } from '../../registry/update.ts';
import type { KindSchemas } from './type-checking.ts';

/** As upstream's controller signs what it applies. */
const MANAGER = 'validatingadmissionpolicy-status';
const USER = 'system:serviceaccount:kube-system:validatingadmissionpolicy-status-controller';
/** After a write that failed. */
const RETRY_MS = 1000;

export interface PolicyStatusDeps {
  readonly policies: ResourceStorage;
  readonly reader: ObjectReader;
  /** Loaded with the first policy. */
  readonly kinds: () => Promise<KindSchemas>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Checks the expressions of ValidatingAdmissionPolicies against the types of what they judge, and writes what it finds
 * into their status, once for each generation. It is part of the API server because only that can compile expressions.
 */
export class PolicyStatusController {
  readonly #deps: PolicyStatusDeps;
  readonly #context: RequestContext = {
    user: {
      name: USER,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
      extra: {},
    },
    isDryRun: false,
    fieldManager: MANAGER,
    fieldValidation: 'Ignore',
    warnings: [],
  };
  readonly #due: DueNames;

  constructor(deps: PolicyStatusDeps) {
    this.#deps = deps;
    this.#due = new DueNames({
      clock: deps.clock,
      workers: 1,
      retryMs: RETRY_MS,
      retryMaxMs: RETRY_MS,
      onFailure: (policy, error) => deps.log.warn('check the types of a policy', { policy, error }),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { reader } = this.#deps;
    const unsubscribe = reader.onChange(VALIDATING_ADMISSION_POLICY, ({ object }) => this.#add(object));
    reader.list(VALIDATING_ADMISSION_POLICY, '').forEach((policy) => this.#add(policy));
    try {
      await this.#due.run(signal, (name) => this.#reconcile(name));
    } finally {
      unsubscribe();
    }
  }

  #add(policy: ValidatingAdmissionPolicy | undefined): void {
    if (policy !== undefined && isUnchecked(policy)) {
      this.#due.add(policy.metadata.name);
    }
  }

  async #reconcile(name: string): Promise<void> {
    const policy = this.#deps.reader.get(VALIDATING_ADMISSION_POLICY, '', name);
    if (policy === undefined || !isUnchecked(policy)) {
      return;
    }
    try {
      const { expressionWarnings } = await import('./type-checking.ts');
      await this.#writeStatus(policy, expressionWarnings(policy, await this.#deps.kinds()));
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }

  async #writeStatus(
    { metadata: { name, generation = 0 } }: ValidatingAdmissionPolicy,
    warnings: readonly ExpressionWarning[],
  ): Promise<void> {
    const { policies, clock } = this.#deps;
    const { info, struct } = policies.strategy;
    const apiVersion = apiVersionOf(info);
    const patch = {
      apiVersion,
      kind: info.kind,
      metadata: { name },
      status: {
        observedGeneration: generation,
        typeChecking: warnings.length === 0 ? {} : { expressionWarnings: warnings },
      },
    };
    const produce = (live: ApiObject): DraftObject => {
      const applied = applyPatch({
        live,
        patch,
        struct,
        manager: MANAGER,
        apiVersion,
        subresource: 'status',
        force: true,
        time: timestamp(clock),
      });
      return normalizeObject(applied, struct) as DraftObject;
    };
    await updateObject(
      policies,
      { namespace: '', name, subresource: 'status' },
      { produce, isPatch: true, keepsManagedFields: true },
      this.#context,
    );
  }
}

function isUnchecked({ metadata, status }: ValidatingAdmissionPolicy): boolean {
  return (metadata.generation ?? 0) > (status.observedGeneration ?? 0);
}
