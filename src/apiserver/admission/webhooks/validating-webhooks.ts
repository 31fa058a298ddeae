import type { StatusError } from '#api/status-error.ts';
import { VALIDATING_WEBHOOK_CONFIGURATION } from '#api/types/resources.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { decidesAdmission } from '../matching/admission-resources.ts';
import type { VersionedWrite } from '../matching/versioned-write.ts';
import { callWebhook, invocationOf, settleCall, type WebhookDeps } from './webhook-caller.ts';
import { WebhookCallError } from './webhook-errors.ts';
import { WebhookSource, type RegisteredWebhook } from './webhook-source.ts';

const FAILED_OPEN = 'failed-open.validating.webhook.admission.k8s.io/';
const TYPE = 'validating';

interface Invocation {
  readonly webhook: RegisteredWebhook;
  readonly write: VersionedWrite;
}

/** Asks the webhooks of all ValidatingWebhookConfigurations at once; one refusal is enough. */
export class ValidatingWebhooks implements ValidatingPlugin {
  readonly name = 'ValidatingAdmissionWebhook';
  readonly scope: AdmissionScope = {
    operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
    resources: 'all',
  };
  readonly #deps: WebhookDeps;
  readonly #source: WebhookSource<NonNullable<(typeof VALIDATING_WEBHOOK_CONFIGURATION)['objectType']>>;

  constructor(deps: WebhookDeps) {
    this.#deps = deps;
    this.#source = new WebhookSource(deps.reader, VALIDATING_WEBHOOK_CONFIGURATION);
  }

  close(): void {
    this.#deps.client[Symbol.dispose]();
  }

  isActive(): boolean {
    return this.#source.all().length > 0;
  }

  validate(attributes: AdmissionAttributes): void | Promise<void> {
    if (this.isActive() && !decidesAdmission(attributes)) {
      return this.#askAll(attributes);
    }
  }

  async #askAll(attributes: AdmissionAttributes): Promise<void> {
    const invocations: Invocation[] = [];
    for (const webhook of this.#source.all()) {
      const write = await invocationOf(this.#deps, webhook, attributes, TYPE);
      if (write !== undefined) {
        invocations.push({ webhook, write });
      }
    }
    const refusals = await Promise.all(invocations.map((invocation, index) => this.#ask(invocation, index)));
    const [first, ...others] = refusals.filter((refusal) => refusal !== undefined);
    if (first !== undefined) {
      others.forEach((error) => this.#deps.log.warn('another webhook refused the same request', { error }));
      throw first;
    }
  }

  /** The refusal, if it is one. */
  async #ask({ webhook, write }: Invocation, index: number): Promise<StatusError | undefined> {
    const { attributes } = write;
    const labels = { name: webhook.hook.name, type: TYPE, operation: attributes.operation } as const;
    const startMs = this.#deps.clock.monotonicMs();
    const error = await callWebhook(this.#deps, webhook, write, TYPE).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    const refusal = settleCall(this.#deps, webhook, { labels, startMs, error });
    if (refusal === undefined && error instanceof WebhookCallError) {
      attributes.annotate?.(`${FAILED_OPEN}round_0_index_${index}`, webhook.hook.name);
    }
    return refusal;
  }
}
