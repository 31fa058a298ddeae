import type { ApiObject } from '#api/object.ts';
import { applyDefaults } from '#api/defaulting/defaults.ts';
import { structOfKind } from '#api/schema/schema.ts';
import { internalError, StatusError } from '#api/status-error.ts';
import type { MutatingWebhook } from '#api/types/admissionregistration.v1.ts';
import { MUTATING_WEBHOOK_CONFIGURATION } from '#api/types/resources.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { describeError } from '#base/log.ts';
import { deepFreeze } from '#codec/canonical.ts';
import { applyJsonPatch } from '#codec/patch/json-patch.ts';
import { normalizeObject } from '#codec/typed-decode.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin } from '../admission.ts';
import { callWebhook, isCalledFor, type WebhookDeps } from './webhook-caller.ts';
import { WebhookCallError, failedClosed } from './webhook-errors.ts';
import { isExempt } from './webhook-match.ts';
import { WebhookSource, type RegisteredWebhook } from './webhook-source.ts';

/** Asks the webhooks of all MutatingWebhookConfigurations, one after the other, and applies their patches. */
export class MutatingWebhooks implements MutatingPlugin {
  readonly name = 'MutatingAdmissionWebhook';
  readonly scope: AdmissionScope = {
    operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
    resources: 'all',
  };
  readonly #deps: WebhookDeps;
  readonly #source: WebhookSource<NonNullable<(typeof MUTATING_WEBHOOK_CONFIGURATION)['objectType']>>;

  constructor(deps: WebhookDeps) {
    this.#deps = deps;
    this.#source = new WebhookSource(deps.reader, MUTATING_WEBHOOK_CONFIGURATION);
  }

  close(): void {
    this.#deps.client[Symbol.dispose]();
  }

  isActive(): boolean {
    return this.#source.all().length > 0;
  }

  admit(attributes: AdmissionAttributes): ApiObject | undefined | Promise<ApiObject | undefined> {
    return this.isActive() && !isExempt(attributes) ? this.#askEach(attributes) : attributes.object;
  }

  async #askEach(attributes: AdmissionAttributes): Promise<ApiObject | undefined> {
    const { reinvocation } = attributes;
    if (reinvocation?.isAgain === true && !jsonEqual(reinvocation.lastOutput, attributes.object)) {
      // The built-in plugins have changed what the webhooks saw.
      reinvocation.changed();
    }
    let current = attributes;
    for (const webhook of this.#source.all()) {
      if (reinvocation?.isAgain === true && !reinvocation.wantsAgain(webhook.id)) {
        continue;
      }
      if (!isCalledFor(this.#deps, webhook, current)) {
        continue;
      }
      const object = await this.#ask(webhook, current);
      if (object !== current.object) {
        current = { ...current, object };
        if (reinvocation !== undefined) {
          reinvocation.changed();
          reinvocation.isNeeded = true;
        }
      }
      if ((webhook.hook as MutatingWebhook).reinvocationPolicy === 'IfNeeded') {
        reinvocation?.invoked(webhook.id);
      }
    }
    if (reinvocation !== undefined) {
      reinvocation.lastOutput = current.object;
    }
    return current.object;
  }

  async #ask(webhook: RegisteredWebhook, attributes: AdmissionAttributes): Promise<ApiObject | undefined> {
    const response = await callWebhook(this.#deps, webhook, attributes, true);
    const { patch = '', patchType } = response ?? {};
    if (patch === '') {
      return attributes.object;
    }
    const { name, failurePolicy } = webhook.hook;
    if (patchType !== 'JSONPatch') {
      if (failurePolicy === 'Ignore') {
        return attributes.object;
      }
      throw failedClosed(
        new WebhookCallError(name, `unsupported patch type ${JSON.stringify(patchType ?? '')}`),
      );
    }
    if (attributes.object === undefined) {
      throw internalError(
        `admission webhook ${JSON.stringify(name)} attempted to modify the object, which is not supported for this operation`,
      );
    }
    return patched(attributes, attributes.object, patch);
  }
}

/** The object after a patch, brought into the shape that everything behind expects: known fields, with defaults. */
function patched({ kind }: AdmissionAttributes, object: ApiObject, patch: string): ApiObject {
  try {
    const changed = applyJsonPatch(object, JSON.parse(Buffer.from(patch, 'base64').toString()));
    if (jsonEqual(changed, object)) {
      return object;
    }
    const struct = structOfKind(kind.group, kind.version, kind.kind);
    // Objects of kinds defined in the cluster have no table; what is stored of them is decided behind admission.
    const normal =
      struct === undefined
        ? (changed as ApiObject)
        : (applyDefaults(normalizeObject(changed, struct), kind) as ApiObject);
    return deepFreeze(normal);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof StatusError) {
      throw internalError(describeError(error), error);
    }
    throw error;
  }
}
