import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import type { AdmissionRequest } from '#api/types/admission.v1.ts';
import type { UserInfo } from '#api/types/authentication.v1.ts';

/** What a webhook is told beside the object. */
export interface AdmissionDetails<T extends ApiObject> {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  /** The object as it is stored: with UPDATE and DELETE. */
  readonly previous: T | undefined;
  readonly user: UserInfo;
  /** Nothing will be stored; side effects are not wanted. */
  readonly isDryRun: boolean;
}

/** What a validating webhook says: nothing to let it pass, a sentence to refuse, or either with warnings. */
export type Verdict =
  // A check that finds nothing wrong returns nothing.
  // oxlint-disable-next-line typescript/no-invalid-void-type
  void | string | { readonly refusal?: string; readonly warnings?: readonly string[] };

export interface WebhookRules {
  /** `CREATE` and `UPDATE` when left out. */
  readonly operations?: readonly AdmissionDetails<ApiObject>['operation'][];
  /** What happens to requests while the webhook cannot be reached; `Fail` when left out. */
  readonly failurePolicy?: 'Fail' | 'Ignore';
  /** 10 when left out. */
  readonly timeoutSeconds?: number;
}

/** A webhook about one resource, asked for each write. */
export interface AdmissionWebhook {
  readonly kind: 'mutating' | 'validating';
  readonly resource: ResourceType<ApiObject>;
  readonly rules: WebhookRules;
  /** For `mutating` the object as it is to be; for `validating` the verdict. */
  readonly answer: (request: AdmissionRequest) => unknown;
}

/** Converts objects of a custom resource between its versions. */
export interface ConversionWebhook {
  readonly kind: 'converting';
  readonly group: string;
  readonly convert: (object: ApiObject, apiVersion: string) => ApiObject | Promise<ApiObject>;
}

export type ServedWebhook = AdmissionWebhook | ConversionWebhook;

/**
 * Fills in what the writer of an object left out.
 *
 * @param fill returns the object with everything in it; returning it unchanged changes nothing
 */
export function defaulting<T extends ApiObject>(
  resource: ResourceType<T>,
  fill: (object: T, details: AdmissionDetails<T>) => T | Promise<T>,
  rules: WebhookRules = {},
): ServedWebhook {
  return {
    kind: 'mutating',
    resource,
    rules,
    answer: (request) => fill(subjectOf(request), detailsOf(request)),
  };
}

/** Refuses objects that no schema can: the sentence that `check` returns is shown to whoever wrote the object. */
export function validating<T extends ApiObject>(
  resource: ResourceType<T>,
  check: (object: T, details: AdmissionDetails<T>) => Verdict | Promise<Verdict>,
  rules: WebhookRules = {},
): ServedWebhook {
  return {
    kind: 'validating',
    resource,
    rules,
    answer: (request) => check(subjectOf(request), detailsOf(request)),
  };
}

/**
 * Converts objects of a group's custom resources between versions.
 *
 * @param convert returns the object in the version asked for (`example.com/v2`), its metadata unchanged; what it
 *   throws fails the request that needed the conversion
 */
export function converting(
  group: string,
  convert: (object: ApiObject, apiVersion: string) => ApiObject | Promise<ApiObject>,
): ServedWebhook {
  return { kind: 'converting', group, convert };
}

/** Rules of the webhook name the resource, so the server sends its objects. Deletions have only the old one. */
function subjectOf<T extends ApiObject>({ object, oldObject }: AdmissionRequest): T {
  return (object ?? oldObject) as unknown as T;
}

function detailsOf<T extends ApiObject>(request: AdmissionRequest): AdmissionDetails<T> {
  const { operation, oldObject, userInfo, dryRun = false } = request;
  return {
    // The rules ask for no other.
    operation: operation as AdmissionDetails<T>['operation'],
    previous: (oldObject ?? undefined) as unknown as T | undefined,
    user: userInfo,
    isDryRun: dryRun,
  };
}
