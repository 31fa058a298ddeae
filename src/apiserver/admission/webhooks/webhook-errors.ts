import { StatusError, badRequest, internalError, type StatusReason } from '#api/status-error.ts';
import type { Status } from '#api/types/meta.v1.ts';

/** A webhook could not be asked, or its answer was none; its failure policy decides what that means. */
export class WebhookCallError extends Error {
  override readonly name = 'WebhookCallError';
  readonly code = 'apiserver/webhook-call';
  /** As metrics count it: the answer's where there was one. */
  readonly httpCode: number;

  constructor(webhook: string, why: string, httpCode: number) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${why}`);
    this.httpCode = httpCode;
  }
}

/** The webhook was asked and said no. */
export class WebhookRejection extends Error {
  override readonly name = 'WebhookRejection';
  readonly code = 'apiserver/webhook-rejection';
  readonly status: StatusError;

  constructor(status: StatusError) {
    super(status.message);
    this.status = status;
  }
}

/** What the client is told when a webhook that may not fail did. */
export function failedClosed(error: WebhookCallError): StatusError {
  return internalError(error.message, error);
}

/** The refusal in the webhook's own words, or as many of them as it gave. */
export function denied(webhook: string, result: Partial<Status> | undefined): WebhookRejection {
  const head = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const { message = '', reason = '', code = 0 } = result ?? {};
  const why = message === '' ? reason : message;
  return new WebhookRejection(
    new StatusError({
      // A refusal that calls itself a success is a refusal.
      code: code < 400 ? 400 : code,
      // Reasons this program does not know are passed on as they are.
      reason: reason as StatusReason,
      message: why === '' ? `${head} without explanation` : `${head}: ${why}`,
      ...(result?.details === undefined ? {} : { details: result.details }),
    }),
  );
}

export function dryRunNotSupported(webhook: string): StatusError {
  return badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`);
}
