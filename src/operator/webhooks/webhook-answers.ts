import type { ApiObject } from '#api/object.ts';
import type { AdmissionResponse, AdmissionReview } from '#api/types/admission.v1.ts';
import type { ConversionReview } from '#api/types/apiextensions.v1.ts';
import { describeError } from '#base/log.ts';
import { jsonPatchDiff } from '#codec/patch/json-patch-diff.ts';
import type { AdmissionWebhook, ConversionWebhook, Verdict } from './served-webhook.ts';

/** A review that has no request in it is not for us. */
export class ReviewError extends Error {
  override readonly name = 'ReviewError';
  readonly code = 'controller/review';
}

/** @throws {ReviewError} it is no AdmissionReview with a request */
export async function answerAdmission(webhook: AdmissionWebhook, review: AdmissionReview): Promise<object> {
  const { request } = review;
  if (review.kind !== 'AdmissionReview' || request === undefined) {
    throw new ReviewError('expected an AdmissionReview with a request');
  }
  let response: Omit<AdmissionResponse, 'uid' | 'status'> & { readonly status?: object };
  try {
    const said = await webhook.answer(request);
    response =
      webhook.kind === 'mutating' ? patchResponse(request.object, said) : verdictResponse(said as Verdict);
  } catch (error) {
    response = { allowed: false, status: { code: 500, message: describeError(error) } };
  }
  return { apiVersion: review.apiVersion, kind: review.kind, response: { uid: request.uid, ...response } };
}

/** @throws {ReviewError} it is no ConversionReview with a request */
export async function answerConversion(
  webhook: ConversionWebhook,
  review: ConversionReview,
): Promise<object> {
  const { request } = review;
  if (review.kind !== 'ConversionReview' || request === undefined) {
    throw new ReviewError('expected a ConversionReview with a request');
  }
  const { uid, desiredAPIVersion, objects } = request;
  let response: object;
  try {
    const convertedObjects = await Promise.all(
      (objects ?? []).map(async (object) => ({
        // A server sends objects of the resource that the webhook converts.
        ...(await webhook.convert(object as unknown as ApiObject, desiredAPIVersion)),
        apiVersion: desiredAPIVersion,
      })),
    );
    response = { convertedObjects, result: { status: 'Success' } };
  } catch (error) {
    response = { convertedObjects: [], result: { status: 'Failure', message: describeError(error) } };
  }
  return { apiVersion: review.apiVersion, kind: review.kind, response: { uid, ...response } };
}

function patchResponse(before: unknown, after: unknown): Omit<AdmissionResponse, 'uid'> {
  const operations = jsonPatchDiff(before, after);
  return operations.length === 0
    ? { allowed: true }
    : {
        allowed: true,
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
      };
}

function verdictResponse(
  verdict: Verdict,
): Omit<AdmissionResponse, 'uid' | 'status'> & { readonly status?: object } {
  const { refusal, warnings = [] }: { readonly refusal?: string; readonly warnings?: readonly string[] } =
    typeof verdict === 'string' ? { refusal: verdict } : (verdict ?? {});
  return {
    allowed: refusal === undefined,
    ...(refusal === undefined ? {} : { status: { code: 403, reason: 'Forbidden', message: refusal } }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}
