import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { StatusError } from '#api/status-error.ts';
import type { Status } from '#api/types/meta.v1.ts';
import type { ApiResult } from '#apiserver/endpoints/api-call.ts';
import { deepFreeze } from '#codec/canonical.ts';
import type { WatchEvent } from '#client/transport.ts';

/** An answer that came as bytes, from a server behind this one. */
export type CarriedAnswer = Extract<ApiResult, { kind: 'bytes' }>;

/** The object of an answer. @throws {StatusError} when it is a refusal */
export async function carriedObject(answer: CarriedAnswer): Promise<unknown> {
  const body = await text(answer.chunks);
  if (answer.code >= 400) {
    throw refusalOf(answer.code, body);
  }
  return deepFreeze(JSON.parse(body) as object);
}

/** The events of a watch, a line each. @throws {StatusError} when it is a refusal */
export async function* carriedEvents(answer: CarriedAnswer): AsyncGenerator<WatchEvent> {
  if (answer.code >= 400) {
    throw refusalOf(answer.code, await text(answer.chunks));
  }
  for await (const line of createInterface({ input: Readable.from(answer.chunks) })) {
    yield deepFreeze(JSON.parse(line) as WatchEvent);
  }
}

function refusalOf(code: number, body: string): StatusError {
  const status = statusIn(body);
  return new StatusError({
    code,
    reason:
      status?.reason === undefined || status.reason === ''
        ? reasonOf(code)
        : (status.reason as StatusError['reason']),
    message: status?.message ?? body.trim(),
    details: status?.details,
  });
}

function statusIn(body: string): Status | undefined {
  if (!body.startsWith('{')) {
    return undefined;
  }
  const value = JSON.parse(body) as Status;
  return value.kind === 'Status' ? value : undefined;
}

function reasonOf(code: number): StatusError['reason'] {
  return code === 404 ? 'NotFound' : code === 503 ? 'ServiceUnavailable' : 'InternalError';
}
