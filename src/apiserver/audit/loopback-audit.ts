import { StatusError } from '#api/status-error.ts';
import { describeError } from '#base/log.ts';
import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import type { ApiCall, ApiResult } from '../endpoints/api-call.ts';
import { resultObject } from '../http/result-object.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { Auditor } from './auditor.ts';

/** Requests within the process come from the machine itself. */
const LOOPBACK_IPS = ['::1'];

/** Records the requests of components in this process as those from outside are. */
export class LoopbackAudit {
  readonly #handle: (call: ApiCall) => Promise<ApiResult>;
  readonly #auditor: Auditor;
  readonly #clock: Clock;
  readonly #random: Random;

  /** @param handle serves the calls */
  constructor(
    handle: (call: ApiCall) => Promise<ApiResult>,
    deps: { readonly auditor: Auditor; readonly clock: Clock; readonly random: Random },
  ) {
    this.#handle = handle;
    this.#auditor = deps.auditor;
    this.#clock = deps.clock;
    this.#random = deps.random;
  }

  /** @throws {StatusError} what the server answers */
  async handle(call: ApiCall): Promise<ApiResult> {
    const trail = this.#auditor.begin({
      auditId: this.#random.uuid(),
      info: call.info,
      uri: uriOf(call),
      user: call.user,
      userAgent: call.userAgent,
      sourceIps: LOOPBACK_IPS,
      receivedMs: this.#clock.nowMs(),
    });
    if (trail === undefined) {
      return this.#handle(call);
    }
    trail.received();
    trail.requested(call.body);
    try {
      const result = await this.#handle({ ...call, audit: trail });
      return answered(trail, result);
    } catch (error) {
      fail(trail, error);
      throw error;
    }
  }
}

function uriOf({ info, query }: ApiCall): string {
  const search = query.toString();
  const path = info.subresource === '' ? info.path : `${info.path}/${info.subresource}`;
  return search === '' ? path : `${path}?${search}`;
}

function answered(trail: AuditTrail, result: ApiResult): ApiResult {
  if (result.kind === 'watch') {
    trail.started(200);
    return { ...result, batches: followed(result.batches, trail) };
  }
  const object = trail.keepsAnswers || result.kind === 'value' ? resultObject(result) : undefined;
  if (object !== undefined) {
    trail.answered(object);
  }
  trail.started('code' in result ? result.code : 200);
  trail.completed();
  return result;
}

async function* followed<T>(batches: AsyncIterable<T>, trail: AuditTrail): AsyncGenerator<T> {
  try {
    yield* batches;
  } finally {
    trail.completed();
  }
}

function fail(trail: AuditTrail, error: unknown): void {
  if (error instanceof StatusError) {
    trail.failed(error);
    trail.started(error.code);
    trail.completed();
  } else {
    trail.panicked(describeError(error));
  }
}
