import type { ApiObject } from '#api/object.ts';
import { internalError, StatusError } from '#api/status-error.ts';
import type { MutatingWebhook } from '#api/types/admissionregistration.v1.ts';
import { MUTATING_WEBHOOK_CONFIGURATION } from '#api/types/resources.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { describeError } from '#base/log.ts';
import { applyJsonPatch, patchProblem } from '#codec/patch/json-patch.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin } from '../admission.ts';
import { decidesAdmission } from '../matching/admission-resources.ts';
import { normalized } from '../matching/normalized.ts';
import { withVersionedObject, type VersionedWrite } from '../matching/versioned-write.ts';
import { Rounds } from '../reinvocation.ts';
import { callWebhook, invocationOf, settleCall, type WebhookDeps } from './webhook-caller.ts';
import { WebhookCallError } from './webhook-errors.ts';
import { WebhookSource, type RegisteredWebhook } from './webhook-source.ts';

const MUTATION = 'mutation.webhook.admission.k8s.io/';
const FAILED_OPEN = `failed-open.${MUTATION}`;
const PATCH = 'patch.webhook.admission.k8s.io/';
const TYPE = 'admit';

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
    return this.isActive() && !decidesAdmission(attributes) ? this.#askEach(attributes) : attributes.object;
  }

  async #askEach(attributes: AdmissionAttributes): Promise<ApiObject | undefined> {
    const { reinvocation } = attributes;
    const rounds = reinvocation?.of(this.name) ?? new Rounds();
    if (reinvocation?.isAgain === true && !jsonEqual(rounds.lastOutput, attributes.object)) {
      // The plugins before have changed what the webhooks saw.
      rounds.changed();
    }
    let current = attributes;
    for (const [index, webhook] of this.#source.all().entries()) {
      const write = await invocationOf(this.#deps, webhook, current, TYPE);
      if (write === undefined || (reinvocation?.isAgain === true && !rounds.wantsAgain(webhook.id))) {
        continue;
      }
      const object = await this.#ask(webhook, write, index);
      if (object !== write.object && object !== undefined) {
        current = await withVersionedObject(write, object);
        rounds.changed();
        if (reinvocation !== undefined) {
          reinvocation.isNeeded = true;
        }
      }
      if ((webhook.hook as MutatingWebhook).reinvocationPolicy === 'IfNeeded') {
        rounds.invoked(webhook.id);
      }
    }
    rounds.lastOutput = current.object;
    return current.object;
  }

  /** The object as the webhook wants it, in the version it was shown. */
  async #ask(
    webhook: RegisteredWebhook,
    write: VersionedWrite,
    index: number,
  ): Promise<ApiObject | undefined> {
    const { attributes } = write;
    const { name } = webhook.hook;
    const labels = { name, type: TYPE, operation: attributes.operation } as const;
    const place = `round_${attributes.reinvocation?.isAgain === true ? 1 : 0}_index_${index}`;
    const startMs = this.#deps.clock.monotonicMs();
    let object = write.object;
    let error: unknown;
    try {
      const { patch = '', patchType } = await callWebhook(this.#deps, webhook, write, TYPE);
      object = patch === '' ? object : patched(write, name, { patch, patchType });
      if (patch !== '') {
        this.#notePatch(webhook, attributes, { place, patch });
      }
    } catch (failure) {
      error = failure;
    }
    const mutated = !jsonEqual(object, write.object);
    attributes.annotate?.(
      `${MUTATION}${place}`,
      JSON.stringify({ configuration: webhook.configuration, webhook: name, mutated }),
    );
    const refusal = settleCall(this.#deps, webhook, { labels, startMs, error });
    if (refusal !== undefined) {
      throw refusal;
    }
    if (error instanceof WebhookCallError) {
      attributes.annotate?.(`${FAILED_OPEN}${place}`, name);
    }
    return mutated ? object : write.object;
  }

  #notePatch(
    { configuration, hook }: RegisteredWebhook,
    { annotate }: AdmissionAttributes,
    { place, patch }: { readonly place: string; readonly patch: string },
  ): void {
    if (annotate !== undefined) {
      const note = {
        configuration,
        webhook: hook.name,
        patch: JSON.parse(textOf(patch)) as unknown,
        patchType: 'JSONPatch',
      };
      annotate(`${PATCH}${place}`, JSON.stringify(note), 'Request');
    }
  }
}

function textOf(patch: string): string {
  return Buffer.from(patch, 'base64').toString();
}

/** The object after a patch, brought into the shape that everything behind expects: known fields, with defaults. */
function patched(
  { kind, object }: VersionedWrite,
  webhook: string,
  { patch, patchType }: { readonly patch: string; readonly patchType: string | undefined },
): ApiObject | undefined {
  const operations = readPatch(webhook, patch);
  if (operations.length === 0) {
    return object;
  }
  if (object === undefined) {
    throw internalError(
      `admission webhook ${JSON.stringify(webhook)} attempted to modify the object, which is not supported for this operation`,
    );
  }
  if (patchType !== 'JSONPatch') {
    throw new WebhookCallError(webhook, `unsupported patch type ${JSON.stringify(patchType ?? '')}`, 400);
  }
  try {
    const changed = applyJsonPatch(object, operations);
    return jsonEqual(changed, object) ? object : normalized(changed as ApiObject, kind);
  } catch (error) {
    if (error instanceof StatusError) {
      throw internalError(patchProblem(error), error);
    }
    throw error;
  }
}

function readPatch(webhook: string, patch: string): readonly unknown[] {
  try {
    const operations: unknown = JSON.parse(textOf(patch));
    if (Array.isArray(operations)) {
      return operations;
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) {
      throw error;
    }
    throw new WebhookCallError(
      webhook,
      `received undecodable patch in webhook response: ${describeError(error)}`,
      503,
    );
  }
  throw new WebhookCallError(
    webhook,
    'received undecodable patch in webhook response: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    503,
  );
}
