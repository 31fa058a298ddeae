import { VALIDATING_WEBHOOK_CONFIGURATION } from '#api/types/resources.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { callWebhook, isCalledFor, type WebhookDeps } from './webhook-caller.ts';
import { isExempt } from './webhook-match.ts';
import { WebhookSource } from './webhook-source.ts';

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
    if (!this.isActive() || isExempt(attributes)) {
      return;
    }
    const wanting = this.#source.all().filter((webhook) => isCalledFor(this.#deps, webhook, attributes));
    if (wanting.length > 0) {
      return this.#askAll(wanting, attributes);
    }
  }

  async #askAll(
    webhooks: readonly Parameters<typeof callWebhook>[1][],
    attributes: AdmissionAttributes,
  ): Promise<void> {
    const outcomes = await Promise.allSettled(
      webhooks.map((webhook) => callWebhook(this.#deps, webhook, attributes, false)),
    );
    const refusals = outcomes.filter((outcome) => outcome.status === 'rejected');
    const [first] = refusals;
    if (first !== undefined) {
      throw first.reason;
    }
  }
}
