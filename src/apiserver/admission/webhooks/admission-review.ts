import type { AdmissionResponse, AdmissionReview } from '#api/types/admission.v1.ts';
import type { VersionedWrite } from '../matching/versioned-write.ts';
import { reviewRequest } from '../review-request.ts';

export type ReviewVersion = 'v1' | 'v1beta1';

/** The first version of the review that both sides know. */
export function reviewVersion(offered: readonly string[]): ReviewVersion | undefined {
  return offered.find((version) => version === 'v1' || version === 'v1beta1');
}

/** What a webhook is asked. */
export function reviewOf(
  write: VersionedWrite,
  { uid, version }: { readonly uid: string; readonly version: ReviewVersion },
): { readonly kind: string; readonly apiVersion: string; readonly request: object } {
  // The two objects are always there, as null when there is none.
  const objects = { object: write.object ?? null, oldObject: write.oldObject ?? null };
  return {
    kind: 'AdmissionReview',
    apiVersion: `admission.k8s.io/${version}`,
    request: { uid, ...reviewRequest(write), ...objects },
  };
}

/** A response that is well-formed for what was asked; otherwise what is wrong with it. */
export function checkedResponse(
  answer: unknown,
  { uid, version, isMutating }: { uid: string; version: ReviewVersion; isMutating: boolean },
): AdmissionResponse | string {
  const {
    apiVersion = '',
    kind = '',
    response,
  } = (answer ?? {}) as Omit<Partial<AdmissionReview>, 'apiVersion'> & {
    apiVersion?: string;
  };
  if (typeof response !== 'object' || response === null) {
    return 'webhook response was absent';
  }
  if (version === 'v1beta1') {
    return { ...response, uid, ...(response.patch === undefined ? {} : { patchType: 'JSONPatch' }) };
  }
  if (response.uid !== uid) {
    return `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`;
  }
  if (apiVersion !== 'admission.k8s.io/v1' || kind !== 'AdmissionReview') {
    return `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${apiVersion}, Kind=${kind}`;
  }
  // The answer is somebody else's: anything but a plain true is a refusal.
  const { allowed }: { readonly allowed: unknown } = response;
  return patchProblem(response, isMutating) ?? { ...response, allowed: allowed === true };
}

function patchProblem({ patch = '', patchType }: AdmissionResponse, isMutating: boolean): string | undefined {
  if (!isMutating) {
    return patch !== ''
      ? 'validating webhook may not return response.patch'
      : patchType !== undefined
        ? 'validating webhook may not return response.patchType'
        : undefined;
  }
  if (patch !== '' && patchType === undefined) {
    return 'webhook returned response.patch but not response.patchType';
  }
  return patch === '' && patchType !== undefined
    ? 'webhook returned response.patchType but not response.patch'
    : undefined;
}
