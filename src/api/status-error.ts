import type { Status, StatusCause } from './types/meta.v1.ts';
import type { GroupVersionResource } from './resource-type.ts';

/** Why a request failed, in the words clients match on. */
export type StatusReason =
  | ''
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Invalid'
  | 'ServerTimeout'
  | 'StoreReadError'
  | 'Timeout'
  | 'TooManyRequests'
  | 'BadRequest'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'InternalError'
  | 'Expired'
  | 'ServiceUnavailable';

interface StatusErrorOptions {
  readonly code: number;
  readonly reason: StatusReason;
  readonly message: string;
  readonly details?: Status['details'];
}

/** The one error of the API: what every refusal is, on the server and in the client, and what goes on the wire. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: number;
  readonly reason: StatusReason;
  readonly details: Status['details'];

  constructor({ code, reason, message, details }: StatusErrorOptions, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  /** The `Status` object that the server answers with. */
  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }

  /** Reads an error back from a `Status` that a server sent. */
  static fromStatus(status: Partial<Status>, httpCode: number): StatusError {
    return new StatusError({
      code: status.code ?? httpCode,
      // The wire carries a free string; reasons this program does not know are passed on as they are.
      reason: (status.reason ?? '') as StatusReason,
      message: status.message ?? `the server answered with status ${httpCode}`,
      ...(status.details === undefined ? {} : { details: status.details }),
    });
  }
}

type Resource = Pick<GroupVersionResource, 'group' | 'resource'>;

/** `pods`, or `deployments.apps`. */
export function qualifiedResource({ group, resource }: Resource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

function detailsOf(resource: Resource, name: string): NonNullable<Status['details']> {
  return {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    ...(resource.resource === '' ? {} : { kind: resource.resource }),
  };
}

/** 404. `name` may be empty, for collections. */
export function notFound(resource: Resource, name: string): StatusError {
  return new StatusError({
    code: 404,
    reason: 'NotFound',
    message: `${qualifiedResource(resource)} "${name}" not found`,
    details: detailsOf(resource, name),
  });
}

/** For a path that no resource is served at. */
export function unknownPath(): StatusError {
  return new StatusError({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  });
}

/** 409 of a create whose name is taken. */
export function alreadyExists(resource: Resource, name: string): StatusError {
  return new StatusError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${qualifiedResource(resource)} "${name}" already exists`,
    details: detailsOf(resource, name),
  });
}

/** 409 of a write whose precondition no longer holds: reading anew and trying again may help. */
export function conflict(resource: Resource, name: string, why: string): StatusError {
  return new StatusError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualifiedResource(resource)} "${name}": ${why}`,
    details: detailsOf(resource, name),
  });
}

/** 403. An empty `resource` leaves out what was asked for. */
export function forbidden(resource: Resource, name: string, why: string): StatusError {
  const what =
    resource.resource === ''
      ? 'forbidden'
      : `${qualifiedResource(resource)}${name === '' ? '' : ` "${name}"`} is forbidden`;
  return new StatusError({
    code: 403,
    reason: 'Forbidden',
    message: `${what}: ${why}`,
    details: detailsOf(resource, name),
  });
}

/** 400: the request cannot be understood, whatever the state of the cluster. */
export function badRequest(message: string): StatusError {
  return new StatusError({ code: 400, reason: 'BadRequest', message });
}

/** 401: nobody vouches for the credential, or there is none where one is needed. */
export function unauthorized(): StatusError {
  return new StatusError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

/** 405: the resource is served, and not with this verb. */
export function methodNotSupported(resource: Resource, verb: string): StatusError {
  return new StatusError({
    code: 405,
    reason: 'MethodNotAllowed',
    message: `${verb} is not supported on resources of kind "${qualifiedResource(resource)}"`,
    details: detailsOf(resource, ''),
  });
}

/** The history a list or watch asked for was compacted; the client lists anew. */
export function expired(message: string): StatusError {
  return new StatusError({ code: 410, reason: 'Expired', message });
}

/** 429, which clients repeat by themselves after `retryAfterSeconds`. */
export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return new StatusError({ code: 429, reason: 'TooManyRequests', message, details: { retryAfterSeconds } });
}

/** 500. `cause` is kept for the log and not sent. */
export function internalError(message: string, cause?: unknown): StatusError {
  return new StatusError(
    {
      code: 500,
      reason: 'InternalError',
      message: `Internal error occurred: ${message}`,
      details: { causes: [{ message }] },
    },
    cause,
  );
}

/** 503: the server, or one it relies on, cannot answer now. */
export function serviceUnavailable(message: string): StatusError {
  return new StatusError({ code: 503, reason: 'ServiceUnavailable', message });
}

/** A request for something Coracle does not do yet (docs/gaps.md): never a silent no-op. */
export function notSupported(what: string): StatusError {
  return new StatusError({
    code: 501,
    reason: 'MethodNotAllowed',
    message: `${what} is not supported by Coracle yet`,
  });
}

/** 422 with everything that is wrong with an object. An empty `name` is shown as such. */
export function invalid(
  kind: { readonly group: string; readonly kind: string },
  name: string,
  causes: readonly FieldError[],
): StatusError {
  // Two rules may say the same of one field: both are causes, and the sentence is said once.
  const texts = [...new Set(causes.map(fieldErrorText))];
  const list = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  return new StatusError({
    code: 422,
    reason: 'Invalid',
    message: `${qualified} "${name}" is invalid${texts.length === 0 ? '' : `: ${list}`}`,
    details: {
      ...(name === '' ? {} : { name }),
      ...(kind.group === '' ? {} : { group: kind.group }),
      kind: kind.kind,
      causes: causes.map((cause) => ({
        reason: cause.reason,
        message: fieldErrorBody(cause),
        field: cause.path,
      })),
    },
  });
}

/** Reasons of causes in a Status, in upstream's words. */
export type FieldErrorReason =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'InternalError'
  | 'FieldValueTypeInvalid';

/** One thing wrong with one field. Validation returns all of them; it never throws on the first. */
export interface FieldError {
  /** `spec.containers[0].name`, `metadata.labels[app]`. */
  readonly path: string;
  readonly reason: FieldErrorReason;
  /** The offending value; left out for Required, Forbidden, TooLong, TooMany and InternalError. */
  readonly badValue?: unknown;
  /** The value is an object or a list, which the sentence does not repeat. */
  readonly isValueOmitted?: boolean;
  readonly detail: string;
  /** Which rule fired; lets a test assert the rule without matching prose. */
  readonly origin?: string;
}

const REASON_TEXT: Readonly<Record<FieldErrorReason, string>> = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  InternalError: 'Internal error',
  FieldValueTypeInvalid: 'Invalid value',
};

const WITHOUT_VALUE: ReadonlySet<FieldErrorReason> = new Set([
  'FieldValueRequired',
  'FieldValueForbidden',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'InternalError',
]);

/** `Invalid value: "x": must be …`, without the path. */
export function fieldErrorBody({ reason, badValue, isValueOmitted, detail }: FieldError): string {
  const head =
    WITHOUT_VALUE.has(reason) || isValueOmitted === true
      ? REASON_TEXT[reason]
      : `${REASON_TEXT[reason]}: ${valueText(badValue)}`;
  return detail === '' ? head : `${head}: ${detail}`;
}

/** `spec.replicas: Invalid value: -1: must be …`. */
export function fieldErrorText(error: FieldError): string {
  return `${error.path}: ${fieldErrorBody(error)}`;
}

function valueText(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

function hasReason(error: unknown, reason: StatusReason): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof StatusError) {
      return current.reason === reason;
    }
  }
  return false;
}

export const isNotFound = (error: unknown): boolean => hasReason(error, 'NotFound');
export const isConflict = (error: unknown): boolean => hasReason(error, 'Conflict');
export const isAlreadyExists = (error: unknown): boolean => hasReason(error, 'AlreadyExists');
export const isForbidden = (error: unknown): boolean => hasReason(error, 'Forbidden');
export const isInvalid = (error: unknown): boolean => hasReason(error, 'Invalid');
export const isTooManyRequests = (error: unknown): boolean => hasReason(error, 'TooManyRequests');
export const isExpired = (error: unknown): boolean => hasReason(error, 'Expired') || hasReason(error, 'Gone');

export type { Status, StatusCause };
