import { forbidden, StatusError } from '#api/status-error.ts';
import type { AdmissionResponse } from '#api/types/admission.v1.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes } from '../admission.ts';
import type { AdmissionMetrics, WebhookLabels } from '../admission-metrics.ts';
import { annotateAs } from '../audit-annotation.ts';
import { matchRequest, type MatchedVersion } from '../matching/match-request.ts';
import { inVersion, type VersionedWrite } from '../matching/versioned-write.ts';
import { checkedResponse, reviewOf, reviewVersion } from './admission-review.ts';
import {
  denied,
  dryRunNotSupported,
  failedClosed,
  WebhookCallError,
  WebhookRejection,
} from './webhook-errors.ts';
import type { WebhookClient } from './webhook-client.ts';
import type { RegisteredWebhook } from './webhook-source.ts';

export interface WebhookDeps {
  readonly reader: ObjectReader;
  readonly client: WebhookClient;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Registered when the first webhook is called. */
  readonly metrics: () => AdmissionMetrics;
}

export type WebhookType = WebhookLabels['type'];

const TIMEOUT_SECONDS_DEFAULT = 10;
/** For answers that never came, or that are none. */
const UNAVAILABLE = 503;

/**
 * What the webhook is to be asked about; undefined when it does not want to see the write.
 *
 * @throws {StatusError} when that cannot be told and its policy does not ignore that
 */
export async function invocationOf(
  deps: WebhookDeps,
  webhook: RegisteredWebhook,
  attributes: AdmissionAttributes,
  type: WebhookType,
): Promise<VersionedWrite | undefined> {
  const matched = matchRequest(webhook.criteria, attributes, deps.reader);
  if (matched === undefined) {
    return undefined;
  }
  const write = await inVersion(attributes, versionOf(matched));
  return webhook.conditions === undefined || (await holdConditions(deps, webhook, write, type))
    ? write
    : undefined;
}

/** Attributes match as themselves, and have more to them than a version. */
function versionOf({ resource, kind }: MatchedVersion): MatchedVersion {
  return { resource, kind };
}

async function holdConditions(
  deps: WebhookDeps,
  { hook, conditions }: RegisteredWebhook,
  write: VersionedWrite,
  type: WebhookType,
): Promise<boolean> {
  const compiled = await conditions?.();
  if (compiled === undefined) {
    return true;
  }
  const { attributes } = write;
  const { operation } = attributes;
  const labels = { name: hook.name, kind: 'webhook', operation } as const;
  const start = deps.clock.monotonicMs();
  const outcome = compiled.match({ write, authorizer: deps.authorizer });
  deps.metrics().conditionsEvaluated(
    { ...labels, type },
    {
      seconds: (deps.clock.monotonicMs() - start) / 1000,
      failures: outcome.kind === 'matches' ? 0 : outcome.failures,
    },
  );
  switch (outcome.kind) {
    case 'matches':
      return true;
    case 'differs':
      deps.metrics().conditionsExcluded({ ...labels, type: type === 'admit' ? 'admit' : 'validate' });
      return false;
    case 'failed':
      deps.log.warn('evaluate match conditions, failing closed', {
        webhook: hook.name,
        error: outcome.message,
      });
      throw forbidden(attributes.resource, attributes.name, outcome.message);
  }
}

/**
 * Asks one webhook.
 *
 * @throws {WebhookCallError} when it could not be asked
 * @throws {WebhookRejection} when it refuses
 * @throws {StatusError} when it may not be asked
 */
export async function callWebhook(
  deps: WebhookDeps,
  { hook }: RegisteredWebhook,
  write: VersionedWrite,
  type: WebhookType,
): Promise<AdmissionResponse> {
  const { attributes } = write;
  if (attributes.dryRun && hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun') {
    throw dryRunNotSupported(hook.name);
  }
  const response = await respond(deps, hook, write, type);
  for (const [key, value] of Object.entries(response.auditAnnotations ?? {})) {
    annotateAs(attributes, { key: `${hook.name}/${key}`, value }, deps.log);
  }
  response.warnings?.forEach((text) => attributes.warn?.(text));
  if (!response.allowed) {
    throw denied(hook.name, response.status);
  }
  return response;
}

async function respond(
  { client, random }: WebhookDeps,
  hook: RegisteredWebhook['hook'],
  write: VersionedWrite,
  type: WebhookType,
): Promise<AdmissionResponse> {
  const version = reviewVersion(hook.admissionReviewVersions);
  if (version === undefined) {
    throw new WebhookCallError(
      hook.name,
      'could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)',
      400,
    );
  }
  const uid = random.uuid();
  const answer = await client.post(
    hook.clientConfig,
    reviewOf(write, { uid, version }),
    hook.timeoutSeconds ?? TIMEOUT_SECONDS_DEFAULT,
  );
  if (answer.kind === 'failed') {
    throw new WebhookCallError(hook.name, answer.why, answer.code ?? UNAVAILABLE);
  }
  const response = checkedResponse(answer.value, { uid, version, isMutating: type === 'admit' });
  if (typeof response === 'string') {
    throw new WebhookCallError(hook.name, `received invalid webhook response: ${response}`, UNAVAILABLE);
  }
  return response;
}

/** Counts and logs how a call ended, and returns what the request ends with: nothing when it may go on. */
export function settleCall(
  deps: WebhookDeps,
  { hook }: RegisteredWebhook,
  call: { readonly labels: WebhookLabels; readonly startMs: number; readonly error: unknown },
): StatusError | undefined {
  const { labels, startMs, error } = call;
  const metrics = deps.metrics();
  const seconds = (deps.clock.monotonicMs() - startMs) / 1000;
  if (error === undefined) {
    metrics.webhookCalled(labels, { code: 200, seconds, isRejected: false });
    return undefined;
  }
  const fields = { webhook: hook.name, error };
  if (error instanceof WebhookCallError) {
    const isIgnored = hook.failurePolicy === 'Ignore';
    metrics.webhookCalled(labels, { code: error.httpCode, seconds, isRejected: !isIgnored });
    if (isIgnored) {
      metrics.webhookFailedOpen(labels);
      deps.log.warn('call a webhook, failing open', fields);
      return undefined;
    }
    metrics.webhookRejected(labels, 'calling_webhook_error', error.httpCode);
    deps.log.warn('call a webhook, failing closed', fields);
    return failedClosed(error);
  }
  if (error instanceof WebhookRejection) {
    const { code } = error.status;
    metrics.webhookCalled(labels, { code, seconds, isRejected: true });
    metrics.webhookRejected(labels, 'no_error', code);
    return error.status;
  }
  if (error instanceof StatusError) {
    metrics.webhookCalled(labels, { code: 0, seconds, isRejected: true });
    metrics.webhookRejected(labels, 'apiserver_internal_error', 0);
    return error;
  }
  throw error;
}
