import { formatMicroTime } from '#api/time.ts';
import { StatusError } from '#api/status-error.ts';
import type { Status } from '#api/types/meta.v1.ts';
import type { Clock } from '#base/clock.ts';
import { isRecord } from '#codec/own-property.ts';
import type { UserInfo } from '../authn/user.ts';
import type { Decision } from '../authz/authorizer.ts';
import type { CallBody } from '../endpoints/api-call.ts';
import { decodeValue } from '../endpoints/decode-body.ts';
import type { RequestInfo } from '../request-info.ts';
import {
  eventUser,
  withoutManagedFields,
  type AuditEvent,
  type EventStatus,
  type ObjectReference,
} from './audit-event.ts';
import { isAtLeast, type AuditConfig, type AuditStage } from './audit-policy.ts';

/** The request as it came, before anything was decided about it. */
export interface AuditedRequest {
  readonly auditId: string;
  readonly info: RequestInfo;
  /** Path and query as they were sent. */
  readonly uri: string;
  /** Undefined for those whose credential was not good. */
  readonly user: UserInfo | undefined;
  readonly userAgent: string;
  readonly sourceIps: readonly string[];
  readonly receivedMs: number;
}

export interface AuditTrailDeps {
  readonly clock: Clock;
  readonly emit: (event: AuditEvent) => void;
  /** Requests whose answer is a stream tell when it begins. */
  readonly isLongRunning: boolean;
}

const DECISION = 'authorization.k8s.io/decision';
const REASON = 'authorization.k8s.io/reason';
const USER_AGENT_LENGTH_MAX = 1024;

/** What is recorded of one request on its way. Errors of recording never become the request's. */
export class AuditTrail {
  readonly #request: AuditedRequest;
  readonly #config: AuditConfig;
  readonly #deps: AuditTrailDeps;
  readonly #annotations: Record<string, string> = {};
  #objectRef: ObjectReference | undefined;
  #impersonated: UserInfo | undefined;
  #constraint = '';
  #status: EventStatus | undefined;
  #requestObject: unknown;
  #responseObject: unknown;
  #isDone = false;

  constructor(request: AuditedRequest, config: AuditConfig, deps: AuditTrailDeps) {
    this.#request = request;
    this.#config = config;
    this.#deps = deps;
    this.#objectRef = request.info.isResource ? referenceOf(request.info) : undefined;
  }

  received(): void {
    this.#emit('RequestReceived', this.#request.receivedMs);
  }

  /** @param constraint the verb that allowed it, where that says for what; else empty */
  impersonated(user: UserInfo, constraint: string): void {
    this.#impersonated = user;
    this.#constraint = constraint;
  }

  authorized({ outcome, reason }: Decision): void {
    this.annotate(DECISION, outcome === 'allow' ? 'allow' : 'forbid');
    this.annotate(REASON, reason);
  }

  /** Adds an annotation; one that is there already stays. */
  readonly annotate = (key: string, value: string, level: 'Metadata' | 'Request' = 'Metadata'): void => {
    if (isAtLeast(this.#config.level, level)) {
      this.#annotations[key] ??= value;
    }
  };

  /** What the client sent. Its own words about the object say more than the path, and are kept where asked for. */
  requested(body: CallBody | undefined): void {
    const value = body === undefined ? undefined : decoded(body);
    if (value === undefined) {
      return;
    }
    const isPatch = this.#request.info.verb === 'patch';
    if (!isPatch && isRecord(value) && isRecord(value['metadata'])) {
      this.#objectRef = completed(this.#objectRef, value['metadata']);
    }
    if (isAtLeast(this.#config.level, 'Request')) {
      this.#requestObject = this.#config.omitManagedFields && !isPatch ? withoutManagedFields(value) : value;
    }
  }

  /** The object that the answer holds. Unless {@link keepsAnswers}, only a Status is of interest. */
  answered(object: object): void {
    if (isStatus(object)) {
      const { kind: _kind, apiVersion: _version, ...status } = object;
      this.#status = { ...status, metadata: {} };
    }
    if (this.keepsAnswers) {
      this.#responseObject = this.#config.omitManagedFields ? withoutManagedFields(object) : object;
    }
  }

  /** True when answers are recorded whole. */
  get keepsAnswers(): boolean {
    return isAtLeast(this.#config.level, 'RequestResponse');
  }

  /** The head of the answer goes out. */
  started(code: number): void {
    this.#status = { metadata: {}, ...this.#status, code };
    if (this.#deps.isLongRunning) {
      this.#emit('ResponseStarted');
    }
  }

  failed(error: StatusError): void {
    this.answered(error.toStatus());
  }

  /** Nothing more will be sent. */
  completed(): void {
    if (this.#isDone) {
      return;
    }
    if (this.#status?.code === undefined) {
      this.#status = { metadata: {}, status: 'Success', message: 'Connection closed early', code: 200 };
      if (this.#deps.isLongRunning) {
        this.#emit('ResponseStarted');
      }
    }
    this.#emit('ResponseComplete');
    this.#isDone = true;
  }

  /** The server broke on this request. */
  panicked(message: string): void {
    this.#status = {
      metadata: {},
      status: 'Failure',
      message: `APIServer panic'd: ${message}`,
      reason: 'InternalError',
      code: 500,
    };
    this.#emit('Panic');
    this.#isDone = true;
  }

  /** The only event of a request that nobody good sent. */
  unauthenticated(message: string): void {
    this.#status = { metadata: {}, message, code: 401 };
    this.#emit('ResponseStarted');
    this.#isDone = true;
  }

  #emit(stage: AuditStage, atMs = this.#deps.clock.nowMs()): void {
    if (this.#isDone || this.#config.omitStages.has(stage)) {
      return;
    }
    const { auditId, uri, info, user, userAgent, sourceIps, receivedMs } = this.#request;
    const annotations = Object.keys(this.#annotations).length === 0 ? undefined : { ...this.#annotations };
    this.#deps.emit({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: this.#config.level,
      auditID: auditId,
      stage,
      requestURI: uri,
      verb: info.verb,
      user: user === undefined ? {} : eventUser(user),
      ...(this.#impersonated === undefined ? {} : { impersonatedUser: eventUser(this.#impersonated) }),
      ...(this.#constraint === ''
        ? {}
        : { authenticationMetadata: { impersonationConstraint: this.#constraint } }),
      ...(sourceIps.length === 0 ? {} : { sourceIPs: sourceIps }),
      ...(userAgent === '' ? {} : { userAgent: truncated(userAgent) }),
      ...(this.#objectRef === undefined ? {} : { objectRef: this.#objectRef }),
      ...(this.#status === undefined ? {} : { responseStatus: this.#status }),
      ...(this.#requestObject === undefined ? {} : { requestObject: this.#requestObject }),
      ...(this.#responseObject === undefined ? {} : { responseObject: this.#responseObject }),
      requestReceivedTimestamp: formatMicroTime(receivedMs),
      stageTimestamp: formatMicroTime(atMs),
      ...(annotations === undefined ? {} : { annotations }),
    });
  }
}

function truncated(userAgent: string): string {
  return userAgent.length > USER_AGENT_LENGTH_MAX
    ? `${userAgent.slice(0, USER_AGENT_LENGTH_MAX)}...TRUNCATED`
    : userAgent;
}

function referenceOf({
  resource,
  namespace,
  name,
  group,
  version,
  subresource,
}: RequestInfo): ObjectReference {
  return reference({ resource, namespace, name, apiGroup: group, apiVersion: version, subresource });
}

/** In upstream's order, without what is empty. */
function reference(parts: ObjectReference): ObjectReference {
  const { resource, namespace, name, uid, apiGroup, apiVersion, resourceVersion, subresource } = parts;
  const ordered = { resource, namespace, name, uid, apiGroup, apiVersion, resourceVersion, subresource };
  return Object.fromEntries(
    Object.entries(ordered).filter(([, value]) => value !== undefined && value !== ''),
  );
}

function completed(
  known: ObjectReference | undefined,
  metadata: Readonly<Record<string, unknown>>,
): ObjectReference {
  const said = (field: string): string | undefined => {
    const value = metadata[field];
    return typeof value === 'string' ? value : undefined;
  };
  return reference({
    ...known,
    namespace: known?.namespace ?? said('namespace') ?? '',
    name: known?.name ?? said('name') ?? '',
    uid: said('uid') ?? '',
    resourceVersion: said('resourceVersion') ?? '',
  });
}

function isStatus(value: unknown): value is Status {
  return isRecord(value) && value['kind'] === 'Status' && value['apiVersion'] === 'v1';
}

/** A body that is not good is answered with an error elsewhere. */
function decoded(body: CallBody): unknown {
  try {
    return decodeValue(body);
  } catch (error) {
    if (error instanceof StatusError) {
      return undefined;
    }
    throw error;
  }
}
