import type { AdmissionResponse } from '#api/types/admission.v1.ts';
import type { Random } from '#base/random.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { forbid } from '../forbid.ts';
import { checkedResponse, reviewOf, reviewVersion } from './admission-review.ts';
import { denied, dryRunNotSupported, failedClosed, WebhookCallError } from './webhook-errors.ts';
import type { WebhookClient } from './webhook-client.ts';
import { wantsToSee } from './webhook-match.ts';
import type { RegisteredWebhook } from './webhook-source.ts';

export interface WebhookDeps {
  readonly reader: ObjectReader;
  readonly client: WebhookClient;
  readonly random: Random;
}

const TIMEOUT_SECONDS_DEFAULT = 10;

/** The webhook is to be asked about this write. @throws {StatusError} when that cannot be told */
export function isCalledFor(
  { reader }: Pick<WebhookDeps, 'reader'>,
  webhook: RegisteredWebhook,
  attributes: AdmissionAttributes,
): boolean {
  if (!wantsToSee(webhook, attributes, reader)) {
    return false;
  }
  const { hook } = webhook;
  if ((hook.matchConditions ?? []).length > 0) {
    if (hook.failurePolicy === 'Ignore') {
      return false;
    }
    throw forbid(attributes, `matchConditions of webhook ${hook.name} are not supported by Coracle yet`);
  }
  return true;
}

/**
 * Asks one webhook. Undefined when it failed and may.
 *
 * @throws {StatusError} when it refuses, or failed and may not
 */
export async function callWebhook(
  { client, random }: WebhookDeps,
  { hook }: RegisteredWebhook,
  attributes: AdmissionAttributes,
  isMutating: boolean,
): Promise<AdmissionResponse | undefined> {
  if (attributes.dryRun && hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun') {
    throw dryRunNotSupported(hook.name);
  }
  const outcome = await respond();
  if (outcome instanceof WebhookCallError) {
    if (hook.failurePolicy === 'Ignore') {
      return undefined;
    }
    throw failedClosed(outcome);
  }
  outcome.warnings?.forEach((text) => attributes.warn?.(text));
  if (!outcome.allowed) {
    throw denied(hook.name, outcome.status);
  }
  return outcome;

  async function respond(): Promise<AdmissionResponse | WebhookCallError> {
    const version = reviewVersion(hook.admissionReviewVersions);
    if (version === undefined) {
      return new WebhookCallError(
        hook.name,
        'webhook does not accept known AdmissionReview versions (v1, v1beta1)',
      );
    }
    const uid = random.uuid();
    const answer = await client.post(
      hook.clientConfig,
      reviewOf(attributes, { uid, version }),
      hook.timeoutSeconds ?? TIMEOUT_SECONDS_DEFAULT,
    );
    if (answer.kind === 'failed') {
      return new WebhookCallError(hook.name, answer.why);
    }
    const response = checkedResponse(answer.value, { uid, version, isMutating });
    return typeof response === 'string'
      ? new WebhookCallError(hook.name, `received invalid webhook response: ${response}`)
      : response;
  }
}
